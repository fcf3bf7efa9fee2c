"""What else a column could be that is taken for numbers."""

import re
from collections.abc import Callable, Iterator

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.columns.numbers import whole_or_number
from mtlsearch.runtime.dates import read_dates

ID_NAME = re.compile(
    r"(?i:(^|[^a-z])(ids?|uuid|code|zip|zipcode|postcode|postal|plz|sku|ean|isbn"
    r"|users?|items?|customers?|patients?|products?|stores?|merchants?|movies?|accounts?|devices?)$)"
    r"|[a-z](Id|ID|Code)$"
)
FEWEST_ROW_NUMBERS = 20
FEWEST_VALUES = 3  # distinct ones; fewer are no names, dates or measurements
LOOKED_AT = 1000  # distinct values that are read as dates
NINES = re.compile(r"-?9{2,}")
FAR = 10.0  # ranges of the other values, beyond which a repeated value is no measurement
LARGEST_EXACT = 2**53
"""Whole numbers beyond it are not all told apart by float64."""


def doubts_about_numbers(name: str, values: Array) -> tuple[str, ...]:
    """Return what else the numbers [N] of a column could be, each to be read after its name."""
    numbers = values[~np.isnan(values)]
    distinct = np.unique(numbers)
    if len(distinct) < FEWEST_VALUES:
        return ()
    doubts: list[str] = []
    if (distinct % 1 == 0).all():
        for check in _CHECKS_OF_WHOLE_NUMBERS:
            doubts = list(check(name, numbers, distinct))
            if doubts:
                break
    doubts.extend(_repeated_outlier(name, numbers, distinct))
    return tuple(doubts)


def _row_number(name: str, numbers: Array, distinct: Array) -> Iterator[str]:
    is_dense = len(numbers) >= FEWEST_ROW_NUMBERS and np.ptp(numbers) < 2 * len(numbers)
    if is_dense and len(distinct) == len(numbers):
        yield f"whole numbers without a repeat (a row number?); say --ignore {name} if so"


def _date(name: str, numbers: Array, distinct: Array) -> Iterator[str]:
    """Find 20240131, and seconds or milliseconds since 1970."""
    if distinct[0] <= 0:
        return
    shown = distinct[:: max(1, len(distinct) // LOOKED_AT)]
    instants = read_dates([whole_or_number(value) for value in shown], day_first=False)
    if np.isnat(instants).any():
        return
    day = str(instants[0].astype("datetime64[D]"))
    yield (
        f"whole numbers like {whole_or_number(distinct[0])}, which may be a date ({day}); "
        f"say columns: {{{name}: date}} if so"
    )


def _name(name: str, numbers: Array, distinct: Array) -> Iterator[str]:
    if ID_NAME.search(name):
        yield f"whole numbers taken as a number; say --categorical {name} if they are names"
    elif distinct[-1] > LARGEST_EXACT:
        yield (
            f"whole numbers of {len(whole_or_number(distinct[-1]))} digits taken as a number, not "
            f"to the last digit; say --categorical {name} or --ignore {name} if they are names"
        )


def _repeated_outlier(name: str, numbers: Array, distinct: Array) -> Iterator[str]:
    """Find a value far from all others in several rows, such as -999 among small numbers."""
    for value, others in ((distinct[0], distinct[1:]), (distinct[-1], distinct[:-1])):
        spread = np.ptp(others)
        gap = np.abs(others - value).min()
        rows = int((numbers == value).sum())
        is_nines = NINES.fullmatch(whole_or_number(value)) is not None
        if rows > 1 and spread > 0 and gap > spread * (1.0 if is_nines else FAR):
            word = whole_or_number(value)
            yield (
                f"{rows} cells hold {word}, far from all others; "
                f"say --missing {word} if it stands for a missing value"
            )


Check = Callable[[str, Array, Array], Iterator[str]]

_CHECKS_OF_WHOLE_NUMBERS: tuple[Check, ...] = (_row_number, _name, _date)
