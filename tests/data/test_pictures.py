"""A column of paths of pictures: recognised, read when it is asked for, or refused in one line."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import ColumnFlags, Dataset, fold, load, prepare
from mtlsearch.data.column_table import column_lines, describe_columns
from mtlsearch.data.traps import find_traps
from mtlsearch.errors import DataError
from tests.support.photos import ROWS, SIDE, TASKS, save, write_photos

FLAGS = ColumnFlags(image=("photo",), ignore=("back",))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    write_photos(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two columns of photos, of which one has gaps, beside other columns. For reading only."""
    return load(str(write_photos(tmp_path_factory.mktemp("photos"))))


def _lines(dataset: Dataset) -> list[str]:
    return column_lines(describe_columns(dataset, fold(dataset, 0, 0)))


def _change(place: Path, **cells: object) -> str:
    """Change columns of the table, and return its path."""
    path = place / "visits.csv"
    table = pd.read_csv(path)
    for name, cell in cells.items():
        table[name] = cell
    table.to_csv(path, index=False)
    return str(path)


def test_paths_of_pictures_are_left_out_with_the_remedy(place: Path) -> None:
    path = str(place / "visits.csv")
    [line] = [line for line in _lines(load(path, TASKS)) if " photo " in line]
    assert "paths     left out" in line
    assert "say --image photo (columns: {photo: image}) to read the pictures" in line
    assert "say columns: {photo: category}" in line


@pytest.mark.parametrize("name", ["{}.wav", "https://photos.org/{}.png"])
def test_other_paths_have_no_such_remedy(place: Path, name: str) -> None:
    path = _change(place, photo=[name.format(row) for row in range(ROWS)])
    [line] = [line for line in _lines(load(path, TASKS)) if " photo " in line]
    assert "paths     left out" in line
    assert "--image" not in line


def test_the_dataset_holds_bytes_and_says_what_is_done(photos: Dataset) -> None:
    inputs = photos.sources["visits"].inputs
    first = inputs["photo"].iloc[0]
    assert (first.dtype, first.shape) == (np.uint8, (3, SIDE, SIDE))
    assert inputs["back"].isna().tolist() == [row % 6 == 0 for row in range(ROWS)]
    assert not any("photo" in notice or "back" in notice for notice in photos.notices)
    lines = _lines(photos)
    assert [line.split()[2:5] for line in lines[:2]] == [
        ["photo", "image", "input"],
        ["back", "image", "input"],
    ]
    assert "image of 8 x 8, standardised by channel; convolutions make 32 numbers" in lines[0]
    assert "a further input says where it is missing" not in lines[0]
    assert "a further input says where it is missing" in lines[1]


