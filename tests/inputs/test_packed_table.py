"""Rows of a large table are encoded when they are taken, to the last bit as all are at once."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from mtlsearch.backbones import Mlp
from mtlsearch.backbones.numbers import Plain
from mtlsearch.candidate import Candidate, TrainingSettings
from mtlsearch.data import Dataset, fold, load, prepare
from mtlsearch.inputs.packed_table import PackedTable
from mtlsearch.records import TrainingJob
from mtlsearch.references.flat_table import FlatRows, FlatTable, flat_table
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.training.training_data import TrainingData
from tests.support.photos import write_photos
from tests.support.replicates import confirmed, searched

ROWS = 240
CPU = torch.device("cpu")
CARD = """
sources: {t: {path: table.csv}}
tasks: {stay: {}, ill: {}}
columns:
  doctor: {type: category, embedding: 4}
  street: {type: category, buckets: 16}
  note: text
split: {column: split}
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """A table of every form of column, with gaps and what no training row has, and one of photos.

    For reading only.
    """
    folder = tmp_path_factory.mktemp("packed")
    draw = np.random.default_rng(0)
    words = ["red", "green", "fast", "slow", "broken", "late"]
    days = pd.Series(pd.date_range("2024-01-01", periods=ROWS, freq="7h").astype(str))
    table = pd.DataFrame(
        {
            "age": draw.normal(50, 10, ROWS),
            "rooms": draw.integers(1, 9, ROWS),
            "flat": 7.1,
            "late": draw.normal(size=ROWS),
            "ward": draw.choice(["a", "b", "c", ""], ROWS),
            "day": days.where(np.arange(ROWS) % 11 > 0),
            "note": [" ".join(draw.choice(words, 5)) for _ in range(ROWS)],
            "doctor": [f"d{number % 60}" for number in range(ROWS)],
            "street": [f"s{number % 90}" for number in range(ROWS)],
            "stay": draw.normal(size=ROWS),
            "ill": draw.choice(["no", "yes"], ROWS),
            "split": np.repeat(["train", "val", "test"], [150, 50, 40]),
        }
    )
    table.loc[::7, ["age", "street"]] = None
    table.loc[160:165, "late"] = np.nan
    table.loc[170:180, ["ward", "doctor", "note"]] = ["d", "new", "unheard words only"]
    table.loc[3, "age"] = 1e300
    table.to_csv(folder / "table.csv", index=False)
    (folder / "card.yaml").write_text(CARD, "utf-8")
    photos = folder / "photos"
    photos.mkdir()
    return {
        "forms": load(str(folder / "card.yaml")),
        "photos": load(str(write_photos(photos))),
    }


@pytest.mark.parametrize("name", ["forms", "photos"])
def test_rows_that_are_taken_equal_those_encoded_at_once(tables, name):
    dataset = tables[name]
    packed = TrainingData(dataset, 0, CPU, largest_encoded=0)
    [source] = dataset.sources
    for replicate in (searched(0), searched(1)):
        rows = packed.fold(replicate).inputs[source]
        assert isinstance(rows, PackedTable)
        whole = prepare(dataset, fold(dataset, replicate.number, 0)).inputs[source]
        order = torch.randperm(rows.rows, generator=torch.Generator().manual_seed(0))
        taken = rows.take(order)
        assert taken.names == whole.names
        for array in whole.names:
            expected = torch.from_numpy(getattr(whole, array))[order]
            assert torch.equal(getattr(taken, array), expected), array


def test_folds_share_the_rows_and_numbers_lose_nothing(tables):
    packed = TrainingData(tables["forms"], 0, CPU, largest_encoded=0)
    first = packed.fold(searched(0)).inputs["t"]
    other = packed.fold(searched(1)).inputs["t"]
    assert first.packed is other.packed
    assert first.packed.numbers.dtype == torch.float64  # no float32 is the age of a row
    assert first.packed.choices.dtype == torch.uint8
    whole = TrainingData(tables["forms"], 0, CPU).fold(searched(0)).inputs["t"]
    assert first.nbytes < whole.nbytes


def _training(replicate, number):
    tree = SharingTree.shared(2, 1)
    candidate = Candidate(tree, Mlp(8), numbers=Plain("quantile"))
    return TrainingJob(number, candidate.composition(), replicate, 0)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_training_on_packed_rows_is_the_same_to_the_last_bit(tables, trainer):
    settings = TrainingSettings(epochs=2, batch_size=64)
    jobs = [_training(confirmed(number), number) for number in range(2)]
    results = []
    for largest_encoded in (0, 2**30):
        data = TrainingData(tables["forms"], 0, CPU, largest_encoded=largest_encoded)
        engine = Engine(data, settings, trainer)
        results.append([result for result in engine.train(jobs) if result])
    for packed, encoded in zip(*results, strict=True):
        assert packed.weights == encoded.weights
        for name, predictions in encoded.predictions.items():
            np.testing.assert_array_equal(packed.predictions[name], predictions)
        assert packed.complete
        assert dataclasses.replace(packed, train_seconds=0) == dataclasses.replace(
            encoded, train_seconds=0
        )


def test_ready_made_models_are_shown_the_same_rows(tables):
    dataset = tables["forms"]
    split = fold(dataset, 0, 0)
    large = flat_table(prepare(dataset, split, largest=0), "t")
    small = flat_table(prepare(dataset, split), "t")
    assert isinstance(large, FlatRows)
    assert isinstance(small, FlatTable)
    assert large.columns == small.columns
    rows = np.array([200, 3, 171])
    np.testing.assert_array_equal(large.take(rows), small.take(rows))
