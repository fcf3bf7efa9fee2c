"""How categories, texts and dates become codes and numbers, fitted without test rows."""

import io
import json
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mtlsearch.backbones import BACKBONES
from mtlsearch.columns import ColumnForm, ColumnSettings, RawTable
from mtlsearch.data import fold, load, prepare
from mtlsearch.errors import DataError
from mtlsearch.inputs import INPUT_KINDS, PictureColumn, SelectedColumns, WordSchema
from mtlsearch.inputs.column_fitting import (
    LARGEST_SIZE,
    MOST_ONE_HOT,
    FittingRows,
    embedding_size,
    fit_other,
)
from mtlsearch.inputs.contract import SourceColumns
from mtlsearch.runtime.column_encodings import split_words
from mtlsearch.runtime.dates import read_dates
from mtlsearch.runtime.encoding import from_record, to_record

CATEGORY = ColumnForm("category")
TEXT = ColumnForm("text")
DATE = ColumnForm("date")

_file = io.BytesIO()
Image.new("RGB", (8, 8), "red").save(_file, "png")
PHOTO = _file.getvalue()


def fitted(cells, form, non_test=None, train=None):
    """The encoding of a column, with all rows known unless they are given."""
    everything = np.arange(len(cells))
    rows = FittingRows(
        everything if non_test is None else non_test, everything if train is None else train
    )
    return fit_other("column", np.array(cells, object), form, rows)


def encoded(encoding, cells):
    """What the encoding makes of other cells, after it was written down and read again."""
    record = json.loads(json.dumps(to_record(encoding)))
    return from_record(record).encode({"column": np.array(cells, object)})


def many(count):
    return [f"id {number:03d}" for number in range(count)]


def test_few_categories_are_one_hot_and_many_have_codes():
    few = fitted(many(MOST_ONE_HOT) * 3, CATEGORY)
    assert few.description == f"one-hot, {MOST_ONE_HOT} categories"
    many_more = fitted(many(MOST_ONE_HOT + 1) * 3, CATEGORY)
    codes = encoded(many_more, ["id 000", "id 032", "never seen", None]).categories
    np.testing.assert_array_equal(codes, [[2], [34], [1], [0]])


def test_no_category_is_cut_but_the_rare_which_are_counted():
    cells = many(300) * 2 + ["once", "also once"]
    encoding = fitted(cells, CATEGORY)
    assert len(encoding.categories) == 300
    assert "2 rare values share one vector" in encoding.description
    codes = encoded(encoding, cells).categories[:, 0]
    assert len(set(codes)) == 301
    assert (codes[-2:] == 1).all()


def test_what_the_training_rows_do_not_hold_is_unknown():
    cells = np.array(many(50) * 4, object)
    has_first = cells == "id 000"
    encoding = fitted(cells, CATEGORY, train=np.flatnonzero(~has_first))
    codes = encoded(encoding, cells).categories[:, 0]
    assert (codes[has_first] == 1).all()
    assert (codes[~has_first] > 1).all()


def test_test_rows_add_no_category_and_no_word():
    cells = many(50) * 4 + ["of the test"] * 9
    known = np.arange(200)
    assert "of the test" not in fitted(cells, CATEGORY, non_test=known, train=known).categories
    assert "test" not in fitted(cells, TEXT, non_test=known, train=known).words


def test_the_user_sets_size_threshold_and_buckets():
    form = ColumnForm("category", embedding=5, minimum_count=3)
    encoding = fitted(["a"] * 3 + ["b"] * 2, form)
    assert (encoding.categories, encoding.size, encoding.rare) == (["a"], 5, 1)
    hashed = fitted(many(40), ColumnForm("category", buckets=7))
    codes = encoded(hashed, [*many(40), None, "never seen"]).categories[:, 0]
    assert codes[-2] == 0
    assert set(np.delete(codes, -2)) <= set(range(2, 9))
    assert hashed.vocabulary == 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Not bad, 10/10!", ["not", "bad", "10", "10"]),
        ("ÉTÉ ﬁne", ["été", "fine"]),
        ("很好 ok", ["很", "好", "ok"]),
        ("abc中文", ["abc", "中", "文"]),
        ("?!", []),
    ],
)
def test_words(text, words):
    assert split_words(text) == words


