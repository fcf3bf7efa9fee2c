"""Tables: columns of numbers, booleans and text, which become numbers side by side."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from mtlsearch.arrays import Array
from mtlsearch.columns import MAXIMUM_CATEGORIES, input_column
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
)
from mtlsearch.runtime.encoding import (
    LARGEST_NUMBER,
    CategoricalColumn,
    EncodedInput,
    NumericColumn,
)

ENCODED_TYPES = ("number", "boolean", "category")
"""The forms of columns that a network reads."""

PLURALS = {"date": "dates", "text": "texts"}


@dataclass(frozen=True)
class TableSchema(InputSchema):
    """A network reads `values`, float [B, features]."""

    features: int

    def __str__(self) -> str:
        return f"{self.features} numbers"

    def example(self, rows: int) -> EncodedInput:
        """Return zeros."""
        return EncodedInput(values=np.zeros((rows, self.features), np.float32))

    def flatten(self, inputs: EncodedInput, train: Array) -> Array:
        """Return the values as they are."""
        assert inputs.values is not None
        return inputs.values


class Table(InputKind):
    """A source without arrays is taken for a table."""

    name = "table"
    schema: ClassVar[type[InputSchema]] = TableSchema

    def claims(self, cell: Array | None) -> bool:
        """Take a source without arrays."""
        return cell is None

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return all columns of numbers, booleans and text that may tell something."""
        arrays = source.arrays
        columns = {}
        forms = {}
        types = {}
        reasons = {}
        notices = []
        for name in source.names:
            if name in arrays:
                reasons[name] = "it holds arrays"
                types[name] = "array"
                continue
            column = input_column(source.raw.column(name), source.non_test)
            types[name] = column.type
            notices += [f"column {name}: {notice}" for notice in column.notices]
            if column.values is None:
                reasons[name] = column.reason
            elif column.form.type not in ENCODED_TYPES:
                reasons[name] = f"it holds {PLURALS[column.form.type]}"
            else:
                columns[name] = _series(column.values)
                forms[name] = column.form
        return SelectedColumns(
            inputs=pd.DataFrame(columns),
            left_out=reasons,
            forms=forms,
            types=types,
            notices=tuple(notices),
        )

    def fit(
        self,
        selected: SelectedColumns,
        non_test: Array,
        train: Array,
    ) -> FittedInput:
        """Standardise numbers and number categories, in the order of the columns."""
        numbers = selected.inputs.select_dtypes(np.float64)
        numeric: dict[str, NumericColumn] = {}
        if len(numbers.columns):
            numeric = _fit_numeric(numbers, non_test, train)
        encodings: list[NumericColumn | CategoricalColumn] = []
        for name, cells in selected.arrays.items():
            if name in numeric:
                encodings.append(numeric[name])
            else:
                categorical = _fit_categorical(name, cells, non_test, train)
                encodings.append(categorical)
        features = sum(encoding.width for encoding in encodings)
        return FittedInput(TableSchema(features), tuple(encodings))

    def describe(self, inputs: pd.DataFrame, schema: InputSchema) -> str:
        """Return the number of columns, which is what the user knows of the table."""
        return f"{inputs.shape[1]} inputs"


def _series(values: Array) -> "pd.Series[Any]":
    dtype = object if values.dtype == object else np.float64
    return pd.Series(values, dtype=dtype)


def _fit_numeric(
    inputs: pd.DataFrame,
    non_test: Array,
    train: Array,
) -> dict[str, NumericColumn]:
    values = inputs.to_numpy(np.float64)
    is_finite = np.abs(values) < LARGEST_NUMBER
    values = np.where(is_finite, values, np.nan)
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    filled = imputer.fit_transform(values[train])
    scaler = StandardScaler().fit(filled)
    varies = np.ptp(filled, axis=0) > 0
    varies &= np.isfinite(scaler.var_) & (scaler.var_ > 0)
    missing = np.isnan(values)
    indicator = missing[non_test].any(axis=0)
    indicator_seen = missing[train].any(axis=0)
    columns = {}
    for index, column in enumerate(inputs):
        name = str(column)
        columns[name] = NumericColumn(
            name=name,
            median=float(imputer.statistics_[index]),
            mean=float(scaler.mean_[index]),
            scale=float(scaler.scale_[index]),
            constant=not varies[index],
            indicator=bool(indicator[index]),
            indicator_seen=bool(indicator_seen[index]),
        )
    return columns


def _fit_categorical(name: str, cells: Array, non_test: Array, train: Array) -> CategoricalColumn:
    present = [cell for cell in cells[non_test] if cell is not None]
    distinct, counts = np.unique(present, return_counts=True)
    by_frequency = np.argsort(-counts, kind="stable")
    frequent = distinct[by_frequency[:MAXIMUM_CATEGORIES]]
    categories = tuple(sorted(map(str, frequent)))
    trained = set(cells[train])
    seen = tuple(category in trained for category in categories)
    return CategoricalColumn(name, categories, seen)
