"""Images, sequences and tokens: what they are taken for, how they are made ready, and what is
refused.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from mtlsearch.data import TEST, fold, load, prepare
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.errors import DataError
from mtlsearch.inputs import (
    CodedColumn,
    ImageSchema,
    SequenceSchema,
    TableSchema,
    TokenSchema,
    WordSchema,
)

ROWS = 60
SCHEMAS = {
    "images": ImageSchema(2, 9, 8),
    "sequences": SequenceSchema(12, 2),
    "table": TableSchema(7, (CodedColumn(1, 40, 12), CodedColumn(5, 13, 16)), numbers=(0, 1, 6)),
    "texts": WordSchema(11, 20),
    "tokens": TokenSchema(12, 25, (*range(1, 22), 23, 25, 26, 29)),
}


@pytest.fixture(params=PLANTED)
def dataset(request):
    return planted_arrays(request.param)


def arrays(**inputs):
    """Inputs of ROWS rows with two targets."""
    rng = np.random.default_rng(0)
    return {**inputs, "y": rng.normal(size=ROWS), "z": rng.choice(["no", "yes"], ROWS)}


def loaded(folder, source=None, **inputs):
    """The dataset of an npz file and what the card says of it."""
    np.savez(folder / "a.npz", **arrays(**inputs))
    card = {"sources": {"s": {"path": "a.npz", **(source or {})}}, "tasks": {"y": {}, "z": {}}}
    (folder / "card.yaml").write_text(yaml.safe_dump(card), "utf-8")
    return load(str(folder / "card.yaml"))


def prepared(dataset, replicate=0):
    return prepare(dataset, fold(dataset, replicate, 0))


NUMBERS = np.random.default_rng(1).normal(3, 2, (ROWS, 5, 8, 9))
BYTES = (NUMBERS * 20).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("source", "array", "schema"),
    [
        ({}, NUMBERS, ImageSchema(5, 8, 9)),
        ({}, NUMBERS[:, 0], SequenceSchema(8, 9)),
        ({}, BYTES[:, 0], ImageSchema(1, 8, 9)),
        ({"input": "images"}, NUMBERS[:, 0], ImageSchema(1, 8, 9)),
        ({"input": "sequences"}, BYTES[:, 0], SequenceSchema(8, 9)),
        ({}, BYTES[:, 0, 0], TableSchema(9, numbers=tuple(range(9)))),
        ({"input": "tokens"}, np.tile([7, 0, 900_000], (ROWS, 1)), TokenSchema(3, 2, (7, 900_000))),
    ],
)
def test_what_an_array_is_taken_for(tmp_path, source, array, schema):
    dataset = loaded(tmp_path, source, x=array)
    assert prepared(dataset).schemas == {"s": schema}
    assert dataset.sources["s"].numbers == array[0].size


def test_the_planted_problems_have_the_schemas_that_they_say(dataset):
    [name] = dataset.sources
    for replicate in range(3):
        assert prepared(dataset, replicate).schemas == {name: SCHEMAS[name]}


def test_pixels_are_standardised_per_channel_on_the_training_rows(tmp_path):
    ready = prepared(loaded(tmp_path, x=NUMBERS))
    pixels = ready.inputs["s"].values
    rows = pixels[ready.fold.train["s"]]
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows.mean((0, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std((0, 2, 3)), 1, atol=1e-5)
    train, raw = ready.fold.train["s"], NUMBERS[ready.fold.train["s"], 3]
    np.testing.assert_allclose(
        pixels[:, 3], (NUMBERS[:, 3] - raw.mean()) / raw.std(), rtol=1e-5, atol=1e-5
    )
    assert len(train) < ROWS


def test_steps_beyond_the_end_neither_count_nor_reach_the_network(tmp_path):
    lengths = np.arange(ROWS) % 5 + 1
    there = np.arange(8) < lengths[:, None]
    steps = np.where(there[..., None], NUMBERS[:, 0], 1e6)
    ready = prepared(loaded(tmp_path, {"lengths": "n"}, x=steps, n=lengths))
    rows = ready.inputs["s"]
    train = ready.fold.train["s"]
    np.testing.assert_array_equal(rows.mask, there)
    assert not rows.values[~there].any()
    np.testing.assert_allclose(rows.values[train][there[train]].mean(0), 0, atol=1e-5)


def test_missing_numbers_and_constant_channels_become_zeros(tmp_path):
    images = NUMBERS.copy()
    images[3, 1, 2, 2], images[4, 1, 0, 0], images[:, 2] = np.nan, np.inf, 7.0
    rows = prepared(loaded(tmp_path, x=images)).inputs["s"].values
    assert rows[3, 1, 2, 2] == rows[4, 1, 0, 0] == 0
    assert not rows[:, 2].any()
    assert np.isfinite(rows).all()


def test_tokens_are_numbered_and_what_no_training_row_had_is_none(tmp_path):
    tokens = np.random.default_rng(0).choice([5, 70, 900, 0], (ROWS, 6))
    dataset = loaded(tmp_path, {"input": "tokens"}, text=tokens, lengths=np.full(ROWS, 5))
    role = dataset.sources["s"].splits.role
    first_test, first_validation = (
        np.flatnonzero(role == TEST)[0],
        fold(dataset, 0, 0).validation["s"][0],
    )
    tokens[first_test, 0], tokens[first_validation, 1] = 33, 44
    rows = prepared(
        loaded(tmp_path, {"input": "tokens"}, text=tokens, lengths=np.full(ROWS, 5))
    ).inputs["s"]
    numbers = np.select(
        [tokens == 5, tokens == 70, tokens == 900], [1, 3, 4]
    )  # 44 is 2, but was never trained
    numbers[:, 5] = 0
    np.testing.assert_array_equal(rows.categories, numbers)
    np.testing.assert_array_equal(rows.mask, numbers > 0)
    assert rows.categories.dtype == np.int64


def test_tokens_of_a_csv_file_may_end_in_empty_cells(tmp_path):
    table = pd.DataFrame(arrays(a=np.tile([3, 4], ROWS // 2), b=np.tile([5, np.nan], ROWS // 2)))
    table.to_csv(tmp_path / "a.csv", index=False)
    card = {"sources": {"s": {"path": "a.csv", "input": "tokens"}}, "tasks": {"y": {}, "z": {}}}
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(card), "utf-8")
    rows = prepared(load(str(tmp_path / "card.yaml"))).inputs["s"].categories
    np.testing.assert_array_equal(rows, np.tile([[1, 3], [2, 0]], (ROWS // 2, 1)))


def _another(cell):
    return "another name" if isinstance(cell, str) else cell * 0 + 3


def test_test_rows_change_nothing_that_other_rows_become(dataset):
    [name] = dataset.sources
    source, ready = dataset.sources[name], prepared(dataset)
    inputs, test = source.inputs.copy(), source.splits.role == TEST
    for column in inputs:
        cells = [
            _another(cell) if bad else cell for cell, bad in zip(inputs[column], test, strict=True)
        ]
        inputs[column] = pd.Series(cells, dtype=inputs[column].dtype)
    again = prepared(replace(dataset, sources={name: replace(source, inputs=inputs)}))
    before = ready.inputs[name]
    after = again.inputs[name]
    for old, new in zip(before.arrays, after.arrays, strict=True):
        np.testing.assert_array_equal(old[~test], new[~test])
    assert (before.arrays[0][test] != after.arrays[0][test]).any()
    assert ready.schemas == again.schemas


def test_the_digest_follows_every_number(tmp_path):
    digest = loaded(tmp_path, x=NUMBERS).digest
    changed = NUMBERS.copy()
    changed[-1, -1, -1, -1] += 1e-9
    assert digest == loaded(tmp_path, x=NUMBERS.copy()).digest
    assert (
        len(
            {
                digest,
                loaded(tmp_path, x=changed).digest,
                loaded(tmp_path, x=NUMBERS.astype(np.float32)).digest,
            }
        )
        == 3
    )
    sequences = [
        loaded(tmp_path, {"input": kind}, x=NUMBERS[:, 0]).digest
        for kind in ("images", "sequences")
    ]
    assert sequences[0] != sequences[1]


def test_what_is_left_out_is_said(tmp_path):
    dataset = loaded(tmp_path, x=NUMBERS, age=np.arange(ROWS))
    assert "s: column age is left out: the inputs are images" in dataset.notices
    assert list(dataset.sources["s"].inputs) == ["x"]


@pytest.mark.parametrize(
    ("source", "inputs", "message"),
    [
        (
            {},
            {"x": NUMBERS.transpose(0, 2, 3, 1)[..., :3]},
            r"shape \(N, 8, 9, 3\); images are \(N, channels.*transpose",
        ),
        ({}, {"x": NUMBERS, "other": NUMBERS}, "one array.*found x, other.*ignore"),
        ({"input": "images"}, {"x": NUMBERS[:, 0, 0]}, "images are one array.*found none"),
        (
            {"input": "sequences"},
            {"x": NUMBERS},
            r"shape \(N, 5, 8, 9\); sequences are \(N, steps, channels\)",
        ),
        (
            {"input": "picture"},
            {"x": NUMBERS},
            '"picture" is unknown.*images, pieces, sequences, table, texts, tokens',
        ),
        ({"input": "tokens"}, {"x": NUMBERS[:, 0, 0]}, 'tokens are whole numbers.*column "x_0"'),
        ({"input": "tokens"}, {"x": BYTES[:, 0, 0] * 0}, "there is none"),
        ({"input": "table"}, {"x": NUMBERS}, "no input column is left"),
        (
            {"lengths": "n"},
            {"x": NUMBERS[:, 0], "n": np.full(ROWS, 9)},
            'lengths: column "n" must hold whole numbers',
        ),
        ({"lengths": "n"}, {"x": NUMBERS[:, 0]}, 'lengths: column: "n" is unknown'),
        ({"lengths": "y"}, {"x": NUMBERS[:, 0]}, 'lengths: column "y" is a target'),
        (
            {"lengths": "n"},
            {"x": NUMBERS, "n": np.full(ROWS, 9)},
            'the input "images" has none; allowed for sequences and tokens',
        ),
        (
            {"lengths": "n"},
            {"x": NUMBERS[:, 0, 0], "n": np.full(ROWS, 9)},
            'the input "table" has none',
        ),
        ({}, {"x": NUMBERS[:, :0]}, "it is empty"),
    ],
)
def test_arrays_that_are_refused(tmp_path, source, inputs, message):
    with pytest.raises(DataError, match=message) as caught:
        loaded(tmp_path, source, **inputs)
    assert "card.yaml: " in str(caught.value)
    assert "\n" not in str(caught.value)
