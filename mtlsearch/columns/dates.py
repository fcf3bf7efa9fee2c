"""Columns of text that spell dates: when they do, and whether the day comes first."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns.form import ColumnForm
from mtlsearch.columns.numbers import DIGITS, LONGEST_SHOWN, TRIED_CELLS, UNREADABLE_SHARE
from mtlsearch.columns.raw import RawColumn
from mtlsearch.runtime.cells import MISSING_NUMBERS
from mtlsearch.runtime.dates import DATE, read_dates

MOST_MONTHS = 12


@dataclass(frozen=True)
class Dates:
    """The dates of a column: text [N] or None, how it is read, and notices."""

    values: Array
    form: ColumnForm
    notices: tuple[str, ...]


def find_dates(
    raw: RawColumn,
    text: "pd.Series[str]",
    known: Array,
    distinct: "pd.Series[str]",
) -> Dates | None:
    """Return the dates that a column of text spells, or None if it holds something else.

    The arguments are those of `find_numbers`, and as many cells may be unreadable.
    """
    is_asked = raw.settings.type == "date"
    filled = distinct[~distinct.isin(MISSING_NUMBERS)]
    if not len(filled):
        return None
    if not is_asked and filled.str.fullmatch(DIGITS).all():  # names, for all that is known
        return None
    tried = filled[:TRIED_CELLS]
    if not is_asked and not _read(tried, day_first=True)[1] >= len(tried) / 2:
        return None

    day_first, notices = _day_first(raw, filled)
    counts = text.value_counts(sort=False)
    instants = read_dates([str(cell) for cell in counts.index], day_first)
    readable = counts.index[~np.isnat(instants)]
    is_date = text.isin(readable)
    is_missing = text.str.strip().isin([*MISSING_NUMBERS, *raw.settings.missing])
    is_bad = ~is_date & ~is_missing
    bad = int(is_bad[known].sum())
    if not is_asked and bad > UNREADABLE_SHARE * int((~is_missing[known]).sum()):
        return None
    if is_bad.any():
        row = int(is_bad.to_numpy().argmax())
        notices.append(
            f"{int(is_bad.sum())} cells are no dates and taken as missing, "
            f'the first is "{text.iloc[row][:LONGEST_SHOWN]}" in data row {row + 1}'
        )
    values = text.astype(object).where(is_date & ~is_missing, None).to_numpy()
    form = ColumnForm("date", missing=raw.settings.missing, day_first=day_first)
    return Dates(values, form, tuple(notices))


def _read(cells: "pd.Series[Any]", day_first: bool) -> tuple[Array, int]:
    """Return the instants of cells in either order of day and month, and how many there are."""
    texts = [str(cell) for cell in cells]
    instants = read_dates(texts, day_first)
    other = read_dates(texts, not day_first)
    instants = np.where(np.isnat(instants), other, instants)
    return instants, int((~np.isnat(instants)).sum())


def _day_first(raw: RawColumn, filled: "pd.Series[str]") -> tuple[bool, list[str]]:
    """Return whether the day comes before the month, and what should be known of that."""
    said = raw.settings.day_first
    if said is not None:
        return said, []
    matches = [DATE.fullmatch(cell) for cell in filled]
    ordered = [match for match in matches if match and len(match[1]) <= 2]
    days_before = sum(int(match[1]) > MOST_MONTHS for match in ordered)
    days_after = sum(int(match[2]) > MOST_MONTHS for match in ordered)
    if not ordered:
        return False, []
    if days_before != days_after:
        return days_before > days_after, []
    first = ordered[0][0]
    day_first = "." in first[:3]
    order = "day before month" if day_first else "month before day"
    other = str(not day_first).lower()
    return day_first, [f'dates like "{first}" are read as {order}; else say day_first: {other}']
