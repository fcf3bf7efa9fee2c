"""Outer folds: every row has a turn as a test row, and nothing is judged by those of a fold."""

from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.data import TEST, TRAIN, VALIDATION, ColumnFlags, fold, load
from mtlsearch.data.outer_folds import (
    first_outer_fold,
    fits,
    further_outer_folds,
    without_test_rows,
)
from mtlsearch.data.roles import with_splits
from mtlsearch.errors import DataError

TASKS = ("readmitted", "stay")


def outer_folds(dataset, count, seed=0):
    first = first_outer_fold(dataset, count, seed)
    return [first, *further_outer_folds(first, count, seed)]


def is_test(dataset, source):
    return dataset.sources[source].splits.role == TEST


@pytest.mark.parametrize(
    ("name", "count"), [("digits", 5), ("digits", 2), ("iris+breast_cancer", 3)]
)
def test_every_row_is_a_test_row_of_one_fold(name, count):
    folds = outer_folds(load(name), count)
    assert len(folds) == count
    for source in folds[0].sources:
        times_tested = sum(is_test(dataset, source).astype(int) for dataset in folds)
        assert (times_tested == 1).all()


def test_folds_differ_in_their_splits_alone_and_depend_on_the_seed():
    dataset = load("digits")
    folds = outer_folds(dataset, 5)
    assert folds[0].sources == dataset.sources
    for other in folds[1:]:
        assert other.sources["digits"].inputs is dataset.sources["digits"].inputs
        assert all(other.targets[name] is values for name, values in dataset.targets.items())
    again = outer_folds(load("digits"), 5)
    other_seed = outer_folds(dataset, 5, seed=1)
    assert (is_test(folds[2], "digits") == is_test(again[2], "digits")).all()
    assert (is_test(folds[2], "digits") != is_test(other_seed[2], "digits")).any()


def test_classes_are_alike_in_all_folds():
    dataset = load("digits")
    counts = []
    for outer_fold in outer_folds(dataset, 4):
        labels = dataset.targets["digit"][is_test(outer_fold, "digits")]
        counts.append(np.bincount(labels.astype(int)) / len(labels))
    np.testing.assert_allclose(counts, np.tile(counts[0], (4, 1)), atol=0.02)


def test_groups_stay_whole(write, clinic):
    dataset = load(write(clinic), TASKS, ColumnFlags(group="patient"))
    [source] = dataset.sources
    for outer_fold in outer_folds(dataset, 4):
        splits = outer_fold.sources[source].splits
        for group in np.unique(splits.group):
            assert len(set(splits.role[splits.group == group])) == 1


def test_own_test_rows_are_the_first_fold_where_their_share_fits(write, clinic):
    dataset = load(write(clinic), TASKS)
    [source] = dataset.sources
    assert fits(dataset, 5)
    assert (is_test(outer_folds(dataset, 5)[0], source) == is_test(dataset, source)).all()
    assert not fits(dataset, 2)
    first = first_outer_fold(dataset, 2, 0)
    assert is_test(first, source).sum() == 30
    assert "made of all rows anew" in first.notices[-1]
    assert "20%" in first.notices[-1]


def test_a_column_of_the_user_is_the_first_fold(write, clinic):
    clinic["part"] = ["test"] * 6 + ["val"] * 6 + ["train"] * 48
    dataset = load(write(clinic), TASKS, ColumnFlags(split_column="part"))
    first, second, third = outer_folds(dataset, 3)
    [source] = dataset.sources
    assert first.sources[source].splits.given
    assert "your column are the first fold" in first.notices[-1]
    for other in (second, third):
        assert not other.sources[source].splits.given
        assert is_test(other, source).sum() == 27
        fold(other, 0, 0)  # draws validation rows


def test_by_time_a_test_block_comes_after_what_is_trained_on(write, clinic):
    clinic["day"] = np.repeat(np.arange(30), 2)
    dataset = load(write(clinic), TASKS, ColumnFlags(time="day"))
    [source] = dataset.sources
    folds = outer_folds(dataset, 4)
    assert [is_test(outer_fold, source).sum() for outer_fold in folds] == [12, 12, 12, 12]
    tested = []
    for outer_fold in folds:
        splits = outer_fold.sources[source].splits
        first_test = splits.times[splits.role == TEST].min()
        assert splits.times[splits.role == TEST].max() == splits.times.max()
        assert splits.times[splits.role == VALIDATION].max() < first_test
        assert (
            splits.times[splits.role == TRAIN].max() < splits.times[splits.role == VALIDATION].min()
        )
        assert len(outer_fold.sources[source].inputs) == len(splits.times)
        assert len(outer_fold.targets["stay"]) == len(splits.times)
        tested += splits.times[splits.role == TEST].tolist()
    assert sorted(tested) == np.repeat(np.arange(6, 30), 2).tolist()
    assert "only trained on" in folds[0].notices[-1]


def test_nothing_is_judged_by_the_labels_of_the_test_rows_of_a_fold(write, clinic):
    dataset = load(write(clinic), TASKS)
    [source] = dataset.sources
    third = outer_folds(dataset, 5)[2]
    rows = np.flatnonzero(is_test(third, source))
    targets = {name: values.copy() for name, values in dataset.targets.items()}
    targets["stay"][rows] *= 100
    targets["readmitted"][rows] = 1 - targets["readmitted"][rows]
    other = replace(third, targets=targets)
    splits = {name: entry.splits for name, entry in third.sources.items()}
    shuffled = with_splits(other, splits)
    assert shuffled.tasks == third.tasks
    before, after = (entry.sources[source].splits for entry in (third, shuffled))
    np.testing.assert_array_equal(before.strata, after.strata)


def test_all_rows_can_be_trained_on(write, clinic):
    clinic["day"] = np.repeat(np.arange(30), 2)
    for flags in (ColumnFlags(), ColumnFlags(time="day")):
        dataset = without_test_rows(load(write(clinic), TASKS, flags))
        [source] = dataset.sources.values()
        rows = fold(dataset, 0, 0)
        assert len(rows.train[source.name]) + len(rows.validation[source.name]) == 60
        assert source.splits.predicted.tolist() == list(range(60))


@pytest.mark.parametrize(
    ("flags", "count", "finding"),
    [
        (ColumnFlags(group="patient"), 25, "20 groups for 25 parts"),
        (ColumnFlags(), 70, "60 rows for 70 parts"),
        (ColumnFlags(time="smoker"), 4, "too few distinct times"),
    ],
)
def test_too_many_folds_are_refused(write, clinic, flags, count, finding):
    clinic["smoker"] = np.repeat([0, 1, 2], 20)
    dataset = load(write(clinic), TASKS, flags)
    with pytest.raises(DataError, match=finding):
        outer_folds(dataset, count)