def test_texts_are_codes_of_their_words_and_what_is_cut_is_counted():
    long = "word " * 300
    encoding = fitted(["good film", "good", "bad film", "odd", long, long], TEXT)
    assert list(encoding.words) == ["film", "good", "word"]
    assert encoding.length == 256
    assert "2 longer texts are cut" in encoding.description
    assert "2 rare words share one vector" in encoding.description
    codes = encoded(encoding, ["Good odd FILM", "", None]).categories
    np.testing.assert_array_equal(codes[:, :4], [[3, 1, 2, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    cells = np.array(["nothing known", "a good film", long, None], object)
    columns = {"column": cells}
    notices = encoding.notices(columns, encoding.encode(columns))
    assert (
        "1 of 4 cells hold no word that training saw (the first is 'nothing known' in row 1)"
        in (notices[0])
    )
    assert "1 cells have more than 256 words" in notices[1]


@pytest.mark.parametrize(
    ("cell", "day_first", "instant"),
    [
        ("2024-01-31", False, "2024-01-31T00:00:00"),
        ("31.1.2024", True, "2024-01-31T00:00:00"),
        ("3/4/24", True, "2024-04-03T00:00:00"),
        ("3/4/24", False, "2024-03-04T00:00:00"),
        ("1/2/1999 5:06 PM", False, "1999-01-02T17:06:00"),
        ("2024-01-31T10:00:05.123+02:00", False, "2024-01-31T08:00:05"),
        ("2024-01-31 00:00:00Z", False, "2024-01-31T00:00:00"),
        ("30.2.2024", True, "NaT"),
        ("Monday", True, "NaT"),
        (None, True, "NaT"),
    ],
)
def test_dates(cell, day_first, instant):
    [found] = read_dates([cell], day_first)
    np.testing.assert_equal(found, np.datetime64(instant, "s"))


def test_a_date_gives_season_weekday_hour_and_time_elapsed():
    days = pd.date_range("2023-01-02", periods=730, freq="D").astype(str)
    encoding = fitted([*days, None], DATE)
    assert not encoding.hours
    values = encoded(encoding, [*days, None]).values
    assert values.shape == (731, encoding.width)
    assert (values[-1] == [0, 0, 0, 0, 0, 0, 1]).all()
    elapsed, year, month_sine, _, week_sine, week_cosine, missing = values[:-1].T
    assert (np.diff(elapsed) > 0).all()
    assert len(set(year)) == 2
    np.testing.assert_allclose(month_sine[:30], 0, atol=1e-12)
    np.testing.assert_allclose(week_sine[7:], week_sine[:-7], atol=1e-12)
    assert len(np.unique(np.round(week_sine + 2 * week_cosine, 9))) == 7
    assert not missing.any()
    timed = fitted(["2024-01-31 06:00", "2024-02-01 18:00"], DATE)
    assert timed.hours
    np.testing.assert_allclose(
        encoded(timed, ["2024-05-05 06:00"]).values[0, 6:8], [1, 0], atol=1e-12
    )


def test_a_table_says_what_of_its_codes_a_network_reads():
    inputs = pd.DataFrame(
        {
            "user": pd.Series(many(60) * 2, dtype=object),
            "x": np.arange(120.0),
            "review": pd.Series(["good film", "bad film"] * 60, dtype=object),
        }
    )
    forms = {"user": CATEGORY, "x": ColumnForm("number"), "review": TEXT}
    everything = np.arange(120)
    selected = SelectedColumns(inputs, forms=forms)
    table = INPUT_KINDS["table"].fit(selected, everything, everything)
    assert table.schema.features == 1
    assert table.schema.positions == (1, 2)
    rows = table.encode(inputs)
    assert rows.values.shape == (120, 1)
    assert rows.categories.shape == (120, 3)
    for column, codes in zip(table.schema.coded, np.split(rows.categories, [1], 1), strict=True):
        assert codes.max() == column.vocabulary
    assert table.schema.category_codes(rows).shape == (120, 1)
    shares = table.schema.word_shares(rows, everything)
    np.testing.assert_allclose(shares.sum(1), 1)


def test_sizes_grow_with_the_categories_up_to_a_limit():
    sizes = [embedding_size(count) for count in (1, 2, 10, 100, 10**6)]
    assert sizes == sorted(sizes)
    assert sizes[0] >= 1
    assert sizes[-1] == LARGEST_SIZE


def test_a_source_of_texts_alone_is_one_column(tmp_path):
    table = pd.DataFrame(
        {
            "review": [f"film number {row} is fine" for row in range(60)],
            "title": [f"the title of {row}" for row in range(60)],
            "a": np.arange(60) % 2,
            "b": np.arange(60) % 3,
        }
    )
    table.to_csv(tmp_path / "t.csv", index=False)
    card = tmp_path / "card.yaml"
    start = "sources: {t: {path: t.csv, input: texts"
    card.write_text(start + "}}\ntasks: {a: {}, b: {}}")
    with pytest.raises(DataError, match="one column of sentences; found review, title"):
        load(str(card))
    card.write_text(start + ", ignore: [title]}}\ntasks: {a: {}, b: {}}")
    dataset = load(str(card))
    prepared = prepare(dataset, fold(dataset, 0, 0))
    assert isinstance(prepared.schemas["t"], WordSchema)
    assert prepared.inputs["t"].mask.sum(1).tolist() == [5] * 60
    takers = [name for name, backbone in BACKBONES.items() if WordSchema in backbone.takes]
    assert "transformer" in takers
    assert "huggingface" not in takers  # its vocabulary is another


def photos(rows, seed=0):
    """Pictures of noise, object [rows]."""
    draw = np.random.default_rng(seed)
    cells = np.full(rows, None, object)
    for row in range(rows):
        cells[row] = draw.integers(0, 256, (3, 8, 8), np.uint8)
    return cells


def test_pictures_are_standardised_by_channel_as_the_training_rows_say():
    cells = photos(40)
    cells[::4] = None
    for row in (1, 2, 3):
        cells[row][1] = 7
    train = np.array([0, 1, 2, 3])
    rows = FittingRows(np.arange(40), train)
    encoding = fit_other("column", cells, ColumnForm("image", size=8, embedding=5), rows)
    trained = np.stack([cells[row] for row in (1, 2, 3)]).astype(float)
    np.testing.assert_allclose(encoding.mean, trained.mean((0, 2, 3)))
    np.testing.assert_allclose(encoding.scale, trained.std((0, 2, 3)))
    assert encoding.scale[1] == 0
    found = encoded(encoding, cells[4:8])
    assert found.pictures.dtype == np.float32
    assert not found.pictures[0].any()
    assert not found.pictures[:, 1].any()
    scale = np.array(encoding.scale)[[0, 2], None, None]
    expected = (cells[5][[0, 2]] - np.array(encoding.mean)[[0, 2], None, None]) / scale
    np.testing.assert_allclose(found.pictures[1, [0, 2]], expected, rtol=1e-6)
    np.testing.assert_array_equal(found.values, [[1], [0], [0], [0]])
    never_missing = fit_other(
        "photo", cells, ColumnForm("image", size=8), FittingRows(*[train] * 2)
    )
    assert never_missing.indicator
    never_seen = FittingRows(np.arange(40), np.array([1, 2]))
    unseen = fit_other("column", cells, ColumnForm("image", size=8), never_seen)
    assert not encoded(unseen, cells[4:8]).values.any()


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_what_is_said_of_a_column_is_what_the_encoder_does(data):
    """Whatever the columns hold, the words of each count the inputs that it has."""
    rows = 60
    columns = {}
    said = {}
    for number in range(data.draw(st.integers(1, 4))):
        choice = data.draw(st.sampled_from(["number", "few", "many", "words", "photo"]))
        size = data.draw(st.integers(2, 50))
        codes = np.arange(rows) % size
        columns[f"column {number}"] = {
            "number": codes * 1.5,
            "few": np.array([f"c{code % 5}" for code in codes], object),
            "many": np.array([f"c{code % 45}" for code in codes], object),
            "words": np.array([f"a film of {code} parts {row}" for row, code in enumerate(codes)]),
            "photo": np.where(codes, PHOTO, None),
        }[choice]
        if choice == "photo":
            said[f"column {number}"] = ColumnSettings(type="image", size=8, embedding=size)
    cells = pd.DataFrame(columns).astype(dict.fromkeys(columns, object))
    raw = RawTable(cells, settings=said)
    source = SourceColumns(raw, tuple(columns), np.ones(rows, bool))
    selected = INPUT_KINDS["table"].select(source)
    fitted_input = INPUT_KINDS["table"].fit(selected, np.arange(rows), np.arange(rows))
    features = 0
    coded = []
    pictures = []
    for words in fitted_input.descriptions.values():
        numbers = [int(number) for number in re.findall(r"\d+", words)]
        if words.startswith("one-hot"):
            features += numbers[0]
        elif words.startswith("embedding"):
            size, categories = numbers[:2]
            coded.append((1, categories + 1, size))
        elif words.startswith("its first"):
            positions, known, size = numbers[:3]
            coded.append((positions, known + 1, size))
        elif words.startswith("image"):
            pixels, _, size = numbers[:3]
            pictures.append(PictureColumn(pixels, size))
            features += "says where it is missing" in words
        else:
            assert words == "standardised"
            features += 1
    schema = fitted_input.schema
    assert schema.features == features
    assert [(c.positions, c.vocabulary, c.size) for c in schema.coded] == coded
    assert list(schema.pictures) == pictures
    encoded_rows = fitted_input.encode(selected.inputs)
    assert encoded_rows.values.shape == (rows, features)
    if pictures:
        assert encoded_rows.pictures.shape == (rows, 3 * len(pictures), 8, 8)
