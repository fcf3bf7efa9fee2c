"""The folds replicates train on: the user's validation rows, or repeated K-fold over the rows that are not test rows."""

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, TRAIN, VALIDATION, Dataset, Fold, Source, Splits
from mtlsearch.data.splits import common_strata
from mtlsearch.errors import DataError


def fold(dataset: Dataset, replicate: int, seed: int) -> Fold:
    """Return the train and validation rows of `replicate` (0, 1, ...), the same for the same arguments.

    With K = round(1 / validation_fraction), replicate r is fold r % K of repetition r // K; each repetition shuffles anew.
    Rows the user gave as validation rows are always those. Raises DataError when a task has no labelled row on one side.
    """
    pairs = {name: _rows(source, replicate, seed) for name, source in dataset.sources.items()}
    chosen = Fold(
        {name: pair[0] for name, pair in pairs.items()},
        {name: pair[1] for name, pair in pairs.items()},
    )
    _check_labels(dataset, chosen)
    return chosen


def resample(source: Source, seed: int) -> Array:
    """A bootstrap sample of the test rows of a source, whole groups at a time where there are groups."""
    rows, draw = np.flatnonzero(source.splits.role == TEST), np.random.default_rng(seed)
    if source.splits.group is None:
        return rows[draw.integers(len(rows), size=len(rows))]
    groups = source.splits.group[rows]
    units = [rows[groups == group] for group in np.unique(groups)]
    return np.concatenate([units[number] for number in draw.integers(len(units), size=len(units))])


def _rows(source: Source, replicate: int, seed: int) -> tuple[Array, Array]:
    splits = source.splits
    if splits.given:
        return np.flatnonzero(splits.role == TRAIN), np.flatnonzero(splits.role == VALIDATION)
    free = np.flatnonzero(splits.role != TEST)
    count = _fold_count(source, free)
    state = int(np.random.SeedSequence([seed, replicate // count]).generate_state(1)[0])
    train, validation = _partition(splits, free, count, state)[replicate % count]
    return free[train], free[validation]


def _fold_count(source: Source, free: Array) -> int:
    group = source.splits.group
    units = len(free) if group is None else len(np.unique(group[free]))
    if units < 2:
        raise DataError(
            f"{source.name}: only {units} rows or groups are not test rows; at least 2 are needed for folds"
        )
    return min(max(2, round(1 / source.splits.validation_fraction)), units)


def _partition(splits: Splits, free: Array, count: int, state: int) -> list[tuple[Array, Array]]:
    strata = None if splits.strata is None else common_strata(splits.strata[free], count)
    group = None if splits.group is None else splits.group[free]
    blank, shuffled = (
        np.zeros((len(free), 1)),
        {"n_splits": count, "shuffle": True, "random_state": state},
    )
    if group is None and strata is None:
        return list(KFold(**shuffled).split(blank))
    if group is None:
        return list(StratifiedKFold(**shuffled).split(blank, strata))
    if strata is not None:
        parts = list(StratifiedGroupKFold(**shuffled).split(blank, strata, group))
        if all(len(validation) for _, validation in parts):
            return parts
    return list(GroupKFold(**shuffled).split(blank, groups=group))


def _check_labels(dataset: Dataset, chosen: Fold) -> None:
    for task in dataset.tasks:
        labelled = ~np.isnan(dataset.targets[task.name])
        for side, rows in (
            ("training", chosen.train[task.source]),
            ("validation", chosen.validation[task.source]),
        ):
            if not labelled[rows].any():
                raise DataError(
                    f"{dataset.name}: task {task.name}: none of the {len(rows)} {side} rows of this fold has a label; "
                    "give more labelled rows or a split column"
                )
