"""The flat table: indicators stand for their codes, and boosting is shown codes alone."""

import numpy as np
import pytest

from mtlsearch.inputs.table import CodedColumn, OneHotColumn, TableSchema
from mtlsearch.references import REFERENCES
from mtlsearch.references.contract import LabelledRows
from mtlsearch.references.encoders import MOST_CATEGORIES
from mtlsearch.references.flat_table import FlatColumns, FlatTable
from mtlsearch.runtime.encoded_input import EncodedInput

SCHEMA = TableSchema(5, (CodedColumn(1, 40, 3),), one_hot=(OneHotColumn(1, 3),))
VALUES = np.array([[0.5, 0, 1, 0, 7], [0.6, 0, 0, 0, 8], [0.7, 1, 0, 0, 9]], np.float32)
CODES = np.array([[4], [2], [0]])


def test_numbers_come_first_then_indicators_then_codes():
    encoded = EncodedInput(values=VALUES, categories=CODES)
    table = FlatTable.of(SCHEMA, encoded, np.arange(3))
    assert table.columns == FlatColumns(numbers=2, indicators=3, few=1, many=1)
    np.testing.assert_array_equal(table.inputs[:, :2], VALUES[:, [0, 4]])
    np.testing.assert_array_equal(table.inputs[:, 2:5], VALUES[:, 1:4])
    np.testing.assert_array_equal(table.inputs[:, 5], [2, 0, 1])  # none of them is 0
    np.testing.assert_array_equal(table.inputs[:, table.columns.many_slice], CODES)
    assert table.columns.code_slice == slice(5, 7)


@pytest.mark.parametrize(
    ("columns", "categories", "are_codes"),
    [
        (FlatColumns(numbers=1, few=1), 9, [False, True]),
        (FlatColumns(numbers=1, many=1), MOST_CATEGORIES + 45, [False, True, False]),
    ],
)
def test_boosting_splits_categories_as_such(columns, categories, are_codes):
    """Labels are the parity of a code: hardly a split by size would tell them apart.

    Of many categories there is the mean label as well.
    """
    random = np.random.default_rng(0)
    codes = random.integers(categories, size=2000).astype(float)
    inputs = np.column_stack([random.normal(size=2000), codes])
    labels = codes % 2
    reference = REFERENCES["histogram_boosting"]
    estimator = reference.estimator("classes", {"max_iter": 2}, 0)
    rows = LabelledRows(inputs, labels)
    model = reference.fit(estimator, reference.encoder(columns, 0), rows, None, columns)
    assert model[-1].is_categorical_.tolist() == are_codes
    assert model[0].transform(inputs)[:, 1].max() < MOST_CATEGORIES
    assert model.score(inputs, labels) > 0.9
    unknown = np.array([[0.0, categories + 5.0]])
    assert np.isfinite(model.predict_proba(unknown)).all()


def test_fewer_rows_than_neighbours_are_all_neighbours():
    reference = REFERENCES["nearest_neighbours"]
    inputs = np.arange(4.0)[:, None]
    columns = FlatColumns(1)
    estimator = reference.estimator("squared_error", {"n_neighbors": 30}, 0)
    rows = LabelledRows(inputs, inputs[:, 0])
    model = reference.fit(estimator, reference.encoder(columns, 0), rows, None, columns)
    np.testing.assert_allclose(model.predict(inputs), inputs[:, 0])


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_other_boosting_stops_by_the_validation_rows(name):
    pytest.importorskip(name)
    reference = REFERENCES[name]
    random = np.random.default_rng(0)
    codes = random.integers(9, size=600).astype(float)
    inputs = np.column_stack([random.normal(size=600), codes])
    labels = (codes % 2 + random.normal(size=600) > 0.5).astype(float)
    columns = FlatColumns(numbers=1, few=1)
    estimator = reference.estimator("classes", reference.settings[0], 0)
    train = LabelledRows(inputs[:400], labels[:400])
    validation = LabelledRows(inputs[400:], labels[400:])
    encoder = reference.encoder(columns, 0)
    model = reference.fit(estimator, encoder, train, validation, columns)
    best = getattr(model[-1], "best_iteration_", None)
    assert 0 < best < 200
    assert model.score(inputs[400:], labels[400:]) > 0.6
