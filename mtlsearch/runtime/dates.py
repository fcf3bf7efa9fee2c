"""Dates and times as text, and what of the calendar a network reads of them.

Needs numpy only: an exported folder holds a copy of this file.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

DATE = re.compile(
    r"(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})"
    r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s*([AaPp][Mm])?)?"
    r"\s*(Z|UTC|[+-]\d{2}:?\d{2})?"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
OTHER_DATES = (
    # 31 January 2024, 31-Jan-2024
    re.compile(rf"(?P<day>\d{{1,2}})\.?[ -]*{_MONTH}[ ,-]*(?P<year>\d{{4}})", re.IGNORECASE),
    # January 31, 2024
    re.compile(
        rf"{_MONTH} +(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? +(?P<year>\d{{4}})", re.IGNORECASE
    ),
    # Jan 2024
    re.compile(rf"{_MONTH}[ -]+(?P<year>\d{{4}})", re.IGNORECASE),
    # 2024-01, 01/2024
    re.compile(r"(?P<year>\d{4})[-/](?P<month>\d{2})"),
    re.compile(r"(?P<month>\d{2})[-/](?P<year>\d{4})"),
    # 20240131
    re.compile(r"(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})(?:\.0+)?"),
)
"""Dates beside those that DATE reads; one without a day is the first of its month."""

SINCE_1970 = re.compile(r"([1-9]\d{8,9}|[1-9]\d{11,12})(?:\.\d+)?")
"""Seconds since 1970, or milliseconds, from 1973 to 2286."""

FEWEST_OF_MILLISECONDS = 12
"""Digits."""

CENTURY_BREAK = 69
"""Years of two digits from here on are of the 20th century, as in POSIX."""


def read_dates(cells: Sequence[object] | Array, day_first: bool) -> Array:
    """Return the instants of a column, datetime64[s] [N], in UTC where the text names a zone.

    Cells are text like 2024-01-31, 31.1.2024 or 1/31/24, perhaps with a time, 31 January 2024,
    Jan 2024, 2024-01 or 20240131, or count seconds or milliseconds since 1970; NaT stands where a
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
        return _read_other_date(text)
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


def _read_other_date(text: str) -> datetime | None:
    count = SINCE_1970.fullmatch(text)
    if count is not None:
        is_milliseconds = len(count[1]) >= FEWEST_OF_MILLISECONDS
        seconds = int(count[1]) // 1000 if is_milliseconds else int(count[1])
        return datetime(1970, 1, 1) + timedelta(seconds=seconds)
    for pattern in OTHER_DATES:
        match = pattern.fullmatch(text)
        if match is not None:
            return _from_parts(match.groupdict())
    return None


def _from_parts(parts: Mapping[str, str]) -> datetime | None:
    if "name" in parts:
        month = MONTHS.index(parts["name"][:3].lower()) + 1
    else:
        month = int(parts["month"])
    try:
        return datetime(int(parts["year"]), month, int(parts.get("day", 1)))
    except ValueError:  # the calendar has no such day
        return None


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
