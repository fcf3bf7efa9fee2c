"""Encodings of single table columns: numbers, categories, words, dates, and pictures.

Needs numpy only: an exported folder holds a copy of this file.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .cells import LARGEST_NUMBER
from .dates import read_dates
from .encoded_input import Array, Cells, Columns, EncodedInput
from .pictures import CHANNELS

NOTHING = 0
"""The code of a missing value, and of a position beyond the end of a text."""

UNKNOWN = 1
"""The code of what training did not see, or too rarely."""

FIRST_KNOWN = 2

# Chinese, Japanese and Korean do without spaces: there a character is taken for a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")

UNSEEN = "a value that training did not see"
LONGEST_SHOWN = 40
"""Characters of a cell in a notice."""

MONTH = slice(2, 4)
"""Where the sine and the cosine of the month are among the inputs of a date."""

MONTHS = 12
WEEKDAYS = 7
MONDAY = np.datetime64("1970-01-05", "D")
SECONDS_PER_DAY = 86_400

LEVELS = 256
"""The values of a byte."""


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation.

    Example:
        >>> split_words("Well-made; \u4e2d\u6587, 10/10!")
        ['well', 'made', '\u4e2d', '\u6587', '10', '10']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(folded)


class ColumnEncoding:
    """What encodings of one column have in common; its cells are text unless they say otherwise.

    `packages` are those that it needs beside numpy.
    """

    packages: ClassVar[Sequence[str]] = ()
    name: str

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        return []

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return [self.name]

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Return what is odd about cells, given what was made of them: by default nothing."""
        return []


