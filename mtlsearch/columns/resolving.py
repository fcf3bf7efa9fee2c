"""What a raw column holds: numbers, booleans, names, text, dates or something else.

The type of a column is decided on the known rows alone, which are those that are not test rows. In
the other rows what does not fit the type becomes missing, so that they cannot change how a column
is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from pandas.api import types

from mtlsearch.arrays import Array
from mtlsearch.columns.dates import find_dates
from mtlsearch.columns.form import ColumnForm
from mtlsearch.columns.numbers import find_numbers, plain_numbers, whole_or_number
from mtlsearch.columns.raw import RawColumn
from mtlsearch.runtime.cells import (
    BOOLEANS,
    DOUBTFUL_WORDS,
    MISSING_NUMBERS,
    MISSING_WORDS,
    Spelling,
    read_name,
    without,
)

CONTAINERS = (list, dict, set, tuple, bytes, np.ndarray)
WHOLE_NUMBER = r"-?(?:0|[1-9]\d*)(?:\.0+)?"


@dataclass(frozen=True)
class Column:
    """A column whose type is known.

    Attributes:
        type: What the column holds.
        values: Values [N]: float64 with NaN for a missing number or boolean, otherwise text with
            None for a missing value.
        form: How its cells are read.
        notices: What was taken for what, each to be read after the name of the column.
        spellings: How the file spells a boolean, by its value.
    """

    type: Literal["number", "boolean", "text", "date", "other"]
    values: Array
    form: ColumnForm
    notices: tuple[str, ...] = ()
    spellings: Mapping[float, str] = field(default_factory=dict)

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

    def name_of(self, value: float | str) -> str:
        """Return how the file spells a value of this column."""
        if isinstance(value, str):
            return value
        if value in self.spellings:
            return self.spellings[value]
        if self.type == "boolean":
            return str(bool(value))
        return whole_or_number(value)


def resolve(raw: RawColumn, known: Array) -> Column:
    """Return the column `raw` [N], typed by the rows where `known` [N] is True.

    What the user says of the column goes before what it looks like.
    """
    wanted = raw.settings.type
    if wanted in ("category", "text", "image"):
        return _with_names(raw, known)
    if isinstance(raw.cells.dtype, pd.CategoricalDtype):
        return _with_names(raw, known)
    if types.is_bool_dtype(raw.cells):
        return Column("boolean", _floats(raw.cells), ColumnForm("boolean"))
    if _is_real(raw.cells):
        return _dates_of_numbers(raw, known) if wanted == "date" else _numbers(raw)
    if _is_time(raw.cells):
        text = _names(raw.cells, Spelling())
        return Column("date", text, ColumnForm("date"))
    if types.is_timedelta64_dtype(raw.cells):
        seconds = raw.cells.dt.total_seconds()
        notice = "durations are taken as numbers of seconds"
        return Column("number", _floats(seconds), ColumnForm("number"), (notice,))
    if not raw.untyped and _holds_containers(raw.cells[known]):
        nothing = np.full(len(raw.cells), None, dtype=object)
        return Column("other", nothing, ColumnForm("category"))
    if not raw.untyped and not _are_strings(raw.cells[known]):
        raw = replace(raw, untyped=True)
    if raw.untyped and raw.cells.dtype != object:
        return _resolve_text(raw, raw.cells, known)
    return _resolve_text(raw, _as_text(raw.cells), known)


def _resolve_text(raw: RawColumn, text: "pd.Series[str]", known: Array) -> Column:
    """Return a column of which every cell is text, "" where a value is missing."""
    plain = plain_numbers(raw, text)
    if plain is not None:
        return Column("number", plain.values, plain.form)
    wanted = raw.settings.type
    missing = raw.settings.missing
    distinct = _distinct(text[known], missing)
    if wanted is None and _are_booleans(distinct):
        return _booleans(text, missing)
    if wanted != "date":
        numbers = find_numbers(raw, text, known, distinct)
        if numbers is not None:
            return Column("number", numbers.values, numbers.form, numbers.notices)
    if wanted != "number":
        dates = find_dates(raw, text, known, distinct)
        if dates is not None:
            return Column("date", dates.values, dates.form, dates.notices)
    return _with_names(replace(raw, cells=text), known)


def _numbers(raw: RawColumn) -> Column:
    """Return a column whose cells are numbers of the file."""
    missing = raw.settings.missing
    values = without(_floats(raw.cells), Spelling(missing=missing).missing_numbers)
    return Column("number", values, ColumnForm("number", missing=missing))


def _dates_of_numbers(raw: RawColumn, known: Array) -> Column:
    """Return a column whose numbers the user says are dates, such as 20240131."""
    names = pd.Series(_names(raw.cells, Spelling()), dtype=object)
    return _resolve_text(raw, names.fillna("").astype(str), known)


def _with_names(raw: RawColumn, known: Array) -> Column:
    """Return a column of text, whatever its cells look like."""
    missing = raw.settings.missing
    cells = raw.cells
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(object)
    filled = pd.Series(_names(cells, Spelling(missing=missing)), dtype=object)
    distinct = filled[known].dropna().unique()
    are_whole = pd.Series(distinct, dtype=object).str.fullmatch(WHOLE_NUMBER).all()
    whole_names = bool(len(distinct)) and bool(are_whole)
    form = ColumnForm("category", missing=missing, whole_names=whole_names)
    if whole_names:
        filled = pd.Series(_names(filled, form.spelling), dtype=object)
    return Column("text", filled.to_numpy(), form, _doubtful_words(filled))


def _doubtful_words(values: "pd.Series[Any]") -> tuple[str, ...]:
    """Say which words are taken for names that often mean a missing value."""
    counts = values[values.isin(DOUBTFUL_WORDS)].value_counts()
    notices = []
    for word, count in counts.items():
        notices.append(
            f'{count} cells say "{word}", which is taken for a value; '
            f"if it is none, say missing: ['{word}'] or --missing {word}"
        )
    return tuple(notices)


def _booleans(text: "pd.Series[str]", missing: tuple[str, ...]) -> Column:
    """Return a column of the words true and false, however they are spelled."""
    counts = text.value_counts()
    truths = {}
    spellings: dict[float, str] = {}
    for word in counts.index:
        truth = BOOLEANS.get(str(word).strip().lower())
        if truth is not None:
            truths[word] = truth
            spellings.setdefault(truth, str(word).strip())
    values = text.map(truths).to_numpy(np.float64)
    form = ColumnForm("boolean", missing=missing)
    return Column("boolean", values, form, spellings=spellings)


def _are_booleans(distinct: "pd.Series[str]") -> bool:
    if not 0 < len(distinct) <= 2 * len(BOOLEANS) + len(MISSING_NUMBERS):
        return False
    words = distinct[~distinct.isin(MISSING_NUMBERS)].str.lower()
    return bool(len(words)) and bool(words.isin(BOOLEANS).all())


def _distinct(text: "pd.Series[str]", missing: tuple[str, ...]) -> "pd.Series[str]":
    """Return the distinct cells that have a value, without the blanks around them."""
    cells = pd.Series(text.unique(), dtype=str).str.strip()
    is_missing = cells.isin([*MISSING_WORDS, *missing])
    return cells[~is_missing].drop_duplicates()


def _as_text(cells: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the cells as text, "" where a value is missing."""
    if cells.dtype == object:
        text = cells.map(_spelled, na_action="ignore")
        return text.where(cells.notna(), "").astype(str)
    return cells.astype(str).where(cells.notna(), "")


