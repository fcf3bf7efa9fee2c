"""Tables: columns of numbers, booleans, text and pictures, which become numbers side by side."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import ColumnForm, input_column
from mtlsearch.errors import DataError
from mtlsearch.inputs.column_fitting import (
    FittingRows,
    OtherEncoding,
    columns_on_a_scale,
    fit_numbers,
    fit_other,
)
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
)
from mtlsearch.inputs.images import mean_tiles
from mtlsearch.inputs.words import frequent_shares
from mtlsearch.runtime.column_encodings import (
    CategoricalColumn,
    DateColumn,
    EmbeddedColumn,
    HashedColumn,
    ImageColumn,
    NumericColumn,
    TextColumn,
)
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.pictures import CHANNELS


@dataclass(frozen=True)
class CodedColumn:
    """A column of codes, for each of which a network learns a vector of `size` numbers.

    Codes are in 0..vocabulary, of which 0 is none and 1 is anything unknown. A text has several
    `positions`, a category one.
    """

    positions: int
    vocabulary: int
    size: int


@dataclass(frozen=True)
class OneHotColumn:
    """A column of categories that is `width` values, from `first` on."""

    first: int
    width: int


@dataclass(frozen=True)
class PictureColumn:
    """A column of pictures of `pixels` x `pixels`, of which a network makes `size` numbers each."""

    pixels: int
    size: int


@dataclass(frozen=True)
class TableSchema(InputSchema):
    """A network reads `values`, float [B, features].

    Where there are `coded` columns, it reads `categories`, int [B, positions of all], as well, and
    where there are columns of `pictures`, which are of one size, these, float [B, 3 a column, H,
    W]. `numbers` are the places of those values that are numbers on a scale: neither indicators nor
    categories nor parts of a circle, nor a column that has but two numbers.


    `one_hot` says which of the values stand for categories: networks need not know.
    """

    features: int
    coded: tuple[CodedColumn, ...] = ()
    pictures: tuple[PictureColumn, ...] = ()
    numbers: tuple[int, ...] = ()
    one_hot: tuple[OneHotColumn, ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.features} numbers"]
        if self.coded:
            parts.append(f"{len(self.coded)} columns of codes")
        if self.pictures:
            parts.append(f"{len(self.pictures)} columns of pictures")
        return " and ".join(parts)

    @property
    def positions(self) -> tuple[int, ...]:
        """The number of positions of each column of codes."""
        return tuple(column.positions for column in self.coded)

    def example(self, rows: int) -> EncodedInput:
        """Return zeros."""
        categories = None
        pictures = None
        if self.coded:
            categories = np.zeros((rows, sum(self.positions)), np.int64)
        if self.pictures:
            pixels = self.pictures[0].pixels
            shape = (rows, CHANNELS * len(self.pictures), pixels, pixels)
            pictures = np.zeros(shape, np.float32)
        return EncodedInput(
            values=np.zeros((rows, self.features), np.float32),
            categories=categories,
            pictures=pictures,
        )

    def flatten(self, inputs: EncodedInput, train: Array) -> Array:
        """Return the values as they are, and the mean of each of the tiles of a picture."""
        assert inputs.values is not None
        if inputs.pictures is None:
            return inputs.values
        return np.concatenate([inputs.values, mean_tiles(inputs.pictures)], axis=1)

    @property
    def indicators(self) -> tuple[slice, ...]:
        """The columns that are 0 or 1 for the categories of a column, by column."""
        return tuple(slice(column.first, column.first + column.width) for column in self.one_hot)

    def category_codes(self, inputs: EncodedInput) -> Array:
        """Return the codes of the columns that have one position."""
        columns = [codes for codes in self._codes(inputs) if codes.shape[1] == 1]
        if not columns:
            return super().category_codes(inputs)
        return np.concatenate(columns, axis=1)

    def word_shares(self, inputs: EncodedInput, train: Array) -> Array:
        """Return the shares of the words of each column of text, one column after another."""
        texts = [codes for codes in self._codes(inputs) if codes.shape[1] > 1]
        if not texts:
            return super().word_shares(inputs, train)
        shares = [frequent_shares(codes, train) for codes in texts]
        return np.concatenate(shares, axis=1)

    def _codes(self, inputs: EncodedInput) -> list[Array]:
        """Return the codes of each column of codes."""
        if inputs.categories is None:
            return []
        ends = np.cumsum(self.positions)[:-1]
        return np.split(inputs.categories, ends, axis=1)


class Table(InputKind):
    """A source without arrays is taken for a table."""

    name = "table"
    schema: ClassVar[type[InputSchema]] = TableSchema

    def claims(self, cell: Array | None) -> bool:
        """Take a source without arrays."""
        return cell is None

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return all columns of numbers, booleans, text and pictures that may tell something."""
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
            else:
                columns[name] = _series(column.values)
                forms[name] = column.form
        _check_sizes(source.where, forms)
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
        """Fit each column as its form says, in the order of the columns."""
        rows = FittingRows(non_test, train)
        numbers = selected.inputs.select_dtypes(np.float64)
        numeric: dict[str, NumericColumn] = {}
        scales: set[str] = set()
        if len(numbers.columns):
            numeric = fit_numbers(numbers, rows)
            scales = columns_on_a_scale(numbers, rows)
        encodings: list[NumericColumn | OtherEncoding] = []
        for name, cells in selected.arrays.items():
            if name in numeric:
                encodings.append(numeric[name])
            else:
                form = selected.forms[name]
                encodings.append(fit_other(name, cells, form, rows))
        return FittedInput(_schema(encodings, scales), tuple(encodings))

    def describe(self, inputs: pd.DataFrame, schema: InputSchema) -> str:
        """Return the number of columns, which is what the user knows of the table."""
        return f"{inputs.shape[1]} inputs"


