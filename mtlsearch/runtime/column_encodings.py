"""Encodings of single table columns: categories with vectors of their own, words, and dates.

Needs numpy only: an exported folder holds a copy of this file.
"""

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .dates import read_dates
from .encoded_input import Array, Columns, EncodedInput

NOTHING = 0
"""The code of a missing value, and of a position beyond the end of a text."""

UNKNOWN = 1
"""The code of what training did not see, or too rarely."""

FIRST_KNOWN = 2

# Chinese, Japanese and Korean do without spaces: there a character is taken for a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])\w)+")

UNSEEN = "a value that training did not see"

MONTHS = 12
WEEKDAYS = 7
MONDAY = np.datetime64("1970-01-05", "D")
SECONDS_PER_DAY = 86_400


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, without punctuation.

    Example:
        >>> split_words("Well-made; \u4e2d\u6587, 10/10!")
        ['well', 'made', '\u4e2d', '\u6587', '10', '10']
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _WORD.findall(folded)


@dataclass(frozen=True)
class EmbeddedColumn:
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

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        return []

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return [self.name]

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories`, int64 [N, 1]."""
        code_of = self._codes()
        codes = []
        for cell in columns[self.name]:
            codes.append(NOTHING if cell is None else code_of.get(cell, UNKNOWN))
        return _coded(np.array(codes, np.int64)[:, None])

    def notices(self, columns: Columns) -> list[str]:
        """Say which cells are of a category that no training row has."""
        code_of = self._codes()
        unknown = []
        for row, cell in enumerate(columns[self.name]):
            if cell is not None and cell not in code_of:
                unknown.append(row)
        return unknown_notice(self.name, columns[self.name], unknown, UNSEEN, "share one vector")

    def _codes(self) -> dict[str, int]:
        numbered = enumerate(self.categories)
        return {
            category: number + FIRST_KNOWN for number, category in numbered if self.seen[number]
        }


@dataclass(frozen=True)
class HashedColumn:
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

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        return []

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return [self.name]

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories`, int64 [N, 1]."""
        codes = [self._code(cell) for cell in columns[self.name]]
        return _coded(np.array(codes, np.int64)[:, None])

    def notices(self, columns: Columns) -> list[str]:
        """Say nothing: every category has its bucket."""
        return []

    def _code(self, cell: str | None) -> int:
        if cell is None:
            return NOTHING
        checksum = zlib.crc32(cell.encode())
        return checksum % self.buckets + FIRST_KNOWN


@dataclass(frozen=True)
class TextColumn:
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
            text += f"; {self.cut:,} longer texts are cut"
        return text

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        return []

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return [self.name]

    def encode(self, columns: Columns) -> EncodedInput:
        """Return `categories`, int64 [N, length], and, where it is `alone`, `mask`."""
        code_of = self._codes()
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

    def notices(self, columns: Columns) -> list[str]:
        """Say which cells have no word that training saw, and how many are cut."""
        code_of = self._codes()
        cells = columns[self.name]
        unknown = []
        long = 0
        for row, cell in enumerate(cells):
            if cell is None:
                continue
            words = split_words(cell)
            if len(words) > self.length:
                long += 1
            if not any(word in code_of for word in words[: self.length]):
                unknown.append(row)
        what = "no word that training saw"
        notices = unknown_notice(self.name, cells, unknown, what, "say nothing")
        if long:
            notices.append(
                f"column {self.name!r}: {long} cells have more than {self.length} words; "
                "the rest is not read"
            )
        return notices

    def _codes(self) -> dict[str, int]:
        numbered = enumerate(self.words)
        return {word: number + FIRST_KNOWN for number, word in numbered if self.seen[number]}


@dataclass(frozen=True)
class DateColumn:
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

    @property
    def number_columns(self) -> Sequence[str]:
        """The columns that are read as numbers."""
        return []

    @property
    def other_columns(self) -> Sequence[str]:
        """The columns that are read as they are."""
        return [self.name]

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

    def notices(self, columns: Columns) -> list[str]:
        """Say which cells are no dates."""
        cells = columns[self.name]
        instants = read_dates(cells, self.day_first)
        unreadable = []
        for row, cell in enumerate(cells):
            if cell is not None and np.isnat(instants[row]):
                unreadable.append(row)
        if not unreadable:
            return []
        first = unreadable[0]
        return [
            f"column {self.name!r}: {len(unreadable)} cells are no dates "
            f"(the first is {_shown(cells[first])} in row {first + 1}); treated as missing"
        ]

    def _standardised(self, instants: Array) -> list[Array]:
        parts = []
        numbers = zip(calendar_numbers(instants), self.mean, self.scale, strict=True)
        for number, mean, scale in numbers:
            if scale > 0:
                parts.append((number - mean) / scale)
            else:
                parts.append(np.zeros(len(number)))
        return parts


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
    cells: Sequence[object] | Array,
    rows: Sequence[int],
    what: str,
    consequence: str,
) -> list[str]:
    """Say what the cells of some rows hold and what comes of it; nothing where there are none."""
    if not rows:
        return []
    first = rows[0]
    return [
        f"column {name!r}: {len(rows)} of {len(cells)} cells hold {what} "
        f"(the first is {_shown(cells[first])} in row {first + 1}); they {consequence}"
    ]


def _coded(codes: Array) -> EncodedInput:
    """Return codes beside no numbers at all."""
    return EncodedInput(values=np.zeros((len(codes), 0)), categories=codes)


def _shown(cell: object) -> str:
    return repr(str(cell)[:40])
