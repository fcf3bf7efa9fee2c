"""From table cells to network inputs.

Needs numpy only: an exported folder holds a copy of this file.

An encoding is fitted on training rows and applied to any rows. Its fields are the keys of one JSON
record, beside the record's `type`. A source has a list of encodings; `encode` puts what they make
of a row side by side.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np

from .cells import LARGEST_NUMBER, PLAIN, Spelling, read_numbers, read_text
from .column_encodings import (
    CategoricalColumn,
    DateColumn,
    EmbeddedColumn,
    HashedColumn,
    ImageColumn,
    NumericColumn,
    TextColumn,
    unreadable_notice,
)
from .encoded_input import Array, Cells, Columns, EncodedInput, Table
from .pictures import read_pictures
from .tokenized_text import TokenizedText

BLOCK_ROWS = 1024
"""Rows that are computed in float64 at once."""


class ShapeError(ValueError):
    """An array has another shape than those that were fitted; the message is one line."""


@dataclass(frozen=True)
class ImageArray:
    """Images [N, C, H, W] or, of one channel, [N, H, W]: `(x - mean) / scale` per channel.

    A missing number is the mean; a channel that is constant on the training rows has scale 0 and
    gives zeros. `shape` is (C, H, W).
    """

    type: ClassVar[str] = "images"
    names: Sequence[str]
    shape: Sequence[int]
    mean: Sequence[float]
    scale: Sequence[float]
    lengths: None = None

    @property
    def description(self) -> str:
        """How the columns are encoded, in words."""
        return "standardised by channel"

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        return []

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return self.names

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `values`, float32 [N, C, H, W]. Raises ShapeError."""
        shape = tuple(self.shape)
        allowed = [shape]
        if shape[0] == 1:
            allowed.append(shape[1:])
        images = _array_of_shape(self.names[0], columns, allowed)
        pixels = images.reshape(-1, *shape)
        mean = np.array(self.mean)
        scale = np.array(self.scale)
        values = _standardise_channels(
            pixels,
            mean[:, None, None],
            scale[:, None, None],
        )
        return EncodedInput(values=values)

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say nothing: what is odd about a cell is said when it is read."""
        return []


@dataclass(frozen=True)
class SequenceArray:
    """Sequences [N, S, C], standardised per channel as images are; 0 beyond their end.

    `shape` is (S, C); `lengths` names the column that says how many steps a row has (None: all).
    """

    type: ClassVar[str] = "sequences"
    names: Sequence[str]
    shape: Sequence[int]
    mean: Sequence[float]
    scale: Sequence[float]
    lengths: str | None = None

    @property
    def description(self) -> str:
        """How the columns are encoded, in words."""
        return "standardised by channel"

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        if self.lengths is None:
            return []
        return [self.lengths]

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return self.names

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `values`, float32 [N, S, C], and `mask`. Raises ShapeError."""
        shape = tuple(self.shape)
        sequences = _array_of_shape(self.names[0], columns, [shape])
        mean = np.array(self.mean)
        scale = np.array(self.scale)
        values = _standardise_channels(sequences, mean, scale)
        mask = present_positions(
            columns,
            self.lengths,
            rows=len(sequences),
            positions=shape[0],
        )
        return EncodedInput(values=values * mask[..., None], mask=mask)

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say nothing: what is odd about a cell is said when it is read."""
        return []


@dataclass(frozen=True)
class TokenColumns:
    """Token ids in columns, position by position: the number of an id among `ids`, from 1.

    0 is no token: ids of 0 or less, positions beyond the length, unknown ids and those not `seen`
    in a training row.
    """

    type: ClassVar[str] = "tokens"
    names: Sequence[str]
    ids: Sequence[int]
    seen: Sequence[bool]
    lengths: str | None = None

    @property
    def description(self) -> str:
        """How the columns are encoded, in words."""
        return "numbered tokens"

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        if self.lengths is None:
            return self.names
        return [*self.names, self.lengths]

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return []

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories` and `mask`, where there is a token."""
        ids = np.array(self.ids)
        seen = np.array(self.seen)
        values = np.column_stack([columns[name] for name in self.names])
        nearest = np.searchsorted(ids, values)
        nearest = np.minimum(nearest, len(ids) - 1)
        is_known = ids[nearest] == values
        is_seen = seen[nearest]
        rows, positions = values.shape
        present = present_positions(columns, self.lengths, rows, positions)
        mask = present & is_known & is_seen
        categories = np.where(mask, nearest + 1, 0)
        return EncodedInput(
            categories=categories.astype(np.int64),
            mask=mask,
        )

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say how many rows have no token that training saw."""
        assert encoded.mask is not None
        rows = np.flatnonzero(~encoded.mask.any(axis=1))
        if not len(rows):
            return []
        return [
            f"columns {self.names[0]!r} ...: {len(rows)} of {len(encoded.mask)} rows hold no token "
            f"that training saw (the first is row {rows[0] + 1}); they say nothing"
        ]


Encoding: TypeAlias = (
    NumericColumn
    | CategoricalColumn
    | EmbeddedColumn
    | HashedColumn
    | TextColumn
    | DateColumn
    | ImageColumn
    | ImageArray
    | SequenceArray
    | TokenColumns
    | TokenizedText
)

ENCODINGS: dict[str, type[Encoding]] = {
    "numeric": NumericColumn,
    "categorical": CategoricalColumn,
    "embedded": EmbeddedColumn,
    "hashed": HashedColumn,
    "text": TextColumn,
    "date": DateColumn,
    "image": ImageColumn,
    "images": ImageArray,
    "sequences": SequenceArray,
    "tokens": TokenColumns,
    "tokenizer": TokenizedText,
}


def from_record(record: Mapping[str, Any]) -> Encoding:
    """Return the encoding that `to_record` made the record of."""
    fields = dict(record)
    kind = ENCODINGS[fields.pop("type")]
    return kind(**fields)


def to_record(encoding: Encoding) -> dict[str, Any]:
    """Return the encoding as plain numbers, booleans and text."""
    return {"type": encoding.type, **asdict(encoding)}


def columns_of(encodings: Sequence[Encoding]) -> list[str]:
    """Return the names of all columns that the encodings read."""
    names: list[str] = []
    for encoding in encodings:
        names.extend(encoding.number_columns)
        names.extend(encoding.other_columns)
    return names


def encode(encodings: Sequence[Encoding], columns: Columns) -> EncodedInput:
    """Return what a network reads of N rows, whose cells are read already. Raises ShapeError.

    What several encodings make is concatenated along the features, in their order.
    """
    return _joined([encoding.encode(columns) for encoding in encodings])


def encode_with_notices(
    encodings: Sequence[Encoding],
    columns: Columns,
) -> tuple[EncodedInput, list[str]]:
    """Return what `encode` returns, and notices of cells that tell the network nothing."""
    parts = []
    notices = []
    for encoding in encodings:
        part = encoding.encode(columns)
        parts.append(part)
        notices += encoding.notices(columns, part)
    return _joined(parts), notices


def _joined(parts: Sequence[EncodedInput]) -> EncodedInput:
    """Return what encodings made of the same rows as one."""
    values = _side_by_side([part.values for part in parts])
    if values is not None:
        values = values.astype(np.float32, copy=False)
    return EncodedInput(
        values=values,
        categories=_side_by_side([part.categories for part in parts]),
        mask=parts[0].mask,
        pictures=_side_by_side([part.pictures for part in parts]),
    )


def _side_by_side(arrays: Sequence[Array | None]) -> Array | None:
    """Return the arrays [N, F, ...] that there are as one; None where there is none."""
    present = [array for array in arrays if array is not None]
    if not present:
        return None
    if len(present) == 1:
        return present[0]
    return np.concatenate(present, axis=1)


def read_columns(
    encodings: Sequence[Encoding],
    table: Table,
    spellings: Mapping[str, Spelling] | None = None,
    folder: Path = Path(),
) -> tuple[dict[str, Array], list[str]]:
    """Return the columns that the encodings need, and notices of cells that are no such values.

    `spellings` says of columns that are not plain how their cells are spelled. Paths of pictures
    begin at `folder`. Raises PillowMissingError.
    """
    spelled = spellings or {}
    columns: dict[str, Array] = {}
    notices: list[str] = []
    for encoding in encodings:
        for name in encoding.number_columns:
            cells = table[name]
            columns[name], unreadable = read_numbers(cells, spelled.get(name, PLAIN))
            notices += unreadable_notice(name, cells, unreadable, "numbers")
        for name in encoding.other_columns:
            cells = table[name]
            spelling = spelled.get(name, PLAIN)
            if not isinstance(encoding, ImageColumn):
                columns[name] = _read_text_or_array(cells, spelling)
                continue
            pictures = read_pictures(cells, encoding.pixels, folder, spelling)
            columns[name] = pictures.cells
            if pictures.faults:
                notices.append(f"column {name!r}: {pictures.fault_summary}; treated as missing")
    return columns, notices


def present_positions(
    columns: Columns,
    lengths: str | None,
    rows: int,
    positions: int,
) -> Array:
    """Return bool [rows, positions]: those before the end that the column `lengths` says.

    Without such a column every position is there. Raises ShapeError unless every length is a whole
    number from 1 to `positions`.
    """
    if lengths is None:
        return np.ones((rows, positions), bool)
    length = columns[lengths]
    is_valid = (length >= 1) & (length <= positions) & (length % 1 == 0)
    if not is_valid.all():
        row = int(is_valid.argmin())
        raise ShapeError(
            f"column {lengths!r} must hold whole numbers from 1 to {positions}; "
            f"row {row + 1} holds {length[row]:g}"
        )
    return np.asarray(np.arange(positions) < length[:, None])


def _read_text_or_array(cells: Cells, spelling: Spelling) -> Array:
    """Return an array [N, ...] as it is, and other cells as text or None, object [N]."""
    if isinstance(cells, np.ndarray) and cells.ndim > 1:
        return cells
    if len(cells) and isinstance(cells[0], np.ndarray | list):
        return np.asarray(cells)
    return read_text(cells, spelling)


def _array_of_shape(
    name: str,
    columns: Columns,
    allowed: Sequence[tuple[int, ...]],
) -> Array:
    """Return the array [N, ...] of a column. Raises ShapeError unless [...] is allowed."""
    array = columns[name]
    if not len(array):
        return np.zeros((0, *allowed[0]))
    if array.shape[1:] not in allowed:
        needed = ", ".join(map(str, allowed[0]))
        raise ShapeError(
            f"array {name!r} has shape {array.shape}; needed is (N, {needed})",
        )
    return array


def _standardise_channels(values: Array, mean: Array, scale: Array) -> Array:
    """Return float32 (values - mean) / scale; 0 where a number is missing or the scale is 0."""
    standardised = np.zeros(values.shape, np.float32)
    for start in range(0, len(values), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        block = values[rows].astype(np.float64)
        usable = (np.abs(block) < LARGEST_NUMBER) & (scale > 0)
        zeros = np.zeros_like(block)
        standardised[rows] = np.divide(
            block - mean,
            scale,
            out=zeros,
            where=usable,
        )
    return standardised
