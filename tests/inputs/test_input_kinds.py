"""What every input kind must do. Parametrised over the table: a new kind is tested unedited."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from mtlsearch.backbones import BACKBONES
from mtlsearch.columns import RawTable
from mtlsearch.data import TEST, load
from mtlsearch.data.planted_arrays import PLANTED, planted_arrays
from mtlsearch.inputs import INPUT_KINDS, INPUT_SCHEMAS, InputSchema, infer_input_kind
from mtlsearch.inputs.contract import FittedInput, SourceColumns
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.runtime.encoding import encode, from_record, read_columns


@pytest.fixture(params=INPUT_KINDS)
def kind(request):
    return INPUT_KINDS[request.param]


@pytest.fixture
def source(kind):
    """A source of the kind: a planted one where there is one, else the default problem's."""
    dataset = planted_arrays(kind.name) if kind.name in PLANTED else load()
    [source] = dataset.sources.values()
    if source.kind != kind:
        pytest.skip("there is no problem of this kind")
    return source


@pytest.fixture
def rows(source):
    """The rows that are not test rows, and the first half of these as training rows."""
    non_test = np.flatnonzero(source.splits.role != TEST)
    return non_test, non_test[: len(non_test) // 2]


@pytest.fixture
def fitted(kind, source, rows):
    return kind.fit(source.selected, *rows)


def test_a_kind_is_called_as_in_the_table(kind):
    assert INPUT_KINDS[kind.name] is kind
    assert issubclass(kind.schema, InputSchema)
    assert INPUT_SCHEMAS[kind.schema.__name__] is kind.schema
    assert pickle.loads(pickle.dumps(kind)) == kind
    assert len({pickle.loads(pickle.dumps(kind)), kind}) == 1


def test_some_backbone_takes_it(kind):
    assert any(kind.schema in backbone.takes for backbone in BACKBONES.values())


def test_the_schema_is_that_of_the_kind(kind, fitted):
    assert isinstance(fitted, FittedInput)
    assert type(fitted.schema) is kind.schema
    assert str(fitted.schema)
    assert hash(fitted.schema) == hash(pickle.loads(pickle.dumps(fitted.schema)))


def test_an_example_is_like_the_inputs(source, fitted):
    encoded = fitted.encode(source.inputs)
    example = fitted.schema.example(3)
    assert example.names == encoded.names
    for one, other in zip(example.arrays, encoded.arrays, strict=True):
        assert one.dtype == other.dtype
        assert one.shape == (3, *other.shape[1:])


def test_inputs_are_finite_and_0_where_nothing_is(source, fitted):
    encoded = fitted.encode(source.inputs)
    for array in encoded.arrays:
        assert len(array) == len(source.inputs)
        assert np.isfinite(array).all()
    if encoded.mask is not None:
        for array in (encoded.values, encoded.categories):
            assert array is None or not array[~encoded.mask].any()


def test_rows_are_encoded_one_by_one(source, fitted):
    whole = fitted.encode(source.inputs)
    some = fitted.encode(source.inputs.iloc[5:9])
    for one, other in zip(some.arrays, whole.arrays, strict=True):
        np.testing.assert_array_equal(one, other[5:9])


def test_test_rows_decide_nothing(kind, source, rows, fitted):
    non_test, train = rows
    inputs = source.inputs.iloc[non_test].reset_index(drop=True)
    selected = replace(source.selected, inputs=inputs)
    again = kind.fit(selected, np.arange(len(inputs)), np.arange(len(train)))
    assert again.to_json() == fitted.to_json()
    assert again.schema == fitted.schema


def test_training_rows_do_not_decide_the_schema(kind, source, rows, fitted):
    non_test, train = rows
    others = np.setdiff1d(non_test, train)
    assert kind.fit(source.selected, non_test, others).schema == fitted.schema


def test_json_makes_the_same_inputs_from_cells(source, fitted):
    """As an exported folder does: from the text of a table, or from arrays."""
    records = json.loads(json.dumps(fitted.to_json(), allow_nan=False))
    encodings = [from_record(record) for record in records]
    table = {}
    for name, column in source.inputs.items():
        if isinstance(column.iloc[0], np.ndarray):
            table[name] = np.stack(list(column))
        else:
            table[name] = [None if cell != cell else cell for cell in column]
    columns, notices = read_columns(encodings, table)
    assert notices == []
    assert {str(name) for name in source.inputs} == set(columns)
    found = encode(encodings, columns)
    for one, other in zip(found.arrays, fitted.encode(source.inputs).arrays, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


def test_flattened_inputs_are_a_table(source, rows, fitted):
    encoded = fitted.encode(source.inputs)
    flat = fitted.schema.flatten(encoded, rows[1])
    assert flat.ndim == 2
    assert len(flat) == len(source.inputs)
    assert np.isfinite(flat).all()
    words = fitted.schema.word_shares(encoded, rows[1])
    assert words.shape[1] <= 1000
    codes = fitted.schema.category_codes(encoded)
    assert len(words) == len(codes) == len(flat)
    assert flat.shape[1] + words.shape[1] + codes.shape[1] > 0


def test_what_is_selected_of_the_inputs_is_the_inputs(kind, source):
    columns = SourceColumns(
        raw=RawTable(source.inputs),
        names=tuple(source.inputs),
        non_test=source.splits.role != TEST,
        lengths=source.lengths,
    )
    selected = kind.select(columns)
    assert list(selected.inputs) == list(source.inputs)
    assert selected.lengths == source.lengths
    assert selected.left_out == {}
    assert kind.describe(selected.inputs, kind.fit(selected, *2 * [np.arange(9)]).schema)
    assert infer_input_kind(columns) == kind or not kind.claims(columns.first_cell)


def test_a_network_input_takes_rows_of_every_tensor(source, fitted):
    inputs = NetworkInput.of(fitted.encode(source.inputs), torch.device("cpu"))
    some = inputs.take(torch.tensor([3, 1]))
    assert some.names == inputs.names
    assert some.rows == 2
    for one, other in zip(some.tensors, inputs.tensors, strict=True):
        assert torch.equal(one, other[[3, 1]])
    both = NetworkInput.concatenate([some, some])
    assert both.rows == 4
    assert both.nbytes == 2 * some.nbytes
    assert torch.equal(both.features[0][2:], some.features[0])
