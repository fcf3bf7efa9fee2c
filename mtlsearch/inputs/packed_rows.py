"""The cells of a table as few bytes, alike in every fold: raw numbers, and codes of categories.

What a fold fits to its training rows is applied when rows are taken: `packed_table`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.inputs.contract import FittedInput
from mtlsearch.inputs.table import TableSchema
from mtlsearch.runtime.column_encodings import (
    FIRST_KNOWN,
    NOTHING,
    CategoricalColumn,
    DateColumn,
    EmbeddedColumn,
    HashedColumn,
    ImageColumn,
    NumericColumn,
    TextColumn,
    calendar_numbers,
)
from mtlsearch.runtime.dates import read_dates
from mtlsearch.runtime.encoded_input import Columns
from mtlsearch.runtime.encoding import Encoding
from mtlsearch.runtime.pictures import CHANNELS

CODE_TYPES = (np.uint8, np.int16, np.int32, np.int64)
"""The types that codes may have; the first that holds all of them is taken."""

DATE_NUMBERS = 2
"""How many numbers of a date are on a scale: the time elapsed and the year."""


@dataclass(frozen=True, eq=False)
class PackedRows:
    """N rows of a table; what a table does not have is a tensor without columns.

    Attributes:
        numbers: Numbers on a scale as the table has them, [N, S], NaN where one is missing: float32
            where that loses nothing of any of them, else float64.
        parts: Numbers that no fold changes, float32 [N, P].
        choices: Of each column that is one-hot the code of a category, counted from 1, [N, K].
        codes: The codes of all columns of codes, [N, C].
        pictures: The bytes of pictures, uint8 [N, 3 a column, H, W].
    """

    numbers: Tensor
    parts: Tensor
    choices: Tensor
    codes: Tensor
    pictures: Tensor

    @property
    def nbytes(self) -> int:
        """The memory of all tensors, in bytes."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))

    def to(self, device: torch.device) -> "PackedRows":
        """Return the same rows on a device."""
        tensors = {}
        for field in fields(self):
            tensors[field.name] = getattr(self, field.name).to(device)
        return PackedRows(**tensors)

    def take(self, rows: Tensor | slice) -> "PackedRows":
        """Return some of the rows."""
        tensors = {}
        for field in fields(self):
            tensors[field.name] = getattr(self, field.name)[rows]
        return PackedRows(**tensors)


class _Parts:
    """What the columns of a table of N rows are packed into, as far as they are."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.numbers: list[Array] = []
        self.parts: list[Array] = []
        self.choices: list[Array] = []
        self.codes: list[Array] = []
        self.pictures: list[Array] = []

    def packed(self) -> PackedRows:
        """Return the columns side by side."""
        return PackedRows(
            numbers=torch.from_numpy(_narrow(self._beside(self.numbers, np.float64))),
            parts=torch.from_numpy(self._beside(self.parts, np.float32)),
            choices=torch.from_numpy(self._beside(self.choices, np.uint8)),
            codes=torch.from_numpy(self._beside(self.codes, np.uint8)),
            pictures=torch.from_numpy(self._beside(self.pictures, np.uint8)),
        )

    def _beside(self, columns: Sequence[Array], kind: type) -> Array:
        """Return columns [N] or [N, F, ...] side by side; without any [N, 0] of a type."""
        if not columns:
            return np.zeros((self.rows, 0), kind)
        widened = []
        for column in columns:
            widened.append(column[:, None] if column.ndim == 1 else column)
        return np.concatenate(widened, axis=1)


def pack(encodings: Sequence[Encoding], columns: Columns) -> PackedRows:
    """Return the rows of a table, whose cells are read already.

    The numbers that the encodings fitted do not matter, only which categories and words there are:
    so any fold will do.
    """
    parts = _Parts(len(next(iter(columns.values()))))
    for encoding in encodings:
        _pack(encoding, columns, parts)
    return parts.packed()


def can_pack(fitted: FittedInput) -> bool:
    """Return whether a source has a packed form: tables of columns have."""
    if not isinstance(fitted.schema, TableSchema):
        return False
    unknown = _pack.dispatch(object)
    return all(_pack.dispatch(type(encoding)) is not unknown for encoding in fitted.encodings)


@singledispatch
def _pack(encoding: Encoding, columns: Columns, parts: _Parts) -> None:
    """Add the cells of an encoding's column."""
    raise TypeError(f"{type(encoding).__name__} has no packed form")


