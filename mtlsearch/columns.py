"""What a raw table column holds: numbers, booleans, text or something else.

The type of a column is decided on the known rows alone, which are those that are not test rows.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from mtlsearch.arrays import Array
from mtlsearch.runtime.encoding import LARGEST_NUMBER

DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T].*)?")
BOOLEAN_WORDS = {"true": 1.0, "false": 0.0}
CONTAINERS = (list, dict, bytes, np.ndarray)
SCALARS = (str, int, float)

MAXIMUM_CATEGORIES = 64
IDENTIFIER_SHARE = 0.5  # of distinct values among the filled rows; beyond it, text is an identifier


@dataclass(frozen=True)
class ColumnForm:
    """How an input column of a table is read and encoded.

    Attributes:
        type: What it holds.
        decimal: The decimal mark of its numbers, "." or ",".
        missing: Words that stand for a missing value, beside those that always do.
        day_first: Whether the day comes before the month in its dates.
        embedding: The size of the vector of a category or word; None: by a rule.
        minimum_count: Categories and words in fewer training rows share one vector; None: by a
            rule.
        buckets: The number of buckets that categories are hashed into; None: no hashing.
    """

    type: Literal["number", "boolean", "category", "text", "date"]
    decimal: str = "."
    missing: tuple[str, ...] = ()
    day_first: bool = False
    embedding: int | None = None
    minimum_count: int | None = None
    buckets: int | None = None


@dataclass(frozen=True)
class Column:
    """A column whose type is known.

    Attributes:
        type: What the column holds.
        values: Values [N]: float64 with NaN for a missing number or boolean, otherwise text with
            None for a missing value.
    """

    type: Literal["number", "boolean", "text", "date", "other"]
    values: Array

    @property
    def numeric(self) -> bool:
        """True for numbers and booleans."""
        return self.type in ("number", "boolean")

    @property
    def present(self) -> Array:
        """The rows that have a value, as bool [N]."""
        if self.numeric:
            return ~np.isnan(self.values)
        return ~pd.isna(self.values)


def resolve(raw: "pd.Series[Any]", known: Array) -> Column:
    """Return the column `raw` [N], typed by the rows where `known` [N] is True.

    In the other rows, what does not fit the type becomes missing, so that they cannot change how
    a column is read.
    """
    if types.is_bool_dtype(raw):
        return Column("boolean", _floats(raw))
    if _is_real(raw):
        return Column("number", _floats(raw))
    objects = raw.astype(object)
    if _is_time(raw):
        return Column("date", _text(objects))
    empty = raw.astype(str) == ""
    missing = raw.isna() | empty
    filled = objects.where(~missing, None)
    return _resolve_objects(filled, known)


def input_column(
    name: str,
    raw: "pd.Series[Any]",
    known: Array,
) -> tuple[Array | None, str]:
    """Return `(values [N], "")` for a usable input, or `(None, why it is left out)`.

    Numbers that are infinite or of LARGEST_NUMBER and more in magnitude become missing.
    """
    if name.startswith("Unnamed: "):
        return None, "it has no name (a row index?)"
    column = resolve(raw, known)
    if column.numeric:
        finite = np.abs(column.values) < LARGEST_NUMBER
        return np.where(finite, column.values, np.nan), ""
    if column.type == "date":
        return None, "it holds dates"
    if column.type == "other":
        return None, "it holds neither numbers nor text"

    values = column.values[known & column.present]
    filled = len(values)
    distinct = len(pd.unique(values))
    if distinct > MAXIMUM_CATEGORIES and distinct > IDENTIFIER_SHARE * filled:
        return None, f"it looks like an identifier ({distinct} distinct values in {filled} rows)"
    return column.values, ""


def _resolve_objects(raw: "pd.Series[Any]", known: Array) -> Column:
    """Return the column of objects `raw` [N], in which None marks a missing value."""
    values = raw[known].dropna()
    if _hold_boolean_words(values):
        words = _lower_case(raw)
        truth = words.map(BOOLEAN_WORDS)
        return Column("boolean", truth.to_numpy(np.float64))
    if values.map(_is_container).any():
        return Column("other", _text(raw))

    scalars = raw.map(_scalar)
    parsed = pd.to_numeric(scalars, errors="coerce")
    numbers = parsed.astype(np.float64)
    known_numbers = numbers[values.index]
    if known_numbers.notna().all():
        return Column("number", numbers.to_numpy(np.float64))

    text = _text(raw)
    if _hold_dates(text[known]):
        return Column("date", text)
    return Column("text", text)


def _hold_boolean_words(values: "pd.Series[Any]") -> bool:
    if not len(values):
        return False
    words = _lower_case(values)
    return bool(words.isin(BOOLEAN_WORDS).all())


def _hold_dates(text: Array) -> bool:
    values = pd.unique(text[~pd.isna(text)])
    return all(DATE.fullmatch(value) for value in values)


def _lower_case(raw: "pd.Series[Any]") -> "pd.Series[Any]":
    return raw.map(lambda value: str(value).lower(), na_action="ignore")


def _is_real(raw: "pd.Series[Any]") -> bool:
    if types.is_complex_dtype(raw):
        return False
    return types.is_numeric_dtype(raw)


def _is_time(raw: "pd.Series[Any]") -> bool:
    if types.is_datetime64_any_dtype(raw):
        return True
    return types.is_timedelta64_dtype(raw)


def _is_container(value: object) -> bool:
    return isinstance(value, CONTAINERS)


def _scalar(value: object) -> object:
    if value is None or isinstance(value, SCALARS):
        return value
    return str(value)


def _floats(raw: "pd.Series[Any]") -> Array:
    return raw.to_numpy(np.float64, na_value=np.nan)


def _text(raw: "pd.Series[Any]") -> Array:
    """Return the values as text [N], None where they are missing."""
    text = np.full(len(raw), None, dtype=object)
    cells = zip(raw, raw.notna(), strict=True)
    for row, (value, present) in enumerate(cells):
        if present:
            text[row] = str(value)
    return text
