"""A search on a part of the rows of large data: how many, and which of a fold.

Candidates are compared on fewer rows than the confirmation trains on, as a cheaper fidelity.
"""

import math
from collections.abc import Iterator

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, Dataset, Fold, Splits
from mtlsearch.data.stratification import NO_LABEL, divide
from mtlsearch.seeding import derive_seed

LARGE = 50_000
"""Rows of a source that are not test rows, above which the search reads a part of them."""

ROWS = 20_000
"""Training rows that it reads then, where this gives every task and class enough."""

LABELS = 1_000
"""Labels of each task that are enough."""

LABELS_OF_CLASS = 100
"""Labels of each class that are enough."""

MOST_SHARE = 0.5
"""The part of the rows above which all are read, since little would be saved."""


def automatic_rows(dataset: Dataset) -> int | None:
    """Return how many training rows of a source a search reads at most; None: all.

    They are ROWS of more than LARGE rows, or more where a task or a class of one is rare.
    """
    longest = max(len(_known_rows(source.splits)) for source in dataset.sources.values())
    if longest <= LARGE:
        return None
    rows = math.ceil(max(ROWS, *_needed_rows(dataset)))
    return rows if rows <= MOST_SHARE * longest else None


def _known_rows(splits: Splits) -> Array:
    return np.flatnonzero(splits.role != TEST)


def _needed_rows(dataset: Dataset) -> Iterator[float]:
    """Yield how many rows of its source give each task, and each of its classes, enough labels."""
    for task in dataset.tasks:
        rows = _known_rows(dataset.sources[task.source].splits)
        labels = dataset.targets[task.name][rows]
        for column in task.label_columns(labels):
            yield LABELS / _share(len(column.known), len(rows))
            if not task.kind.is_classification:
                continue
            _, counts = np.unique(column.known, return_counts=True)
            yield LABELS_OF_CLASS / _share(counts.min(initial=len(rows)), len(rows))


def _share(count: int, rows: int) -> float:
    return max(count, 1) / rows


def thinned(dataset: Dataset, fold: Fold, most: int, seed: int) -> Fold:
    """Return a part of a fold: of each source at most so many training rows.

    Of its validation rows there is the same share. Groups stay whole and classes keep their
    shares, as in folds. The same arguments give the same rows.
    """
    train = {}
    validation = {}
    for name, source in dataset.sources.items():
        share = most / max(len(fold.train[name]), 1)
        drawn = derive_seed("search rows", seed, name) % 2**32
        train[name] = _part(source.splits, fold.train[name], share, drawn)
        validation[name] = _part(source.splits, fold.validation[name], share, drawn)
    return Fold(train, validation)


def _part(splits: Splits, rows: Array, share: float, seed: int) -> Array:
    """Return a share of rows, ascending; all of them where it is 1 or more."""
    if share >= 1:
        return rows
    strata = np.full((len(rows), 1), NO_LABEL)
    if splits.strata is not None:
        strata = splits.strata[rows]
    group = None
    if splits.group is not None:
        _, codes = np.unique(splits.group[rows], return_inverse=True)
        order = np.random.default_rng(seed).permutation(codes.max() + 1)
        group = order[codes]  # groups are dealt out in the order of their codes
    part = divide(strata, [share, 1 - share], seed, group)
    chosen: Array = np.sort(rows[part == 0])
    return chosen
