"""Comparisons over outer folds, against computations by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from mtlsearch.evidence.comparison import Comparison, Limit
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.evidence.pooled import (
    FoldWeights,
    pool_comparisons,
    pool_intervals,
    pool_scores,
)
from mtlsearch.evidence.scoring import TestScores

EQUAL = FoldWeights.of([20, 20], [80, 80])


def known(mean, seeds=0.0, rows=0.0):
    """An interval with these variances; its ends are not looked at."""
    return Interval(mean, mean - 1, mean + 1, seed_variance=seeds, row_variance=rows)


def test_weights_are_the_shares_of_the_test_rows():
    weights = FoldWeights.of([10, 30], [90, 60])
    assert weights.shares.tolist() == [0.25, 0.75]
    assert weights.overlap == pytest.approx((10 / 90 + 0.5) / 2)


def test_variances_are_added_up_and_enlarged_by_the_overlap():
    folds = [known(1.0, seeds=0.2, rows=0.6), known(1.2, seeds=0.4, rows=0.4)]
    pooled = pool_intervals(folds, EQUAL, seeds=5)
    seeds = 1.25 * np.array([0.2, 0.4]) / 4
    rows = 1.25 * np.array([0.6, 0.4]) / 4
    variance = seeds.sum() + rows.sum()
    dof = variance**2 / ((seeds**2).sum() / 4)
    half = stats.t.ppf(0.975, dof) * math.sqrt(variance)
    assert pooled.mean == pytest.approx(1.1)
    assert pooled.high - pooled.mean == pytest.approx(half)
    assert pooled.seed_variance == pytest.approx(seeds.sum())
    assert pooled.row_variance == pytest.approx(rows.sum())
    t = 1.1 / math.sqrt(variance)
    assert pooled.p == pytest.approx(2 * stats.t.sf(t, dof))


def test_folds_that_differ_by_more_than_they_know_of_widen_the_interval():
    folds = [known(-4.0, rows=0.1), known(6.0, rows=0.1)]
    pooled = pool_intervals(folds, EQUAL, seeds=5)
    variance = 50.0 / 2  # of two means that are ten apart, over two
    within = 1.25 * 0.2 / 4
    excess = variance - within
    half = stats.t.ppf(0.975, variance**2 / excess**2) * math.sqrt(variance)
    assert pooled.high - pooled.mean == pytest.approx(half)


def test_a_fold_without_an_interval_leaves_none():
    pooled = pool_intervals([known(1.0, rows=1.0), Interval(2.0, None, None)], EQUAL, 5)
    assert (pooled.mean, pooled.low, pooled.high) == (1.5, None, None)


def test_no_difference_anywhere_is_sure():
    same = interval([0.0, 0.0])
    assert pool_intervals([same, same], EQUAL, 2) == same


def test_few_rows_of_a_class_leave_few_degrees_of_freedom():
    scarce = interval([1.0, 1.0], [0.5, 1.5, 1.0], rarest=3)
    pooled = pool_intervals([scarce, scarce], EQUAL, 2)
    assert pooled.row_dof == pytest.approx(4.0)  # two of each fold


def test_a_comparison_is_pooled_task_by_task_with_its_limits():
    def of_fold(shift):
        gain = known(1.0 + shift, rows=0.5)
        differences = {"a": known(0.1 + shift, rows=0.1), "b": known(shift, rows=0.1)}
        points = {task: known(100.0 * shift, rows=9.0) for task in differences}
        return Comparison(
            arm="searched",
            differences=differences,
            points=points,
            gain=gain,
            relative=gain.scaled(2.0),
            seeds=5 if shift else 4,
            models="ensemble",
            limits=(Limit("a", 1.0, gain),),
            auxiliary=frozenset("b"),
        )

    folds = [of_fold(0.0), of_fold(0.2)]
    pooled = pool_comparisons(folds, EQUAL)
    assert pooled.gain == pool_intervals([fold.gain for fold in folds], EQUAL, 4)
    assert pooled.differences["a"].mean == pytest.approx(0.2)
    assert pooled.points["a"].mean == pytest.approx(10.0)
    assert pooled.relative.mean == pytest.approx(2.0 * pooled.gain.mean)
    assert pooled.limits[0].gain == pooled.gain
    assert (pooled.seeds, pooled.outer_folds, pooled.models) == (4, 2, "ensemble")
    assert pooled.auxiliary == {"b"}


def test_scores_are_means_over_the_folds_of_the_tasks_that_all_have():
    weights = FoldWeights.of([10, 30], [90, 60])
    first = TestScores({"a": 1.0, "b": 2.0}, {"a": np.array([1.0, 0.0]), "b": np.zeros(2)})
    second = TestScores({"a": 2.0}, {"a": np.array([2.0, 4.0])})
    pooled = pool_scores([first, second], weights)
    assert pooled.scores == {"a": 1.75}
    assert pooled.resampled["a"].tolist() == [1.75, 3.0]
