"""Outer folds: datasets that differ in which rows are test rows, so that every row has a turn.

The test rows of the first are the split's own where their share fits, and the others divide the
rest: at random as a split does (classes alike in all of them, groups whole), or by time, each of
them after all the rows that are trained on for it. Inputs and targets are the same objects in all
of them, except by time, where later rows are left out. What a column holds and which classes there
are is recognised once; everything else is judged without the test rows of the fold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, TRAIN, VALIDATION, Dataset, Source, Splits
from mtlsearch.data.folds import partition, random_state
from mtlsearch.data.roles import label_codes, with_splits
from mtlsearch.data.splits import by_time
from mtlsearch.errors import DataError

DEVIATION = 1 / 3  # of a share of test rows from that of an outer fold, at which it still fits
DIVISION = 1_000_000  # of the seed's draws: those of the replicates' folds count from 0


@dataclass(frozen=True)
class _Division:
    """How the rows are divided into outer folds.

    Attributes:
        dataset: The dataset as its split has it, or the first outer fold.
        count: The number K of outer folds.
        seed: What the division is drawn with.
    """

    dataset: Dataset
    count: int
    seed: int

    def error(self, source: Source, finding: str) -> DataError:
        """The error of a source that cannot be divided so."""
        where = f"{self.dataset.name}: --outer-folds {self.count}"
        return DataError(f"{where}: {source.name}: {finding}; give fewer outer folds")

    def parts(self, source: Source, rows: Array, count: int) -> list[Array]:
        """Divide rows of a source at random into so many parts, each with its share of classes."""
        codes = label_codes(source.name, self.dataset.tasks, self.dataset.targets)
        splits = replace(source.splits, strata=codes)
        units = len(rows)
        what = "rows"
        if splits.group is not None:
            units = len(np.unique(splits.group[rows]))
            what = "groups"
        if units < count:
            raise self.error(source, f"there are {units} {what} for {count} parts")
        if count == 1:
            return [rows]
        state = random_state(self.seed, DIVISION + count)
        parts = [rows[test] for _, test in partition(splits, rows, count, state)]
        if not all(len(part) for part in parts):
            raise self.error(source, f"its {what} leave one of {count} parts without rows")
        return parts


def fits(dataset: Dataset, count: int) -> bool:
    """Whether the split's own test rows can be the first of so many outer folds.

    A column's can, since they are the user's. Else their share is to be about 1 / K; by time, where
    the earliest rows are only trained on, about 1 / (K + 1).
    """
    return all(_source_fits(source, count) for source in dataset.sources.values())


def _source_fits(source: Source, count: int) -> bool:
    if source.splits.by_column:
        return True
    wanted = 1 / _blocks(source, count)
    return abs(share_of_test_rows(source) - wanted) <= DEVIATION * wanted


def share_of_test_rows(source: Source) -> float:
    """Return the share of the rows of a source that are test rows."""
    is_test = source.splits.role == TEST
    return float(is_test.mean())


def _blocks(source: Source, count: int) -> int:
    """Return into how many parts the rows of a source are divided for so many outer folds."""
    return count if source.splits.times is None else count + 1


def first_outer_fold(dataset: Dataset, count: int, seed: int) -> Dataset:
    """Return the dataset of the first of K outer folds: itself, where its test rows fit.

    What was made anew is said in a notice.

    Args:
        dataset: The dataset as its split has it.
        count: The number K of outer folds; with 1 there is nothing to divide.
        seed: What the division is drawn with.

    Raises:
        DataError: There are too few rows, groups or times.
    """
    if count == 1:
        return dataset
    if fits(dataset, count):
        return _with_notices(dataset, _notices(dataset, count))
    division = _Division(dataset, count, seed)
    splits = {}
    for name, source in dataset.sources.items():
        if source.splits.times is not None:
            splits[name] = _last_block(source, count)
        else:
            part, *_ = division.parts(source, np.arange(len(source.inputs)), count)
            splits[name] = _with_test_rows(source.splits, part)
    shares = [f"{share_of_test_rows(source):.0%}" for source in dataset.sources.values()]
    notice = (
        f"outer folds: the {count} folds are made of all rows anew, since the test rows of the "
        f"split are {', '.join(shares)} of them"
    )
    divided = with_splits(dataset, splits)
    return _with_notices(divided, [notice, *_notices(divided, count)])


def further_outer_folds(first: Dataset, count: int, seed: int) -> list[Dataset]:
    """Return the datasets of the outer folds 2 to K, given that of the first.

    Raises DataError where there are too few rows, groups or times.
    """
    division = _Division(first, count, seed)
    rests = {}
    for name, source in first.sources.items():
        rest = np.flatnonzero(source.splits.role != TEST)
        if source.splits.times is None:
            rests[name] = division.parts(source, rest, count - 1)
        else:
            rests[name] = _blocks_of_time(division, source, rest)
    folds = []
    for index in range(count - 1):
        tests = {name: parts[index] for name, parts in rests.items()}
        fold = _with_test_sets(first, tests)
        folds.append(replace(fold, name=f"{first.name}, outer fold {index + 2}", notices=()))
    return folds


def without_test_rows(dataset: Dataset) -> Dataset:
    """Return the dataset with all of its rows to train and validate on."""
    splits = {}
    for name, source in dataset.sources.items():
        before = source.splits
        role = np.where(before.role == TEST, TRAIN, before.role)
        if before.times is not None:
            role = by_time(before.times, 0.0, before.validation_fraction, source.name)
        splits[name] = replace(before, role=role)
    return replace(with_splits(dataset, splits), name=f"{dataset.name}, all rows", notices=())


def all_trained(dataset: Dataset) -> Dataset:
    """Return the dataset with every row to train on, and none to validate or to test on."""
    splits = {}
    for name, source in dataset.sources.items():
        role = np.full_like(source.splits.role, TRAIN)
        splits[name] = replace(source.splits, role=role, all_trained=True)
    return replace(with_splits(dataset, splits), notices=())


def _with_notices(dataset: Dataset, notices: Sequence[str]) -> Dataset:
    return replace(dataset, notices=(*dataset.notices, *notices))


def _notices(first: Dataset, count: int) -> list[str]:
    """What the user may not expect of the outer folds."""
    notices = []
    for name, source in first.sources.items():
        splits = source.splits
        if splits.times is not None:
            notices.append(
                f"outer folds: {name}: the earliest of {count + 1} blocks of time is only trained "
                "on; for the test rows of each other block later rows are not used"
            )
        elif splits.by_column:
            notice = (
                f"outer folds: {name}: the test rows of your column are the first fold, the others "
                "are made of the rest"
            )
            if splits.given:
                notice += ", and draw their validation rows: yours are test rows in their turn"
            notices.append(notice)
    return notices


def _with_test_sets(first: Dataset, tests: Mapping[str, Array]) -> Dataset:
    """The dataset with these test rows of each source, by time without the rows after them."""
    splits = {}
    kept = {}
    for name, source in first.sources.items():
        if source.splits.times is None:
            splits[name] = _with_test_rows(source.splits, tests[name])
            kept[name] = np.arange(len(source.inputs))
        else:
            splits[name] = _with_block(source, tests[name])
            kept[name] = _until(source, tests[name])
    return with_splits(_kept_rows(first, kept), splits)


def _with_test_rows(splits: Splits, rows: Array) -> Splits:
    """Splits with these test rows; all others may be trained and validated on."""
    role = np.full(len(splits.role), TRAIN)
    role[rows] = TEST
    return replace(splits, role=role, given=False)


def _kept_rows(dataset: Dataset, kept: Mapping[str, Array]) -> Dataset:
    """The dataset with some of its rows, ascending; the very same objects where all are kept."""
    sources = {}
    targets = {}
    for name, source in dataset.sources.items():
        if len(kept[name]) < len(source.inputs):
            inputs = source.inputs.iloc[kept[name]].reset_index(drop=True)
            source = replace(source, inputs=inputs)
        sources[name] = source
    for task in dataset.tasks:
        values = dataset.targets[task.name]
        rows = kept[task.source]
        targets[task.name] = values if len(rows) == len(values) else values[rows]
    return replace(dataset, sources=sources, targets=targets)


def _last_block(source: Source, count: int) -> Splits:
    """Splits by time whose test rows are the last of count + 1 blocks."""
    splits = source.splits
    assert splits.times is not None
    share = 1 / _blocks(source, count)
    role = by_time(splits.times, share, splits.validation_fraction, source.name)
    return replace(splits, role=role)


def _blocks_of_time(division: _Division, source: Source, rest: Array) -> list[Array]:
    """The test rows of the outer folds after the first: the later ones of K blocks of the rest.

    Rows of equal times stay together.
    """
    times = source.splits.times
    assert times is not None
    ordered = np.sort(times[rest])
    starts = []
    for number in range(1, division.count):
        position = round(number * len(rest) / division.count)
        starts.append(ordered[position])
    if len({ordered[0], *starts}) < division.count:
        raise division.error(source, "there are too few distinct times")
    blocks = []
    for start, end in zip(starts, [*starts[1:], np.inf], strict=True):
        is_within = (times[rest] >= start) & (times[rest] < end)
        blocks.append(rest[is_within])
    return blocks


def _until(source: Source, test: Array) -> Array:
    """The rows that are test rows or earlier than these."""
    times = source.splits.times
    assert times is not None
    return np.flatnonzero(times <= times[test].max())


def rows_before_cut(first: Source, cut: Source) -> Array:
    """The numbers in the table of the first outer fold of the rows that a source has in another.

    By time a fold has the rows until the end of its block alone.
    """
    if len(cut.inputs) == len(first.inputs):
        return np.arange(len(cut.inputs))
    assert first.splits.times is not None and cut.splits.times is not None
    return np.flatnonzero(first.splits.times <= cut.splits.times.max())


def _with_block(source: Source, test: Array) -> Splits:
    """Splits of the rows until the end of a block of time, whose rows are the test rows."""
    splits = source.splits
    assert splits.times is not None
    kept = _until(source, test)
    times = splits.times[kept]
    is_test = times >= splits.times[test].min()
    role = np.full(len(kept), TEST)
    place = f"{source.name}: an outer fold"
    role[~is_test] = by_time(times[~is_test], 0.0, splits.validation_fraction, place)
    return replace(
        splits,
        role=role,
        given=VALIDATION in role,
        group=None if splits.group is None else splits.group[kept],
        times=times,
    )