@dataclass(frozen=True)
class NumericColumn(ColumnEncoding):
    """A number or boolean (0/1): `(x or the median if missing - mean) / scale`, then an indicator.

    A column that is `constant` on the training rows gives zeros. With `indicator`, a second input
    is 1 where the number is missing; it stays 0 unless `indicator_seen`, that is, unless a training
    row was missing. So the schema is the same in every fold, and nothing that was never trained on
    reaches the network. `low` and `high` are the ends of the range of the training rows.
    """

    type: ClassVar[str] = "numeric"
    name: str
    median: float
    mean: float
    scale: float
    constant: bool
    indicator: bool
    indicator_seen: bool
    low: float | None = None
    high: float | None = None

    @property
    def width(self) -> int:
        """The number of network inputs."""
        return 1 + self.indicator

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        if self.constant:
            return "constant: gives zeros"
        if self.indicator:
            return "standardised; a second input says where it is missing"
        return "standardised"

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        return [self.name]

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return []

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `values`, float64 [N, width]."""
        numbers = columns[self.name]
        missing = ~(np.abs(numbers) < LARGEST_NUMBER)
        filled = np.where(missing, self.median, numbers)
        if self.constant:
            standardised = np.zeros(len(numbers))
        else:
            standardised = (filled - self.mean) / self.scale
        inputs: list[Array] = [standardised]
        if self.indicator:
            inputs.append(missing * float(self.indicator_seen))
        return EncodedInput(values=np.column_stack(inputs))


@dataclass(frozen=True)
class CategoricalColumn(ColumnEncoding):
    """Text, one-hot over `categories`.

    Unknown and missing ones, and those not `seen` in a training row, give zeros.
    """

    type: ClassVar[str] = "categorical"
    name: str
    categories: Sequence[str]
    seen: Sequence[bool]

    @property
    def width(self) -> int:
        """The number of network inputs."""
        return len(self.categories)

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        return f"one-hot, {len(self.categories)} categories"

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `values`, float64 [N, width]."""
        position = _numbered(self.categories, self.seen)
        cells = columns[self.name]
        codes = [position.get(cell, -1) for cell in cells]
        code = np.array(codes, np.int64)
        rows = np.flatnonzero(code >= 0)
        encoded = np.zeros((len(cells), self.width))
        encoded[rows, code[rows]] = 1.0
        return EncodedInput(values=encoded)

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say which cells are of a category that no training row has."""
        assert encoded.values is not None
        is_known = np.any(encoded.values, axis=1)
        return unknown_notice(self.name, columns, is_known, UNSEEN, "count as missing")


@dataclass(frozen=True)
class EmbeddedColumn(ColumnEncoding):
    """Text as the code of its category, for which a network learns a vector of `size` numbers.

    The code of a category is 2 and more, by its place in `categories`. A missing one is 0, which
    stands for a vector of zeros. 1 is for categories that are not listed, since they are too
    `rare` (so many are), or not `seen` in a training row.
    """

    type: ClassVar[str] = "embedded"
    name: str
    categories: Sequence[str]
    seen: Sequence[bool]
    size: int
    rare: int = 0

    @property
    def positions(self) -> int:
        """The number of codes of a row."""
        return 1

    @property
    def vocabulary(self) -> int:
        """The largest code."""
        return len(self.categories) + UNKNOWN

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        text = f"embedding of {self.size} for {len(self.categories):,} categories"
        if self.rare:
            text += f"; {self.rare:,} rare values share one vector"
        return text

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories`, int64 [N, 1]."""
        code_of = _numbered(self.categories, self.seen, FIRST_KNOWN)
        codes = []
        for cell in columns[self.name]:
            codes.append(NOTHING if cell is None else code_of.get(cell, UNKNOWN))
        return _coded(np.array(codes, np.int64)[:, None])

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say which cells are of a category that no training row has."""
        assert encoded.categories is not None
        is_known = encoded.categories[:, 0] != UNKNOWN
        return unknown_notice(self.name, columns, is_known, UNSEEN, "share one vector")


@dataclass(frozen=True)
class HashedColumn(ColumnEncoding):
    """Text as the code of a bucket, 2 and more, by the CRC-32 of its UTF-8 bytes; 0 if missing."""

    type: ClassVar[str] = "hashed"
    name: str
    buckets: int
    size: int

    @property
    def positions(self) -> int:
        """The number of codes of a row."""
        return 1

    @property
    def vocabulary(self) -> int:
        """The largest code."""
        return self.buckets + UNKNOWN

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        return f"embedding of {self.size} for {self.buckets:,} buckets of hashed categories"

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories`, int64 [N, 1]."""
        codes = [self._code(cell) for cell in columns[self.name]]
        return _coded(np.array(codes, np.int64)[:, None])

    def _code(self, cell: str | None) -> int:
        if cell is None:
            return NOTHING
        checksum = zlib.crc32(cell.encode())
        return checksum % self.buckets + FIRST_KNOWN