def _spelled(cell: object) -> str:
    return cell if isinstance(cell, str) else str(cell)


def _names(cells: "pd.Series[Any]", spelling: Spelling) -> Array:
    """Return the cells as names, object [N], None where a value is missing."""
    codes, distinct = pd.factorize(cells)
    names = [read_name(value, spelling) for value in distinct]
    table = np.array([*names, None], dtype=object)
    return np.asarray(table[codes])


def _is_real(cells: "pd.Series[Any]") -> bool:
    if types.is_complex_dtype(cells):
        return False
    return types.is_numeric_dtype(cells)


def _is_time(cells: "pd.Series[Any]") -> bool:
    return types.is_datetime64_any_dtype(cells)


def _holds_containers(cells: "pd.Series[Any]") -> bool:
    if cells.dtype != object:
        return False
    return bool(cells.map(lambda cell: isinstance(cell, CONTAINERS)).any())


def _are_strings(cells: "pd.Series[Any]") -> bool:
    """Return whether the file declares the cells to be text; else they are objects of some kind."""
    if cells.dtype != object:
        return True
    return bool(cells.dropna().map(lambda cell: isinstance(cell, str)).all())


def _floats(cells: "pd.Series[Any]") -> Array:
    return cells.to_numpy(np.float64, na_value=np.nan)
