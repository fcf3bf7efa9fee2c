"""What is in memory is written as files that hold the same dataset, to its digest."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from mtlsearch import DataError, UsageError
from mtlsearch.api.given_data import as_file, with_whole_paths
from mtlsearch.data import Dataset, load
from tests.support.small_search import penguins

TASKS = ("species", "sex", "body_mass_g")
INPUTS = [name for name in penguins() if name not in TASKS]


def loaded(given: object, folder: Path, targets: object = None, tasks=TASKS) -> Dataset:
    folder.mkdir(exist_ok=True)
    data = as_file(given, targets, folder, tasks)
    with data.called():
        return load(data.name, tasks)


@pytest.fixture
def digest(tmp_path: Path) -> str:
    """The digest of the user's own Parquet file of the penguins."""
    path = tmp_path / "mine.parquet"
    penguins().to_parquet(path)
    return load(str(path), TASKS).digest


def test_a_frame_is_its_parquet_file(tmp_path: Path, digest: str) -> None:
    table = penguins()
    table.attrs["source"] = {1, 2}  # which Parquet could not hold
    assert loaded(table, tmp_path / "whole").digest == digest
    parts = loaded(table[INPUTS], tmp_path / "parts", table[list(TASKS)])
    assert parts.digest == digest
    shuffled_index = table[INPUTS].set_axis(range(1, len(table) + 1))
    by_row = loaded(shuffled_index, tmp_path / "rows", {name: table[name] for name in TASKS})
    assert by_row.digest == digest


def test_types_are_kept_as_parquet_keeps_them(tmp_path: Path) -> None:
    table = penguins()
    table["year"] = table["year"].astype("category")
    [source] = loaded(table, tmp_path / "category").sources.values()
    assert source.forms["year"].type == "category"
    [source] = loaded(penguins(), tmp_path / "number").sources.values()
    assert source.forms["year"].type == "number"


def test_a_card_holds_frames_and_paths(tmp_path: Path, digest: str) -> None:
    tasks = {name: {} for name in TASKS}
    card = {"sources": {"data": {"path": penguins()}}, "tasks": tasks}
    assert loaded(card, tmp_path / "frame", tasks=()).digest == digest
    card["sources"]["data"] = {"path": tmp_path / "mine.parquet"}
    assert loaded(card, tmp_path / "path", tasks=()).digest == digest


def test_polars_frames_are_the_same(tmp_path: Path, digest: str) -> None:
    polars = pytest.importorskip("polars")
    table = polars.from_pandas(penguins())
    assert loaded(table, tmp_path / "whole").digest == digest
    parts = loaded(table[INPUTS], tmp_path / "parts", table[list(TASKS)])
    assert parts.digest == digest


def test_hugging_face_datasets_are_the_same_with_the_names_of_classes(
    tmp_path: Path, digest: str
) -> None:
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    dataset = datasets.Dataset.from_pandas(penguins())
    assert loaded(dataset, tmp_path / "text").digest == digest
    encoded = dataset.class_encode_column("species")
    assert loaded(encoded, tmp_path / "encoded").digest == digest
    rows = [3, 1, 2, *range(200, 320)]
    some = loaded(encoded.select(rows), tmp_path / "some")
    assert some.digest == loaded(penguins().iloc[rows], tmp_path / "rows").digest


def test_arrays_are_read_as_npz_is(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    arrays = {"x": generator.normal(size=(60, 2, 5)), "a": np.arange(60.0), "b": ["u", "v"] * 30}
    dataset = loaded(arrays, tmp_path / "dict", tasks=("a", "b"))
    np.savez(tmp_path / "mine.npz", **arrays)
    assert dataset.digest == load(str(tmp_path / "mine.npz"), ("a", "b")).digest
    table = generator.normal(size=(60, 3))
    both = loaded(table, tmp_path / "array", table[:, :2] * 2, tasks=("y_0", "y_1"))
    assert list(next(iter(both.sources.values())).inputs) == ["x_0", "x_1", "x_2"]


class Pictures(torch.utils.data.Dataset):
    """Rows of a picture [1, 4, 4] and targets, as one asks for them."""

    def __init__(self, targets) -> None:
        self.targets = targets

    def __len__(self) -> int:
        return 40

    def __getitem__(self, row: int):
        pixels = torch.full((1, 4, 4), row / 40)
        return pixels, *self.targets(float(row), row % 2)


@pytest.mark.parametrize(
    "targets",
    [
        lambda a, b: [{"a": a, "b": b}],
        lambda a, b: [a, b],
        lambda a, b: [torch.tensor([a, b])],
    ],
    ids=["by name", "one by one", "vector"],
)
def test_torch_datasets_are_arrays(tmp_path: Path, targets) -> None:
    dataset = loaded(Pictures(targets), tmp_path / "torch", tasks=("a", "b"))
    [source] = dataset.sources.values()
    assert source.inputs["x"][39].shape == (1, 4, 4)
    assert dataset.targets["a"].tolist() == [float(row) for row in range(40)]
    assert dataset.targets["b"].tolist() == [row % 2 for row in range(40)]


def test_pictures_are_found_from_the_working_directory(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = ["a/1.png", str(tmp_path / "2.png"), "https://host/3.png", None, b"\x89PNG"]
    table = pd.DataFrame({"photo": pd.Series(cells, dtype=object), "note": "a/1.png"})
    whole = with_whole_paths(table, ["photo", "absent"])
    assert whole["photo"].tolist() == [str(tmp_path / "a/1.png"), *cells[1:]]
    assert whole["note"].tolist() == table["note"].tolist()


def _repeated() -> pd.DataFrame:
    table = penguins()
    return pd.concat([table, table["sex"]], axis=1)


@pytest.mark.parametrize(
    ("given", "targets", "error", "words"),
    [
        (3, None, UsageError, "X: found int; allowed: a pandas or Polars DataFrame"),
        (_repeated(), None, DataError, "more than once: sex"),
        (penguins()[INPUTS], penguins()["sex"][:5], DataError, "sex has 5 rows, but X has 342"),
        (penguins(), penguins()["sex"], DataError, "more than once: sex"),
        (penguins().assign(sex=object()), None, DataError, "cannot be written as Parquet"),
        ({"x": np.array([{}])}, None, DataError, 'array "x" holds objects'),
        (Pictures(lambda a, b: []), None, UsageError, "row 0 is tuple, not (inputs, targets)"),
        (Pictures(lambda a, b: [a]), None, UsageError, "found 1 targets for 3 tasks"),
        (penguins().drop(columns="sex"), None, DataError, "the DataFrame: column"),
        ("birds.csv", penguins(), UsageError, "y: birds.csv holds the targets itself"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line(
    given, targets, error, words: str, tmp_path: Path
) -> None:
    with pytest.raises(error) as caught:
        loaded(given, tmp_path, targets)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