@dataclass(frozen=True)
class TextColumn(ColumnEncoding):
    """Text as the codes of its first words, up to `length`, 0 beyond its end.

    The code of a word is 2 and more, by its place in `words`; 1 is for words that are not listed or
    not `seen` in a training row. `alone` says that the text is all that a network reads; then it is
    told by a mask which positions there are. `rare` counts the words that are left out of `words`
    and `cut` the longer texts, test rows not counted.
    """

    type: ClassVar[str] = "text"
    name: str
    words: Sequence[str]
    seen: Sequence[bool]
    length: int
    size: int
    alone: bool = False
    rare: int = 0
    cut: int = 0

    @property
    def positions(self) -> int:
        """The number of codes of a row."""
        return self.length

    @property
    def vocabulary(self) -> int:
        """The largest code."""
        return len(self.words) + UNKNOWN

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        text = f"its first {self.length} words, of {len(self.words):,} known"
        if not self.alone:
            text += f", as the mean of embeddings of {self.size}"
        if self.rare:
            text += f"; {self.rare:,} rare words share one vector"
        if self.cut:
            text += f"; {self.cut:,} longer texts are cut (max_length)"
        return text

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories`, int64 [N, length], and, where it is `alone`, `mask`."""
        code_of = _numbered(self.words, self.seen, FIRST_KNOWN)
        cells = columns[self.name]
        codes = np.zeros((len(cells), self.length), np.int64)
        for row, cell in enumerate(cells):
            if cell is None:
                continue
            words = split_words(cell)[: self.length]
            codes[row, : len(words)] = [code_of.get(word, UNKNOWN) for word in words]
        if self.alone:
            return EncodedInput(categories=codes, mask=codes > NOTHING)
        return _coded(codes)

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say which cells have no word that training saw, and how many are cut."""
        assert encoded.categories is not None
        codes = encoded.categories
        is_known = np.any(codes >= FIRST_KNOWN, axis=1)
        what = "no word that training saw"
        notices = unknown_notice(self.name, columns, is_known, what, "say nothing")
        cells = columns[self.name]
        full_rows = np.flatnonzero(codes[:, -1])
        long = sum(len(split_words(cells[row])) > self.length for row in full_rows)
        return notices + cut_notice(self.name, long, f"{self.length} words")


@dataclass(frozen=True)
class DateColumn(ColumnEncoding):
    """A date as numbers: the time elapsed, the year, and cyclic parts as sine and cosine.

    The parts are month and day of the week and, with `hours`, the hour. Days since 1970 and years
    are standardised: `(x - mean) / scale`, 0 where the scale is 0. A missing date gives zeros and,
    with `indicator`, 1 in the last column; that stays 0 unless `indicator_seen`, that is, unless a
    training row was missing.
    """

    type: ClassVar[str] = "date"
    name: str
    day_first: bool
    hours: bool
    mean: Sequence[float]
    scale: Sequence[float]
    indicator: bool
    indicator_seen: bool

    @property
    def width(self) -> int:
        """The number of network inputs."""
        return 6 + 2 * self.hours + self.indicator

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        hours = ", hour" if self.hours else ""
        return f"time elapsed, year; month, day of the week{hours} as sine and cosine"

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `values`, float64 [N, width]."""
        instants = read_dates(columns[self.name], self.day_first)
        missing = np.isnat(instants)
        filled = np.where(missing, np.datetime64(0, "s"), instants)
        parts = self._standardised(filled)
        for phase in calendar_phases(filled, self.hours):
            angle = 2 * np.pi * phase
            parts += [np.sin(angle), np.cos(angle)]
        values = np.column_stack(parts)
        values[missing] = 0.0
        if self.indicator:
            values = np.column_stack([values, missing * float(self.indicator_seen)])
        return EncodedInput(values=values)

    def notices(self, columns: Columns, encoded: EncodedInput) -> list[str]:
        """Say which cells are no dates."""
        assert encoded.values is not None
        cells = columns[self.name]
        # The sine and the cosine of a date are never both 0.
        is_date = np.any(encoded.values[:, MONTH], axis=1)
        return unreadable_notice(self.name, cells, _rows_without(cells, is_date), "dates")

    def _standardised(self, instants: Array) -> list[Array]:
        parts = []
        numbers = zip(calendar_numbers(instants), self.mean, self.scale, strict=True)
        for number, mean, scale in numbers:
            if scale > 0:
                parts.append((number - mean) / scale)
            else:
                parts.append(np.zeros(len(number)))
        return parts


@dataclass(frozen=True)
class ImageColumn(ColumnEncoding):
    """A picture of `pixels` x `pixels`: `(x - mean) / scale` of red, green and blue.

    A network learns to make a vector of `size` numbers of it. A channel that is constant on the
    training rows has scale 0 and gives zeros, as a missing picture does. With `indicator`, one
    number says where it is missing; that stays 0 unless `indicator_seen`, that is, unless a
    training row was missing.
    """

    type: ClassVar[str] = "image"
    packages: ClassVar[Sequence[str]] = ("pillow",)
    name: str
    pixels: int
    size: int
    mean: Sequence[float]
    scale: Sequence[float]
    indicator: bool
    indicator_seen: bool

    @property
    def width(self) -> int:
        """The number of network inputs that are no pixels."""
        return int(self.indicator)

    @property
    def description(self) -> str:
        """How the column is encoded, in words."""
        text = (
            f"image of {self.pixels} x {self.pixels}, standardised by channel; "
            f"convolutions make {self.size} numbers of it"
        )
        if self.indicator:
            text += "; a further input says where it is missing"
        return text

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `pictures`, float32 [N, 3, pixels, pixels], and `values`, float64 [N, width]."""
        cells = columns[self.name]
        pictures = np.zeros((len(cells), CHANNELS, self.pixels, self.pixels), np.float32)
        missing = np.zeros(len(cells))
        levels = self.standardised_levels()
        for row, picture in enumerate(cells):
            if picture is None:
                missing[row] = self.indicator_seen
                continue
            for channel in range(CHANNELS):
                pictures[row, channel] = levels[channel][picture[channel]]
        values = missing[:, None] if self.indicator else np.zeros((len(cells), 0))
        return EncodedInput(values=values, pictures=pictures)

    def standardised_levels(self) -> list[Array]:
        """Return what each value of a byte becomes, float32 [LEVELS] for each channel."""
        levels = []
        for mean, scale in zip(self.mean, self.scale, strict=True):
            if scale > 0:
                standardised = (np.arange(LEVELS) - mean) / scale
            else:
                standardised = np.zeros(LEVELS)
            levels.append(standardised.astype(np.float32))
        return levels


def calendar_numbers(instants: Array) -> list[Array]:
    """Return the days since 1970 and the years of instants, each float64 [N]."""
    seconds = instants.astype("datetime64[s]").astype(np.int64)
    years = instants.astype("datetime64[Y]").astype(np.int64) + 1970
    return [seconds / SECONDS_PER_DAY, years.astype(np.float64)]


def calendar_phases(instants: Array, hours: bool) -> list[Array]:
    """Return where instants are in the year, in the week and, if asked, in the day: [N] in 0..1."""
    days = instants.astype("datetime64[D]")
    months = instants.astype("datetime64[M]").astype(np.int64) % MONTHS
    weekdays = (days - MONDAY).astype(np.int64) % WEEKDAYS
    phases = [months / MONTHS, weekdays / WEEKDAYS]
    if hours:
        seconds = (instants - days).astype("timedelta64[s]").astype(np.int64)
        phases.append(seconds / SECONDS_PER_DAY)
    return phases


def unknown_notice(
    name: str,
    columns: Columns,
    is_known: Array,
    what: str,
    consequence: str,
) -> list[str]:
    """Say what cells hold that are there but not known [N], and what comes of it."""
    cells = columns[name]
    rows = _rows_without(cells, is_known)
    if not rows:
        return []
    return [
        f"column {name!r}: {len(rows)} of {len(cells)} cells hold {what} "
        f"({_first(cells, rows)}); they {consequence}"
    ]


def cut_notice(name: str, cells: int, most: str) -> list[str]:
    """Say that so many cells are longer than what is read of them; nothing for none."""
    if not cells:
        return []
    return [f"column {name!r}: {cells} cells have more than {most}; the rest is not read"]


def unreadable_notice(name: str, cells: Cells, rows: Sequence[int], wanted: str) -> list[str]:
    """Say that the cells of some rows are not what a column holds; nothing without such rows."""
    if not rows:
        return []
    return [
        f"column {name!r}: {len(rows)} cells are no {wanted} ({_first(cells, rows)}); "
        "treated as missing"
    ]


def _rows_without(cells: Cells, is_known: Array) -> list[int]:
    """Return the rows whose cell is there, but not known [N]."""
    return [row for row, cell in enumerate(cells) if cell is not None and not is_known[row]]


def _first(cells: Cells, rows: Sequence[int]) -> str:
    row = rows[0]
    text = str(cells[row])[:LONGEST_SHOWN]
    return f"the first is {text!r} in row {row + 1}"


def _numbered(names: Sequence[str], seen: Sequence[bool], first: int = 0) -> dict[str, int]:
    """Return the number of each name that is seen, by its place, counted from `first`."""
    return {name: code for code, name in enumerate(names, first) if seen[code - first]}


def _coded(codes: Array) -> EncodedInput:
    """Return codes beside no numbers at all."""
    return EncodedInput(values=np.zeros((len(codes), 0)), categories=codes)
