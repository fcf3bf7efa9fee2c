"""Columns of text that spell numbers: when they do, and how they are read."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns.form import ColumnForm
from mtlsearch.columns.raw import RawColumn
from mtlsearch.runtime.cells import (
    MISSING_MARKS,
    MISSING_NUMBERS,
    Spelling,
    read_number,
    without,
)

UNREADABLE_SHARE = 0.05
"""The part of the filled cells that may be no numbers in a column that is taken for numbers."""
TRIED_CELLS = 500
"""Distinct cells by which it is seen whether text spells numbers, and with which decimal mark."""
CODE = r"0\d+"
"""A code with a leading zero, which a number does not have."""
DIGITS = r"\d+"
WITH_UNIT = r"^[+-]?\d(?:[\d.,']*\d)?\s*([^\W\d_]{1,12}|°[CF])$"
"""A number and the unit behind it, of letters."""
LONGEST_SHOWN = 40


@dataclass(frozen=True)
class Numbers:
    """The numbers of a column: float64 [N] with NaN, how they are spelled, and notices."""

    values: Array
    form: ColumnForm
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Leftovers:
    """Cells that are no plain numbers, each with how often it occurs and what it is read as."""

    counts: "pd.Series[int]"
    numbers: dict[str, float | None]

    @property
    def unreadable(self) -> list[str]:
        return [cell for cell, number in self.numbers.items() if number is None]

    @property
    def read(self) -> dict[str, float]:
        return {
            cell: number
            for cell, number in self.numbers.items()
            if number is not None and not math.isnan(number)
        }

    def count(self, cells: list[str]) -> int:
        return int(self.counts[cells].sum())


def find_numbers(
    raw: RawColumn,
    text: "pd.Series[str]",
    known: Array,
    distinct: "pd.Series[str]",
) -> Numbers | None:
    """Return the numbers that a column of text spells, or None if it holds something else.

    Text is numbers where at most UNREADABLE_SHARE of the filled known cells are none. Codes with
    leading zeros are none, nor are digits that the file declares to be text.

    Args:
        raw: The column and what the user says of it.
        text: Its cells [N], "" where they are missing.
        known: The rows [N] that decide.
        distinct: The distinct cells of these rows that have a value.
    """
    is_asked = raw.settings.type == "number"
    filled = distinct[~distinct.isin(MISSING_NUMBERS)]
    if not is_asked and _are_codes(filled, raw.untyped):
        return None
    decimal = raw.settings.decimal or _decimal_mark(filled)
    spelling = Spelling(decimal, raw.settings.missing, unit=_unit(filled))
    if not is_asked and not _may_be_numbers(filled, spelling):
        return None

    values = _plain_numbers(text, decimal)
    leftovers = _leftovers(text[known & np.isnan(values)], spelling)
    bad = leftovers.count(leftovers.unreadable)
    filled_rows = int((~text[known].str.strip().isin(MISSING_NUMBERS)).sum()) if bad else 0
    if not is_asked and bad > UNREADABLE_SHARE * filled_rows:
        return None
    rest = np.isnan(values)
    everywhere = _leftovers(text[rest], spelling)
    values[rest] = text[rest].map(everywhere.numbers).to_numpy(np.float64, na_value=np.nan)
    values = without(values, spelling.missing_numbers)
    form = ColumnForm("number", decimal=decimal, missing=raw.settings.missing, unit=spelling.unit)
    return Numbers(values, form, tuple(_notices(text, everywhere, decimal)))


def plain_numbers(raw: RawColumn, text: "pd.Series[str]") -> Numbers | None:
    """Return the numbers of a column without a cell that needs care, or None.

    This is most columns of numbers: they are told from others without looking at cells one by one.
    """
    settings = raw.settings
    if settings.type not in (None, "number") or settings.decimal == ",":
        return None
    values = _plain_numbers(text, ".")
    others = text[np.isnan(values)]
    if len(others) and not (others == "").all():
        return None
    may_be_codes = (values == np.floor(values)).any() or not raw.untyped
    if settings.type is None and may_be_codes and _are_codes(text[text != ""], raw.untyped):
        return None
    values = without(values, Spelling(missing=settings.missing).missing_numbers)
    return Numbers(values, ColumnForm("number", missing=settings.missing), ())


def whole_or_number(value: float) -> str:
    """Return how a number is spelled: 3.0 is 3."""
    if value.is_integer():
        return str(int(value))
    return repr(value)


def _are_codes(filled: "pd.Series[str]", untyped: bool) -> bool:
    if filled.str.fullmatch(CODE).any():
        return True
    if untyped or not len(filled):
        return False
    return bool(filled.str.fullmatch(DIGITS).all())


def _decimal_mark(filled: "pd.Series[str]") -> str:
    """Return the decimal mark with which more of the cells are numbers; a point if both do."""
    tried = filled[:TRIED_CELLS]
    if not tried.str.contains(",", regex=False).any():
        return "."
    unreadable = {}
    for decimal in (".", ","):
        numbers = [read_number(cell, Spelling(decimal)) for cell in tried]
        unreadable[decimal] = numbers.count(None)
    return "," if unreadable[","] < unreadable["."] else "."


def _unit(filled: "pd.Series[str]") -> str:
    """Return the one unit that stands behind most of the cells that are tried, or nothing."""
    tried = filled[:TRIED_CELLS]
    units = tried.str.extract(WITH_UNIT, expand=False).dropna()
    if len(units) <= len(tried) / 2 or units.nunique() > 1:
        return ""
    return str(units.iloc[0])


def _may_be_numbers(filled: "pd.Series[str]", spelling: Spelling) -> bool:
    """Return whether most of the cells that are tried are numbers."""
    tried = filled[:TRIED_CELLS]
    numbers = [read_number(cell, spelling) for cell in tried]
    return not len(tried) or numbers.count(None) <= len(tried) / 2


def _plain_numbers(text: "pd.Series[str]", decimal: str) -> Array:
    """Return the numbers [N] that need no care, NaN for all other cells."""
    if decimal == ",":  # 1.234 is not what it looks like
        return np.full(len(text), np.nan)
    parsed = pd.to_numeric(text, errors="coerce")
    return np.array(parsed, np.float64)


def _leftovers(text: "pd.Series[str]", spelling: Spelling) -> _Leftovers:
    counts = text.value_counts(sort=False)
    numbers = {str(cell): read_number(cell, spelling) for cell in counts.index}
    return _Leftovers(counts, numbers)


def _notices(text: "pd.Series[str]", leftovers: _Leftovers, decimal: str) -> list[str]:
    notices = []
    for cell, number in list(leftovers.read.items())[:1]:
        notices.append(f'numbers like "{cell}" are read as {number:.15g}{_doubt(cell, decimal)}')
    marks = [cell for cell in leftovers.numbers if cell.strip() in MISSING_MARKS]
    if marks:
        words = " or ".join(f'"{mark}"' for mark in marks)
        notices.append(f"{leftovers.count(marks)} cells of {words} are taken as missing")
    if leftovers.unreadable:
        notices.append(_unreadable(text, leftovers))
    return notices


def _doubt(cell: str, decimal: str) -> str:
    """Say what else a cell could be that is a number with either decimal mark."""
    other = "," if decimal == "." else "."
    number = read_number(cell, Spelling(other))
    if number is None or "," not in cell:
        return ""
    return f'; if it is {number:.15g}, say decimal: "{other}"'


def _unreadable(text: "pd.Series[str]", leftovers: _Leftovers) -> str:
    is_unreadable = text.isin(leftovers.unreadable)
    row = int(is_unreadable.to_numpy().argmax())
    cell = text.iloc[row][:LONGEST_SHOWN]
    return (
        f"{leftovers.count(leftovers.unreadable)} cells are no numbers and taken as missing, "
        f'the first is "{cell}" in data row {row + 1}; '
        "say type: category if these are names"
    )