def test_what_networks_read_of_a_photo(photos: Dataset) -> None:
    rows = fold(photos, 0, 0)
    prepared = prepare(photos, rows)
    encoded = prepared.inputs["visits"]
    assert encoded.pictures.shape == (ROWS, 6, SIDE, SIDE)
    assert encoded.pictures.dtype == np.float32
    trained = encoded.pictures[rows.train["visits"], :3]
    np.testing.assert_allclose(trained.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(trained.std((0, 2, 3)), 1, atol=1e-5)
    missing = np.arange(ROWS) % 6 == 0
    assert not encoded.pictures[missing, 3:].any()
    assert encoded.pictures[~missing, 3:].any(axis=(1, 2, 3)).all()
    np.testing.assert_array_equal(encoded.values[:, 0], missing)
    schema = prepared.schemas["visits"]
    assert encoded.values.shape == (ROWS, schema.features)
    assert str(schema) == "5 numbers and 2 columns of pictures"
    assert schema.flatten(encoded, rows.train["visits"]).shape == (ROWS, 5 + 6 * 64)


def test_flags_say_the_same_as_a_card_and_paths_begin_at_the_table(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    dataset = load(str(place / "visits.csv"), TASKS, FLAGS)
    form = dataset.sources["data"].forms["photo"]
    assert (form.type, form.size) == ("image", 64)
    [notice] = [notice for notice in dataset.notices if "photo" in notice]
    assert "48 pictures are scaled to 64 x 64 pixels, the first from 8 x 8" in notice
    assert "say columns: {photo: {type: image, size: NUMBER}} for another size" in notice
    assert ColumnFlags.from_json(FLAGS.to_json()) == FLAGS
    assert "--image photo" in FLAGS.words


def test_the_digest_changes_with_a_pixel_and_with_what_is_missing(place: Path) -> None:
    card = str(place / "card.yaml")
    first = load(card).digest
    assert load(card).digest == first
    pixels = np.zeros((SIDE, SIDE, 3))
    save(pixels, place / "photos" / "1.png")
    second = load(card).digest
    pixels[3, 4, 1] = 1
    save(pixels, place / "photos" / "1.png")
    third = load(card).digest
    (place / "photos" / "1_back.png").unlink()
    fourth = load(card).digest
    assert len({first, second, third, fourth}) == 4


def test_pictures_that_are_not_there_are_missing_and_said(place: Path) -> None:
    (place / "photos" / "0.png").unlink()
    (place / "photos" / "7.png").write_bytes(b"no picture")
    dataset = load(str(place / "card.yaml"))
    [notice] = [notice for notice in dataset.notices if "photo" in notice]
    assert "column photo: 2 of 48 cells are no pictures that can be read" in notice
    assert "the first is 'photos/0.png' in row 1: no such file" in notice
    missing = dataset.sources["visits"].inputs["photo"].isna()
    assert np.flatnonzero(missing).tolist() == [0, 7]
    assert prepare(dataset, fold(dataset, 0, 0)).inputs["visits"].values[0, 0] == 1


def test_rows_of_the_same_pictures_are_found(place: Path, photos: Dataset) -> None:
    assert not any("same inputs" in text for text in find_traps(photos))
    names = [f"photos/{row // 2}.png" for row in range(ROWS)]
    path = _change(place, photo=names, back="", age=1, ward="a")
    table = pd.read_csv(path)
    table.loc[:2, "photo"] = None
    table.to_csv(path, index=False)
    dataset = load(path, TASKS, ColumnFlags(image=("photo",)))
    [warning] = [text for text in find_traps(dataset) if "same inputs" in text]
    assert warning.startswith("data: 10 of the 10 test rows")


def test_a_table_of_nothing_but_photos(place: Path) -> None:
    flags = ColumnFlags(image=("photo",), ignore=("back", "age", "ward"))
    dataset = load(str(place / "visits.csv"), TASKS, flags)
    encoded = prepare(dataset, fold(dataset, 0, 0)).inputs["data"]
    assert encoded.values.shape == (ROWS, 0)
    assert encoded.pictures.shape == (ROWS, 3, 64, 64)


def test_the_same_photo_on_both_sides_is_found_and_can_be_divided_by(place: Path) -> None:
    path = _change(place, photo=[f"photos/{row // 2}.png" for row in range(ROWS)])
    dataset = load(path, TASKS, FLAGS)
    [warning] = [text for text in find_traps(dataset) if "values of photo" in text]
    assert "divide by it (--group photo" in warning
    grouped = load(path, TASKS, ColumnFlags(image=("photo",), ignore=("back",), group="photo"))
    source = grouped.sources["data"]
    assert "photo" in source.inputs
    role = source.splits.role
    np.testing.assert_array_equal(role[::2], role[1::2])
    assert not any("values of photo" in text for text in find_traps(grouped))


@pytest.mark.parametrize("as_record", [False, True])
def test_bytes_of_files_are_read_where_it_is_asked_for(
    place: Path, photos: Dataset, as_record: bool
) -> None:
    """Alone, or beside a path as in Parquet files of Hugging Face's data sets."""
    table = pd.read_csv(place / "visits.csv")
    files = [(place / path).read_bytes() for path in table["photo"]]
    records = [{"bytes": file, "path": "a.png"} for file in files]
    table["photo"] = records if as_record else files
    path = str(place / "visits.parquet")
    table.to_parquet(path)
    [line] = [line for line in _lines(load(path, TASKS)) if " photo " in line]
    assert "neither numbers nor text; say --image photo (columns: {photo: image}) if it is" in line
    card = (place / "card.yaml").read_text().replace(".csv", ".parquet")
    (place / "card.yaml").write_text(card)
    dataset = load(str(place / "card.yaml"))
    for read, wanted in zip(
        dataset.sources["visits"].inputs["photo"],
        photos.sources["visits"].inputs["photo"],
        strict=True,
    ):
        np.testing.assert_array_equal(read, wanted)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (
            "{photo: {type: image, buckets: 9}}",
            "buckets is for type category, found type image",
        ),
        ("{photo: {type: image, decimal: ','}}", "decimal is for type number, found type image"),
        (
            "{photo: {size: 9}}",
            "size is for type image, found type paths; leave it out, or",
        ),
        ("{photo: {type: image, size: 9}, back: image}", "one size; found photo 9, back 64"),
        ("{photo: {type: image, size: 4}}", "photo.size: input should be greater than or equal"),
        ("{ward: image}", "column ward: type image, but no cell is a picture: 48 of 48 cells"),
    ],
)
def test_mistakes_in_what_is_said_of_images(place: Path, said: str, message: str) -> None:
    card = place / "card.yaml"
    lines = [line for line in card.read_text().splitlines() if not line.startswith("columns")]
    card.write_text("\n".join([*lines, f"columns: {said}"]))
    with pytest.raises(DataError) as caught:
        load(str(card))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_url_is_refused(place: Path) -> None:
    photos = [f"photos/{row}.png" for row in range(ROWS)]
    photos[2] = "https://photos.org/2.png"
    with pytest.raises(DataError, match="data row 3 is a URL, and nothing is fetched"):
        load(_change(place, photo=photos), TASKS, FLAGS)