def has_numbers(selected: SelectedColumns, non_test: Array) -> bool:
    """Return whether a table has `TableSchema.numbers`: columns on a scale, or dates."""
    has_dates = any(form.type == "date" for form in selected.forms.values())
    numbers = selected.inputs.select_dtypes(np.float64)
    rows = FittingRows(non_test, non_test)
    return has_dates or bool(columns_on_a_scale(numbers, rows))


def _check_sizes(where: str, forms: Mapping[str, ColumnForm]) -> None:
    """Raise DataError unless all pictures of a source are of one size."""
    sizes = {name: form.size for name, form in forms.items() if form.type == "image"}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name} {size}" for name, size in sizes.items())
        raise DataError(f"{where}: columns: images must be of one size; found {listed}")


def _schema(
    encodings: Sequence[NumericColumn | OtherEncoding],
    scales: Collection[str],
) -> TableSchema:
    """Return the schema of columns; `scales` names those of numbers that are on a scale."""
    features = 0
    coded = []
    pictures = []
    numbers: list[int] = []
    one_hot = []
    for encoding in encodings:
        if isinstance(encoding, EmbeddedColumn | HashedColumn | TextColumn):
            column = CodedColumn(encoding.positions, encoding.vocabulary, encoding.size)
            coded.append(column)
            continue
        if encoding.name in scales:
            numbers.append(features)
        elif isinstance(encoding, DateColumn):
            numbers.extend(range(features, features + len(encoding.mean)))
        if isinstance(encoding, CategoricalColumn):
            one_hot.append(OneHotColumn(features, encoding.width))
        features += encoding.width
        if isinstance(encoding, ImageColumn):
            pictures.append(PictureColumn(encoding.pixels, encoding.size))
    return TableSchema(
        features,
        tuple(coded),
        tuple(pictures),
        tuple(numbers),
        tuple(one_hot),
    )


def _series(values: Array) -> "pd.Series[Any]":
    dtype = object if values.dtype == object else np.float64
    return pd.Series(values, dtype=dtype)
