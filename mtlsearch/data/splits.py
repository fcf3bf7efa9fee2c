"""Which rows of a source are train, validation and test rows: by column, by time, by group or at random."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from mtlsearch.arrays import Array
from mtlsearch.data.card import SplitCard
from mtlsearch.data.dataset import TEST, TRAIN, VALIDATION, Splits
from mtlsearch.data.readers import require_columns
from mtlsearch.errors import DataError

ROLES = {"train": TRAIN, "val": VALIDATION, "validation": VALIDATION, "test": TEST}


def split_rows(table: pd.DataFrame, card: SplitCard, strata: Array | None, where: str) -> Splits:
    """Return the row roles of `table`.

    `strata[N]` are label codes (-1 = no label) for a random split. Without validation rows of the user's own, `role` holds
    only TRAIN and TEST: folds come later. Raises DataError beginning with `where`.
    """
    require_columns(f"{where}: split", table, card.columns)
    if len(table) < 5:
        raise DataError(f"{where}: has {len(table)} rows; at least 5 are needed to split them")
    group = _groups(table, card.group, where)
    if card.column is not None:
        role, given = _by_column(table[card.column], f"{where}: split column {card.column}")
    elif card.time is not None:
        role, given = _by_time(table[card.time], card, f"{where}: split time {card.time}"), True
    else:
        role, given = _at_random(len(table), card, group, strata, where), False
    return Splits(role, given, group, None, card.validation)


def common_strata(strata: Array, minimum: int) -> Array | None:
    """Return codes `strata[N]` with classes of fewer than `minimum` rows pooled, or None if one class is left."""
    codes, counts = np.unique(strata, return_counts=True)
    pooled = np.where(np.isin(strata, codes[counts < minimum]), -2, strata)
    if 0 < (pooled == -2).sum() < minimum:
        pooled = np.where(pooled == -2, codes[counts.argmax()], pooled)
    return pooled if len(np.unique(pooled)) > 1 else None


def _groups(table: pd.DataFrame, name: str | None, where: str) -> Array | None:
    if name is None:
        return None
    codes, _ = pd.factorize(table[name])
    if (codes < 0).any():
        raise DataError(f"{where}: group {name}: {int((codes < 0).sum())} rows have no value")
    return np.asarray(codes, np.int64)


def _by_column(column: "pd.Series[Any]", where: str) -> tuple[Array, bool]:
    words = column.map(lambda value: str(value).strip().lower(), na_action="ignore")
    wrong = column[~words.isin(ROLES)]
    if len(wrong):
        found = "an empty field" if pd.isna(wrong.iloc[0]) else f'"{wrong.iloc[0]}"'
        raise DataError(
            f"{where}: {len(wrong)} rows hold {found} or the like; allowed: {', '.join(ROLES)}"
        )
    role = words.map(ROLES).to_numpy(np.int64)
    for name, code in (("train", TRAIN), ("test", TEST)):
        if not (role == code).any():
            raise DataError(f'{where}: no row is "{name}"')
    return role, bool((role == VALIDATION).any())


def _by_time(column: "pd.Series[Any]", card: SplitCard, where: str) -> Array:
    times = _instants(column, where)
    role = np.full(len(times), TRAIN)
    role[times >= _boundary(times, card.test)] = TEST
    rest = times[role == TRAIN]
    if len(rest):
        role[(role == TRAIN) & (times >= _boundary(rest, card.validation))] = VALIDATION
    if not (role == TRAIN).any():
        raise DataError(f"{where}: too few distinct times for train, validation and test rows")
    return role


def _instants(column: "pd.Series[Any]", where: str) -> Array:
    if column.isna().any():
        raise DataError(f"{where}: {int(column.isna().sum())} rows have no value")
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64)
    try:
        return pd.to_datetime(column, format="ISO8601", utc=True).astype("int64").to_numpy()
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{where}: allowed are numbers and dates like 2024-01-31 or 2024-01-31T12:00"
        ) from error


def _boundary(times: Array, fraction: float) -> Any:
    """Return the time at which the last `fraction` of the rows begins; equal times stay together."""
    return np.sort(times)[-max(1, round(fraction * len(times)))]


def _at_random(
    rows: int, card: SplitCard, group: Array | None, strata: Array | None, where: str
) -> Array:
    splitter = {"n_splits": 1, "test_size": card.test, "random_state": card.seed}
    blank = np.zeros((rows, 1))
    try:
        if group is not None:
            parts = GroupShuffleSplit(**splitter).split(blank, groups=group)
        elif (common := _stratifiable(strata, card.test)) is not None:
            parts = StratifiedShuffleSplit(**splitter).split(blank, common)
        else:
            parts = ShuffleSplit(**splitter).split(blank)
        test = next(iter(parts))[1]
    except ValueError as error:
        raise DataError(f"{where}: split: {' '.join(str(error).split())}") from error
    role = np.full(rows, TRAIN)
    role[test] = TEST
    return role


def _stratifiable(strata: Array | None, fraction: float) -> Array | None:
    """Return the strata to split by, or None when there are fewer rows on one side than classes."""
    common = None if strata is None else common_strata(strata, 3)
    if common is None:
        return None
    smaller = int(min(fraction, 1 - fraction) * len(common))
    return common if smaller >= len(np.unique(common)) else None
