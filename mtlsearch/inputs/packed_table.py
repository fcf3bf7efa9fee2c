"""A table that is encoded row by row when rows are taken, to the last bit as it would be at once.

The rows are packed and there once (`packed_rows`). A fold adds what it fitted to its training rows:
some numbers for each column.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatchmethod

import numpy as np
import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.inputs.packed_rows import DATE_NUMBERS, PackedRows
from mtlsearch.runtime.cells import LARGEST_NUMBER
from mtlsearch.runtime.column_encodings import (
    FIRST_KNOWN,
    NOTHING,
    UNKNOWN,
    CategoricalColumn,
    ColumnEncoding,
    DateColumn,
    EmbeddedColumn,
    HashedColumn,
    ImageColumn,
    NumericColumn,
    TextColumn,
)
from mtlsearch.runtime.encoding import Encoding

BLOCK_ROWS = 8_192
"""Rows that are encoded at once where many are asked for."""


@dataclass(frozen=True, eq=False)
class FittedNumbers:
    """What a fold fitted to its table, as tensors, and where among the values each column goes.

    Attributes:
        features: How many values a row has.
        median: What stands for each missing number, float64 [S].
        mean: What is subtracted, float64 [S].
        scale: What is divided by then, float64 [S].
        constant: Which numbers give zeros, [S].
        number_places: The places of the numbers that are values, and which numbers these are.
        indicator_places: The places of the indicators, and of which numbers these are.
        indicator_seen: What an indicator is where the number is missing, 0 or 1, float32.
        part_places: The places of the parts, [P].
        choice_offsets: Where each one-hot column begins in `choice_places`, [K].
        choice_places: The place of each category of these columns; `features` for none.
        code_offsets: Where each column of codes begins in `code_table`, [C].
        code_table: What each code is to the fold.
        levels: What each byte of each channel becomes, float32 [3 a column, 256].
        picture_numbers: Which number says whether the picture of each channel is missing.
    """

    features: int
    median: Tensor
    mean: Tensor
    scale: Tensor
    constant: Tensor
    number_places: tuple[Tensor, Tensor]
    indicator_places: tuple[Tensor, Tensor]
    indicator_seen: Tensor
    part_places: Tensor
    choice_offsets: Tensor
    choice_places: Tensor
    code_offsets: Tensor
    code_table: Tensor
    levels: Tensor
    picture_numbers: Tensor

    @classmethod
    def of(cls, encodings: Sequence[Encoding], device: torch.device) -> "FittedNumbers":
        """Return what encodings of the columns of a table fitted."""
        fitting = _Fitting()
        for encoding in encodings:
            fitting.add(encoding)
        return fitting.fitted(device)


@dataclass(frozen=True, eq=False)
class PackedTable:
    """The rows of a table for one fold; like a `NetworkInput` of all rows, of which some are taken.

    Attributes:
        packed: The rows.
        fitted: What the fold fitted.
    """

    packed: PackedRows
    fitted: FittedNumbers

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.packed.numbers)

    @property
    def device(self) -> torch.device:
        """The device of the rows."""
        return self.packed.numbers.device

    @property
    def nbytes(self) -> int:
        """The memory of the rows, which other folds share, in bytes."""
        return self.packed.nbytes

    def take(self, rows: Tensor | slice) -> NetworkInput:
        """Return some of the rows as a network reads them."""
        taken = self.packed.take(rows)
        numbers = taken.numbers.double()
        is_missing = ~(numbers.abs() < LARGEST_NUMBER)
        fitted = self.fitted
        values = numbers.new_zeros(len(numbers), fitted.features + 1, dtype=torch.float32)
        places, numbered = fitted.number_places
        values[:, places] = self._standardised(numbers, is_missing)[:, numbered]
        places, numbered = fitted.indicator_places
        values[:, places] = is_missing[:, numbered] * fitted.indicator_seen
        values[:, fitted.part_places] = taken.parts
        if len(fitted.choice_offsets):
            choices = taken.choices.long() + fitted.choice_offsets
            values.scatter_(1, fitted.choice_places[choices], 1.0)
        return NetworkInput(
            values=values[:, : fitted.features].contiguous(),
            categories=self._categories(taken.codes),
            pictures=self._pictures(taken.pictures, is_missing),
        )

    def numbers(self, rows: Array, places: Sequence[int]) -> Array:
        """Return some of the values of rows, float32 [rows, places]."""
        blocks = []
        for first in range(0, len(rows), BLOCK_ROWS):
            block = torch.from_numpy(rows[first : first + BLOCK_ROWS])
            blocks.append(self.take(block.to(self.device)).numbers(slice(None), places))
        return np.concatenate(blocks)

    def _standardised(self, numbers: Tensor, is_missing: Tensor) -> Tensor:
        """Return float64 numbers [B, S] as float32 around 0, as their encodings do."""
        fitted = self.fitted
        filled = torch.where(is_missing, fitted.median, numbers)
        standardised = (filled - fitted.mean) / fitted.scale
        return standardised.masked_fill(fitted.constant, 0.0).float()

    def _categories(self, codes: Tensor) -> Tensor | None:
        if not len(self.fitted.code_offsets):
            return None
        return self.fitted.code_table[codes.long() + self.fitted.code_offsets]

    def _pictures(self, pictures: Tensor, is_missing: Tensor) -> Tensor | None:
        channels = len(self.fitted.levels)
        if not channels:
            return None
        numbered = torch.arange(channels, device=pictures.device)
        levels = self.fitted.levels[numbered[:, None, None], pictures.long()]
        is_absent = is_missing[:, self.fitted.picture_numbers]
        return levels.masked_fill(is_absent[..., None, None], 0.0)


@dataclass
class _Fitting:
    """What encodings have fitted, as far as they are added."""

    features: int = 0
    numbers: list[tuple[float, float, float, bool]] = field(default_factory=list)
    number_places: list[tuple[int, int]] = field(default_factory=list)
    indicators: list[tuple[int, int, bool]] = field(default_factory=list)
    part_places: list[int] = field(default_factory=list)
    choices: list[list[int]] = field(default_factory=list)
    codes: list[tuple[int, Array]] = field(default_factory=list)
    levels: list[Array] = field(default_factory=list)
    picture_numbers: list[int] = field(default_factory=list)

    @singledispatchmethod
    def add(self, encoding: ColumnEncoding) -> None:
        """Add what an encoding fitted."""
        raise TypeError(f"{type(encoding).__name__} has no packed form")

    @add.register
    def _(self, encoding: NumericColumn) -> None:
        self._number(encoding.median, encoding.mean, encoding.scale, encoding.constant)
        self._indicator(encoding)

    @add.register
    def _(self, encoding: DateColumn) -> None:
        for mean, scale in zip(encoding.mean, encoding.scale, strict=True):
            self._number(mean, mean, scale, scale <= 0)  # a missing date gives zeros
        parts = encoding.width - DATE_NUMBERS - encoding.indicator
        self.part_places += range(self.features, self.features + parts)
        self.features += parts
        self._indicator(encoding)

    @add.register
    def _(self, encoding: CategoricalColumn) -> None:
        places = [-1]  # of the code of none
        for place, is_seen in enumerate(encoding.seen, self.features):
            places.append(place if is_seen else -1)
        self.choices.append(places)
        self.features += encoding.width

    @add.register
    def _(self, encoding: EmbeddedColumn) -> None:
        self.codes.append((1, _known_codes(encoding.seen)))

    @add.register
    def _(self, encoding: HashedColumn) -> None:
        self.codes.append((1, np.arange(encoding.vocabulary + 1)))

    @add.register
    def _(self, encoding: TextColumn) -> None:
        self.codes.append((encoding.length, _known_codes(encoding.seen)))

    @add.register
    def _(self, encoding: ImageColumn) -> None:
        levels = encoding.standardised_levels()
        self.levels += levels
        self.picture_numbers += [len(self.numbers)] * len(levels)
        self.numbers.append((0.0, 0.0, 1.0, True))  # only says whether the picture is missing
        self._indicator(encoding)

    def _number(self, median: float, mean: float, scale: float, is_constant: bool) -> None:
        self.number_places.append((self.features, len(self.numbers)))
        self.numbers.append((median, mean, 1.0 if is_constant else scale, is_constant))
        self.features += 1

    def _indicator(self, encoding: NumericColumn | DateColumn | ImageColumn) -> None:
        """Add the indicator of the number that was added last, if it has one."""
        if encoding.indicator:
            self.indicators.append((self.features, len(self.numbers) - 1, encoding.indicator_seen))
            self.features += 1

    def fitted(self, device: torch.device) -> FittedNumbers:
        """Return all as tensors on a device."""
        numbers = np.array(self.numbers, np.float64).reshape(-1, 4)
        indicators = np.array(self.indicators, np.int64).reshape(-1, 3)
        number_places = np.array(self.number_places, np.int64).reshape(-1, 2)
        choice_places = _joined([np.array(places) for places in self.choices])
        choice_places[choice_places < 0] = self.features
        tables = [table for _, table in self.codes]
        code_offsets = np.repeat(_starts(tables), [positions for positions, _ in self.codes])
        levels = np.stack(self.levels) if self.levels else np.zeros((0, 0), np.float32)

        def tensor(array: Array) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        return FittedNumbers(
            features=self.features,
            median=tensor(numbers[:, 0]),
            mean=tensor(numbers[:, 1]),
            scale=tensor(numbers[:, 2]),
            constant=tensor(numbers[:, 3] > 0),
            number_places=(tensor(number_places[:, 0]), tensor(number_places[:, 1])),
            indicator_places=(tensor(indicators[:, 0]), tensor(indicators[:, 1])),
            indicator_seen=tensor(indicators[:, 2].astype(np.float32)),
            part_places=tensor(np.array(self.part_places, np.int64)),
            choice_offsets=tensor(_starts(self.choices)),
            choice_places=tensor(choice_places),
            code_offsets=tensor(code_offsets.astype(np.int64)),
            code_table=tensor(_joined(tables)),
            levels=tensor(levels),
            picture_numbers=tensor(np.array(self.picture_numbers, np.int64)),
        )


def _known_codes(seen: Sequence[bool]) -> Array:
    """Return what the codes 0, 1, ... are to a fold that has seen these categories or words."""
    codes = np.arange(len(seen) + FIRST_KNOWN)
    codes[FIRST_KNOWN:][~np.array(seen, bool)] = UNKNOWN
    codes[NOTHING] = NOTHING
    return codes


def _starts(parts: Sequence[Sequence[int] | Array]) -> Array:
    """Return where each part begins if they are put one after another, int64."""
    lengths = [len(part) for part in parts]
    ends = np.cumsum(lengths, dtype=np.int64)
    return ends - np.array(lengths, np.int64)


def _joined(parts: Sequence[Array]) -> Array:
    """Return whole numbers one part after another, int64."""
    if not parts:
        return np.zeros(0, np.int64)
    return np.concatenate(parts).astype(np.int64)
