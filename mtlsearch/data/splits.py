"""The role of each row of a source: train, validation or test.

Rows are divided by a column, by time, by group or at random.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from mtlsearch.arrays import Array
from mtlsearch.data.card import SplitCard
from mtlsearch.data.dataset import TEST, TRAIN, VALIDATION, Splits
from mtlsearch.data.readers import require_columns
from mtlsearch.data.stratification import common_strata, divide
from mtlsearch.errors import DataError

ROLES = {
    "train": TRAIN,
    "val": VALIDATION,
    "validation": VALIDATION,
    "test": TEST,
}
NEEDED_ROLES = ("train", "test")
FEWEST_ROWS = 5
SMALLEST_STRATUM = 3  # rows of a class that a random split keeps apart from other rare classes


def split_rows(
    table: pd.DataFrame,
    card: SplitCard,
    strata: Array | None,
    where: str,
) -> Splits:
    """Return the roles of the rows of a table.

    Without validation rows of the user's own, there are only training and test rows: folds come
    later.

    Args:
        table: The table [N, columns].
        card: How to divide the rows.
        strata: The label codes [N, S] of the classification tasks for a random split, -1 for no
            label; None where there is no such task.
        where: What an error message begins with.

    Raises:
        DataError: The rows cannot be divided in this way.
    """
    require_columns(f"{where}: split", table, card.columns)
    rows = len(table)
    if rows < FEWEST_ROWS:
        raise DataError(
            f"{where}: has {rows} rows; at least {FEWEST_ROWS} are needed to split them"
        )
    group = _groups(table, card.group, where)
    times = None
    if card.column is not None:
        words = table[card.column]
        role = _by_column(words, f"{where}: split column {card.column}")
    elif card.time is not None:
        place = f"{where}: split time {card.time}"
        times = _instants(table[card.time], place)
        role = by_time(times, card.test, card.validation, place)
    else:
        role = _at_random(rows, card, group, strata, where)
    has_validation = VALIDATION in role
    return Splits(
        role=role,
        given=has_validation or card.time is not None,
        group=group,
        validation_fraction=card.validation,
        times=times,
        by_column=card.column is not None,
    )


def _groups(table: pd.DataFrame, name: str | None, where: str) -> Array | None:
    """Return the codes [N] of the group column, or None where there is none."""
    if name is None:
        return None
    codes, _ = pd.factorize(table[name])
    empty = int((codes < 0).sum())
    if empty:
        raise DataError(f"{where}: group {name}: {empty} rows have no value")
    return np.asarray(codes, np.int64)


def _by_column(column: "pd.Series[Any]", where: str) -> Array:
    """Return the roles [N] that the words of a column say."""
    words = column.map(_normalise, na_action="ignore")
    wrong = column[~words.isin(ROLES)]
    if len(wrong):
        first = wrong.iloc[0]
        example = "an empty field" if pd.isna(first) else f'"{first}"'
        allowed = ", ".join(ROLES)
        raise DataError(
            f"{where}: {len(wrong)} rows hold {example} or the like; allowed: {allowed}"
        )
    role = words.map(ROLES).to_numpy(np.int64)
    for name in NEEDED_ROLES:
        if ROLES[name] not in role:
            raise DataError(f'{where}: no row is "{name}"')
    return role


def _normalise(word: object) -> str:
    return str(word).strip().lower()


def by_time(times: Array, test: float, validation: float, where: str) -> Array:
    """Return roles [N]: the last rows are test rows, those before them validation rows.

    Args:
        times: Numbers [N] in the order of the rows' times.
        test: The share of the rows that are test rows; with 0 there are none.
        validation: The share of the others that are validation rows.
        where: What an error message begins with.

    Raises:
        DataError: There are too few distinct times.
    """
    role = np.full(len(times), TRAIN)
    if test:
        role[times >= _boundary(times, test)] = TEST

    free = role == TRAIN
    if free.any():
        boundary = _boundary(times[free], validation)
        late = times >= boundary
        role[free & late] = VALIDATION
    if TRAIN not in role:
        raise DataError(f"{where}: too few distinct times for train, validation and test rows")
    return role


def _instants(column: "pd.Series[Any]", where: str) -> Array:
    """Return numbers [N] in the order of the times in a column."""
    empty = int(column.isna().sum())
    if empty:
        raise DataError(f"{where}: {empty} rows have no value")
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64)
    try:
        instants = pd.to_datetime(column, format="ISO8601", utc=True)
        return instants.astype("int64").to_numpy()
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{where}: allowed are numbers and dates like 2024-01-31 or 2024-01-31T12:00"
        ) from error


def _boundary(times: Array, fraction: float) -> Any:
    """Return the time at which the last `fraction` of the rows begins.

    Rows of equal times stay together.
    """
    late = round(fraction * len(times))
    count = max(1, late)
    ordered = np.sort(times)
    return ordered[-count]


def _at_random(
    rows: int,
    card: SplitCard,
    group: Array | None,
    strata: Array | None,
    where: str,
) -> Array:
    """Return roles [N] of which a random part are test rows."""
    units = rows
    if group is not None:
        units = len(np.unique(group))
    if math.ceil(card.test * units) >= units:
        what = "rows" if group is None else "groups"
        raise DataError(
            f"{where}: split: test {card.test} of {units} {what} leaves none to train on; "
            "give a smaller test or more rows"
        )
    role = np.full(rows, TRAIN)
    several = None if strata is None else _several_strata(strata)
    if several is None:
        role[_random_test_rows(rows, card, group, strata)] = TEST
    else:
        shares = (1 - card.test, card.test)
        is_test = divide(several, shares, card.seed, group) == 1
        role[is_test] = TEST
    return role


def _several_strata(strata: Array) -> Array | None:
    """Return the codes of the tasks among [N, S] that can be stratified, if these are several.

    Their rare classes are pooled: both rows of a class of two would always be training rows.
    """
    columns = []
    for codes in strata.T:
        common = common_strata(codes, SMALLEST_STRATUM)
        if common is not None:
            columns.append(common)
    return np.column_stack(columns) if len(columns) > 1 else None


def _random_test_rows(
    rows: int,
    card: SplitCard,
    group: Array | None,
    strata: Array | None,
) -> Array:
    """Return the numbers of the test rows: whole groups, or rows drawn within strata.

    Of the label codes [N, S] the first task counts that can be stratified.
    """
    options: dict[str, Any] = {
        "n_splits": 1,
        "test_size": card.test,
        "random_state": card.seed,
    }
    blank = np.zeros((rows, 1))  # scikit-learn asks for inputs and reads only their number
    common = _stratifiable(strata, card.test)
    if group is not None:
        parts = GroupShuffleSplit(**options).split(blank, groups=group)
    elif common is not None:
        parts = StratifiedShuffleSplit(**options).split(blank, common)
    else:
        parts = ShuffleSplit(**options).split(blank)
    _, test = next(iter(parts))
    return np.asarray(test)


def _stratifiable(strata: Array | None, fraction: float) -> Array | None:
    """Return the strata [N] to split by; None when there is no task whose classes fit both sides.

    There must be as many rows on each side as classes.
    """
    if strata is None:
        return None
    for codes in strata.T:
        common = common_strata(codes, SMALLEST_STRATUM)
        if common is None:
            continue
        classes = len(np.unique(common))
        smaller = min(fraction, 1 - fraction)
        rows = int(smaller * len(common))
        if rows >= classes:
            return common
    return None
