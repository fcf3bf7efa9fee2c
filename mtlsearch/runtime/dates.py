"""Dates and times as text, and what of the calendar a network reads of them.

Needs numpy only: an exported folder holds a copy of this file.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

DATE = re.compile(
    r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})"
    r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
CENTURY_BREAK = 69
"""Years of two digits from here on are of the 20th century, as in POSIX."""


def read_dates(cells: Sequence[object] | Array, day_first: bool) -> Array:
    """Return the instants of a column, datetime64[s] [N], in UTC where the text names a zone.

    Cells are text like 2024-01-31, 31.1.2024 or 1/31/24, perhaps with a time; NaT stands where a
    cell is missing or no date. `day_first` settles what 3/4/2024 is.
    """
    instants = np.full(len(cells), np.datetime64("NaT", "s"))
    for row, cell in enumerate(cells):
        if cell is None:
            continue
        instant = _read_date(str(cell).strip(), day_first)
        if instant is not None:
            instants[row] = np.datetime64(instant, "s")
    return instants


def _read_date(text: str, day_first: bool) -> datetime | None:
    match = DATE.fullmatch(text)
    if match is None:
        return None
    first, second, third, hour, minute, second_of_minute, half, zone = match.groups()
    if len(first) > 2:
        year, month, day = int(first), int(second), int(third)
    elif day_first:
        day, month, year = int(first), int(second), _full_year(third)
    else:
        month, day, year = int(first), int(second), _full_year(third)
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + 12 * (half.lower() == "pm")
    try:
        instant = datetime(year, month, day, hours, int(minute or 0), int(second_of_minute or 0))
    except ValueError:  # the calendar has no such day, or the clock no such time
        return None
    return instant - _offset(zone)


def _full_year(text: str) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    century = 1900 if year >= CENTURY_BREAK else 2000
    return century + year


def _offset(zone: str | None) -> timedelta:
    if zone is None or zone in ("Z", "UTC"):
        return timedelta()
    hours = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return hours if zone[0] == "+" else -hours
