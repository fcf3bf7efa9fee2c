"""The folds that replicates train on.

A fold is the user's validation rows, or a part of repeated K-fold over the rows that are not test
rows.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import (
    TEST,
    TRAIN,
    VALIDATION,
    Dataset,
    Fold,
    Source,
    Splits,
)
from mtlsearch.data.stratification import common_strata, divide
from mtlsearch.errors import DataError

RowPair = tuple[Array, Array]  # training rows and validation rows


def fold(dataset: Dataset, replicate: int, seed: int) -> Fold:
    """Return the training and validation rows of a replicate (0, 1, ...).

    Where all rows are trained on they are the validation rows as well, by which nothing is chosen.

    With K = round(1 / validation_fraction), replicate r is fold r % K of repetition r // K; each
    repetition shuffles anew. Rows that the user gave as validation rows are always those. The
    same arguments give the same fold.

    Raises:
        DataError: A task has no labelled row on one side, or a source has too few rows for folds.
    """
    train = {}
    validation = {}
    for name, source in dataset.sources.items():
        rows = _fold_rows(source, replicate, seed)
        train[name], validation[name] = rows
    result = Fold(train, validation)
    _check_labels(dataset, result)
    return result


def resample(source: Source, seed: int) -> Array:
    """Return a bootstrap sample of the test rows of a source, as row numbers.

    Where there are groups, whole groups are drawn.
    """
    rng = np.random.default_rng(seed)
    splits = source.splits
    rows = splits.predicted
    if splits.group is None:
        return rows[_bootstrap(rng, len(rows))]
    groups = splits.group[rows]
    names = np.unique(groups)
    sample = []
    for number in _bootstrap(rng, len(names)):
        members = groups == names[number]
        sample.append(rows[members])
    return np.concatenate(sample)


def _bootstrap(rng: np.random.Generator, count: int) -> Array:
    return rng.integers(count, size=count)


def _fold_rows(source: Source, replicate: int, seed: int) -> RowPair:
    splits = source.splits
    if splits.all_trained:
        every_row = np.arange(len(splits.role))
        return every_row, every_row
    if splits.given:
        train = np.flatnonzero(splits.role == TRAIN)
        validation = np.flatnonzero(splits.role == VALIDATION)
        return train, validation
    free = np.flatnonzero(splits.role != TEST)
    count = _fold_count(source, free)
    repetition, number = divmod(replicate, count)
    state = random_state(seed, repetition)
    folds = partition(splits, free, count, state)
    train, validation = folds[number]
    return free[train], free[validation]


def random_state(seed: int, repetition: int) -> int:
    """Return the state of scikit-learn's generator for a repetition of the folds."""
    sequence = np.random.SeedSequence([seed, repetition])
    words = sequence.generate_state(1)
    return int(words[0])


def _fold_count(source: Source, free: Array) -> int:
    """Return K, at most the number of rows or groups that can be told apart."""
    splits = source.splits
    units = len(free)
    if splits.group is not None:
        groups = np.unique(splits.group[free])
        units = len(groups)
    if units < 2:
        raise DataError(
            f"{source.name}: only {units} rows or groups are not test rows; "
            "at least 2 are needed for folds"
        )
    wanted = round(1 / splits.validation_fraction)
    return min(max(2, wanted), units)


def partition(
    splits: Splits,
    free: Array,
    count: int,
    state: int,
) -> list[RowPair]:
    """Return the `count` folds of a repetition, as positions in the row numbers `free`.

    Strata are given up where they and the groups together leave a fold without validation rows.
    """
    strata = None
    if splits.strata is not None:
        codes = splits.strata[free]
        if codes.shape[1] > 1:
            group = None if splits.group is None else splits.group[free]
            return _divided(codes, count, state, group)
        strata = common_strata(codes[:, 0], count)
    options: dict[str, Any] = {
        "n_splits": count,
        "shuffle": True,
        "random_state": state,
    }
    blank = np.zeros((len(free), 1))  # scikit-learn asks for inputs and reads only their number

    if splits.group is None:
        splitter = KFold if strata is None else StratifiedKFold
        return list(splitter(**options).split(blank, strata))
    group = splits.group[free]
    if strata is not None:
        stratified = StratifiedGroupKFold(**options)
        folds = list(stratified.split(blank, strata, group))
        if _all_validate(folds):
            return folds
    grouped = GroupKFold(**options)
    return list(grouped.split(blank, groups=group))


def _divided(strata: Array, count: int, state: int, group: Array | None) -> list[RowPair]:
    """Return folds that each have their share of the classes of several tasks [N, S]."""
    shares = [1 / count] * count
    part = divide(strata, shares, state, group)
    folds = []
    for number in range(count):
        is_validation = part == number
        folds.append((np.flatnonzero(~is_validation), np.flatnonzero(is_validation)))
    return folds


def _all_validate(folds: Iterable[RowPair]) -> bool:
    return all(len(validation) for _, validation in folds)


def _check_labels(dataset: Dataset, rows: Fold) -> None:
    """Raise DataError where a task has no label among the rows of one side.

    Every label of a set must be known of a training row, and one of them of a validation row.
    """
    for task in dataset.tasks:
        targets = dataset.targets[task.name]
        trained = targets[rows.train[task.source]]
        for column in task.label_columns(trained):
            _require_label(dataset, column.name, column.labels, "training")
        validated = targets[rows.validation[task.source]]
        _require_label(dataset, task.name, validated, "validation")


def _require_label(dataset: Dataset, name: str, labels: Array, side: str) -> None:
    """Raise DataError where no label is known among those of one side's rows."""
    if np.isnan(labels).all():
        raise DataError(
            f"{dataset.name}: task {name}: none of the {len(labels)} {side} rows "
            "of this fold has a label; give more labelled rows or a split column"
        )
