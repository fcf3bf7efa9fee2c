"""What the cells of a table say: numbers, text, or nothing.

Needs numpy only: an exported folder holds a copy of this file, so that a cell says the same in a
search and at prediction.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]

Cells: TypeAlias = Sequence[object] | Array
"""The cells of a column, or an array [N, ...]."""

LARGEST_NUMBER = 1e30
"""From here on a number counts as infinite, hence missing: float32 must not overflow."""

BOOLEANS = {"true": 1.0, "false": 0.0}

MISSING_WORDS = frozenset(
    {
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "NULL",
        "NaN",
        "NaT",
        "nan",
        "null",
    }
)
"""Cells that are missing in every column: no name is spelled so."""

DOUBTFUL_WORDS = frozenset({"N/A", "NA", "None", "n/a"})
"""Cells that are names among text (a country, a diagnosis) and missing among numbers."""

MISSING_MARKS = frozenset(
    {
        "#DIV/0!",
        "#NAME?",
        "#NULL!",
        "#NUM!",
        "#REF!",
        "#VALUE!",
        "-",
        "--",
        ".",
        "..",
        "?",
        "n.a.",
        "na",
        "none",
        "–",
        "—",
    }
)
"""Cells that are missing among numbers: what people and spreadsheets write where there is none."""

MISSING_NUMBERS = MISSING_WORDS | DOUBTFUL_WORDS | MISSING_MARKS

MONEY_OR_SHARE = re.compile(r"([+-]?)[$€£¥]?\s*([^$€£¥%]*?)\s*[$€£¥%]?")
"""A number with the mark of a currency or of a percentage, which is dropped."""

BELOW_ZERO = re.compile(r"[$€£¥]?\s*\((.+)\)\s*%?")
"""A number below 0 as accountants write it."""

SPACES = "\u0020\u00a0\u2009\u202f"

_SPACED = rf"[1-9]\d{{0,2}}(?:[{SPACES}'’]\d{{3}})+"
GROUPED = {
    ".": re.compile(rf"([+-]?)([1-9]\d{{0,2}}(?:,\d{{3}})+|{_SPACED})(\.\d*)?"),
    ",": re.compile(rf"([+-]?)([1-9]\d{{0,2}}(?:\.\d{{3}})+|{_SPACED})(,\d*)?"),
}
"""Numbers whose digits stand in groups of three, by their decimal mark."""

WHOLE_NAME = re.compile(r"(-?\d+)\.0+")
NOT_A_DIGIT = re.compile(r"\D")


@dataclass(frozen=True)
class Spelling:
    """How the values of a column are spelled.

    Attributes:
        decimal: The decimal mark of its numbers, "." or ",".
        missing: Words that stand for a missing value, beside those that always do.
        whole_names: Whether its names are whole numbers, so that 3.0 is the name 3.
        unit: What stands behind its numbers, such as "kg"; empty for none.
    """

    decimal: str = "."
    missing: Sequence[str] = ()
    whole_names: bool = False
    unit: str = ""

    @property
    def missing_numbers(self) -> list[float]:
        """The missing words that are numbers, like -999."""
        numbers = []
        for word in self.missing:
            number = _plain_number(word, ".")
            if number is not None and math.isfinite(number):
                numbers.append(number)
        return numbers

    def to_record(self) -> dict[str, Any]:
        """Return the spelling as plain values."""
        return {**asdict(self), "missing": list(self.missing)}


PLAIN = Spelling()


def read_numbers(cells: Cells, spelling: Spelling = PLAIN) -> tuple[Array, list[int]]:
    """Return the numbers of a column, float64 [N], and the rows of cells that are no numbers.

    Missing and unreadable cells are NaN.
    """
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "biuf":
        numbers = cells.astype(np.float64)
        return without(numbers, spelling.missing_numbers), []
    numbers = np.full(len(cells), np.nan)
    unreadable = []
    for row, cell in enumerate(cells):
        number = read_number(cell, spelling)
        if number is None:
            unreadable.append(row)
        else:
            numbers[row] = number
    return without(numbers, spelling.missing_numbers), unreadable


def read_number(cell: object, spelling: Spelling = PLAIN) -> float | None:
    """Return the cell's number, NaN if it is missing, None if it is something else.

    Booleans are 0 and 1. Digits may stand in groups of three, parted by spaces, apostrophes or the
    mark that is not the decimal one; a currency or percent sign and the column's unit are dropped.
    A number in parentheses is below 0, as accountants write it.

    Example:
        >>> read_number("1,234.5"), read_number("1.234,5", Spelling(decimal=","))
        (1234.5, 1234.5)
        >>> read_number("(12.50)"), read_number("70 kg", Spelling(unit="kg"))
        (-12.5, 70.0)
    """
    if cell is None:
        return math.nan
    text = str(cell).strip()
    if text in MISSING_NUMBERS or text in spelling.missing:
        return math.nan
    truth = BOOLEANS.get(text.lower())
    if truth is not None:
        return truth
    number = _plain_number(text, spelling.decimal)
    if number is None:
        number = _marked_number(text.removesuffix(spelling.unit), spelling.decimal)
    return number


def read_text(cells: Cells, spelling: Spelling = PLAIN) -> Array:
    """Return the text of cells, object [N], None where they are missing."""
    text = np.full(len(cells), None, dtype=object)
    for row, cell in enumerate(cells):
        text[row] = read_name(cell, spelling)
    return text


def read_name(cell: object, spelling: Spelling = PLAIN) -> str | None:
    """Return the text of a cell, None where it is missing. The number 3.0 is the name 3."""
    if cell is None:
        return None
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        name = str(int(cell))
    else:
        name = str(cell)
    stripped = name.strip()
    if stripped in MISSING_WORDS or stripped in spelling.missing:
        return None
    if spelling.whole_names:
        whole = WHOLE_NAME.fullmatch(stripped)
        return whole[1] if whole else stripped
    return name


def without(numbers: Array, missing: Sequence[float]) -> Array:
    """Return the numbers [N] with NaN in place of those that stand for a missing value."""
    if not missing:
        return numbers
    return np.where(np.isin(numbers, missing), np.nan, numbers)


def _marked_number(text: str, decimal: str) -> float | None:
    """Return the number that text spells with a currency, a percent sign or in parentheses."""
    negative = BELOW_ZERO.fullmatch(text)
    if negative:
        number = _marked_number(negative[1], decimal)
        return -number if number is not None and number > 0 else None
    marked = MONEY_OR_SHARE.fullmatch(text)
    if marked is None:
        return None
    return _plain_number("".join(marked.groups()), decimal)


def _plain_number(text: str, decimal: str) -> float | None:
    """Return the number that text spells without a currency, or None."""
    grouped = GROUPED[decimal].fullmatch(text)
    if grouped:
        sign, digits, fraction = grouped.groups()
        text = sign + NOT_A_DIGIT.sub("", digits) + (fraction or "")
    if decimal == ",":
        text = text.replace(",", ".")
    if "_" in text:  # Python reads 1_000 as a number, a table's reader does not
        return None
    try:
        return float(text)
    except ValueError:
        return None