@_pack.register
def _(encoding: NumericColumn, columns: Columns, parts: _Parts) -> None:
    parts.numbers.append(columns[encoding.name])


@_pack.register
def _(encoding: CategoricalColumn, columns: Columns, parts: _Parts) -> None:
    places = _places(columns[encoding.name], encoding.categories)
    parts.choices.append(_as_codes(places + 1))


@_pack.register
def _(encoding: EmbeddedColumn, columns: Columns, parts: _Parts) -> None:
    cells = columns[encoding.name]
    places = _places(cells, encoding.categories)
    codes = places + FIRST_KNOWN  # a category that is not listed is UNKNOWN then
    codes[pd.isna(cells)] = NOTHING
    parts.codes.append(_as_codes(codes))


@_pack.register
def _(encoding: HashedColumn, columns: Columns, parts: _Parts) -> None:
    parts.codes.append(_as_codes(_codes_of(encoding, columns)))


@_pack.register
def _(encoding: TextColumn, columns: Columns, parts: _Parts) -> None:
    all_seen = replace(encoding, seen=[True] * len(encoding.words))
    parts.codes.append(_as_codes(_codes_of(all_seen, columns)))


@_pack.register
def _(encoding: DateColumn, columns: Columns, parts: _Parts) -> None:
    instants = read_dates(columns[encoding.name], encoding.day_first)
    is_missing = np.isnat(instants)
    filled = np.where(is_missing, np.datetime64(0, "s"), instants)
    for numbers in calendar_numbers(filled):
        parts.numbers.append(np.where(is_missing, np.nan, numbers))
    values = encoding.encode(columns).values
    assert values is not None
    cyclic = values[:, DATE_NUMBERS : encoding.width - encoding.indicator]
    parts.parts.append(cyclic.astype(np.float32))


@_pack.register
def _(encoding: ImageColumn, columns: Columns, parts: _Parts) -> None:
    cells = columns[encoding.name]
    pictures = np.zeros((len(cells), CHANNELS, encoding.pixels, encoding.pixels), np.uint8)
    presence = np.zeros(len(cells))
    for row, picture in enumerate(cells):
        if picture is None:
            presence[row] = np.nan
        else:
            pictures[row] = picture
    parts.pictures.append(pictures)
    parts.numbers.append(presence)


def _places(cells: Array, names: Sequence[str]) -> Array:
    """Return the place of each cell [N] among names, -1 where it is none of them, int64 [N]."""
    listed = np.array(names, dtype=object)
    index: pd.Index[Any] = pd.Index(listed)
    places = index.get_indexer(pd.Index(cells))
    return np.asarray(places, np.int64)


def _codes_of(encoding: HashedColumn | TextColumn, columns: Columns) -> Array:
    codes = encoding.encode(columns).categories
    assert codes is not None
    return codes


def _as_codes(codes: Array) -> Array:
    """Return codes in the smallest type that holds all of them."""
    largest = codes.max(initial=0)
    fitting = [kind for kind in CODE_TYPES if largest <= np.iinfo(kind).max]
    return codes.astype(fitting[0])


def _narrow(numbers: Array) -> Array:
    """Return numbers as float32 where every one of them is such a number, else as they are."""
    with np.errstate(over="ignore"):
        narrow = numbers.astype(np.float32)
    for column in range(numbers.shape[1]):
        if not np.array_equal(narrow[:, column], numbers[:, column], equal_nan=True):
            return numbers
    return narrow
