from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import TEST, TRAIN, VALIDATION, fold, load
from mtlsearch.data.card import SplitCard
from mtlsearch.data.splits import split_rows
from mtlsearch.errors import DataError


@pytest.mark.parametrize("name", ["digits", "iris+breast_cancer"])
def test_every_row_validates_once_in_a_repetition(name):
    dataset = load(name)
    for source, table in dataset.sources.items():
        free = np.flatnonzero(table.splits.role != TEST)
        for start in (0, 5):
            parts = [fold(dataset, start + r, 7) for r in range(5)]
            np.testing.assert_array_equal(
                np.sort(np.concatenate([p.validation[source] for p in parts])), free
            )
            for part in parts:
                np.testing.assert_array_equal(
                    np.sort(np.concatenate([part.train[source], part.validation[source]])), free
                )


def test_folds_depend_on_seed_and_replicate_only():
    dataset = load("digits")
    first = fold(dataset, 0, 0).validation["digits"]
    np.testing.assert_array_equal(first, fold(load("digits"), 0, 0).validation["digits"])
    for replicate, seed in ((1, 0), (5, 0), (0, 1)):
        assert not np.array_equal(first, fold(dataset, replicate, seed).validation["digits"])


def test_folds_and_test_rows_are_stratified():
    dataset = load("digits")
    digit = dataset.targets["digit"].astype(int)
    for rows in (
        fold(dataset, 3, 0).validation["digits"],
        np.flatnonzero(dataset.sources["digits"].splits.role == TEST),
    ):
        share = np.bincount(digit[rows]) / len(rows)
        np.testing.assert_allclose(share, 0.1, atol=0.01)


def test_given_validation_rows_are_honoured_in_every_replicate():
    dataset = load("vowel")
    role = dataset.sources["vowel"].splits.role
    for replicate in range(3):
        chosen = fold(dataset, replicate, replicate)
        np.testing.assert_array_equal(
            chosen.validation["vowel"], np.flatnonzero(role == VALIDATION)
        )
        np.testing.assert_array_equal(chosen.train["vowel"], np.flatnonzero(role == TRAIN))


@pytest.mark.parametrize("tasks", ["readmitted: {}, stay: {}", "stay: {}, age: {}"])
def test_groups_stay_together(write, clinic, tasks):
    path = write(clinic)
    card = f"sources: {{v: {{path: {path}}}}}\ntasks: {{{tasks}}}\nsplit: {{group: patient}}"
    dataset = load(write(card, "c.yaml"))
    splits = dataset.sources["v"].splits
    assert "patient" not in dataset.sources["v"].inputs
    for replicate in range(6):
        chosen = fold(dataset, replicate, 0)
        parts = [chosen.train["v"], chosen.validation["v"], np.flatnonzero(splits.role == TEST)]
        groups = [set(splits.group[rows]) for rows in parts]
        assert not groups[0] & groups[1]
        assert not (groups[0] | groups[1]) & groups[2]
        assert all(groups)


@pytest.mark.parametrize("dates", [True, False])
def test_time_split_takes_the_last_rows_and_keeps_ties(dates):
    day = np.repeat(np.arange(50), 2)
    order = np.random.default_rng(0).permutation(100)
    time = (
        pd.Series(pd.to_datetime("2024-01-01") + pd.to_timedelta(day, "D"))
        if dates
        else pd.Series(day)
    )
    time = time.iloc[order].reset_index(drop=True)
    table = pd.DataFrame({"t": time.dt.strftime("%Y-%m-%d") if dates else time})
    splits = split_rows(table, SplitCard(time="t", test=0.2, validation=0.25), None, "x")
    assert splits.given
    role = splits.role
    assert [(role == part).sum() for part in (TRAIN, VALIDATION, TEST)] == [60, 20, 20]
    assert day[order][role == TRAIN].max() < day[order][role == VALIDATION].min()
    assert day[order][role == VALIDATION].max() < day[order][role == TEST].min()


def test_split_column_without_validation_rows_gives_folds():
    table = pd.DataFrame({"s": ["train", "Test"] * 10})
    splits = split_rows(table, SplitCard(column="s"), None, "x")
    assert not splits.given
    with pytest.raises(DataError, match='no row is "test"'):
        split_rows(table.assign(s="train"), SplitCard(column="s"), None, "x")


@pytest.mark.parametrize("rare", [1, 2])
def test_rare_classes_do_not_stop_the_split(write, clinic, rare):
    clinic.loc[: rare - 1, "ward"] = "rare"
    dataset = load(write(clinic), ["ward:multiclass", "stay"])
    for replicate in range(5):
        rows = fold(dataset, replicate, 0)
        assert len(rows.train["data"]) + len(rows.validation["data"]) == sum(
            dataset.sources["data"].splits.role != TEST
        )


def test_a_fold_without_labels_is_refused():
    dataset = load("penguins")
    sex = dataset.targets["sex"].copy()
    sex[fold(dataset, 0, 0).validation["penguins"]] = np.nan
    bare = replace(dataset, targets=dataset.targets | {"sex": sex})
    with pytest.raises(
        DataError, match="task sex: none of the 51 validation rows of this fold has a label"
    ):
        fold(bare, 0, 0)
