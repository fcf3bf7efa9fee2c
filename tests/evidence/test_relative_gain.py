"""Relative gains and intervals against numbers computed by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from mtlsearch.evidence.interval import Interval, interval, standard_error
from mtlsearch.evidence.relative_gain import mean_relative_gain, relative_gain
from mtlsearch.tasks import METRICS
from tests.support.tasks import make_task


def test_the_gain_is_positive_when_a_higher_is_better_metric_rises(tasks):
    assert relative_gain(tasks[0], 0.9, 0.75) == pytest.approx(20.0)
    assert relative_gain(tasks[0], 0.6, 0.75) == pytest.approx(-20.0)


def test_the_gain_is_positive_when_an_error_falls(tasks):
    assert relative_gain(tasks[1], 1.5, 2.0) == pytest.approx(25.0)
    assert relative_gain(tasks[1], 3.0, 2.0) == pytest.approx(-50.0)


def test_the_mean_gain_is_the_mean_over_the_tasks(tasks):
    assert mean_relative_gain(tasks, {"a": 0.9, "b": 1.5}, {"a": 0.75, "b": 2.0}) == pytest.approx(
        (20 + 25) / 2
    )
    assert mean_relative_gain(tasks, {"a": 0.9, "b": 2.4}, {"a": 0.75, "b": 2.0}) == pytest.approx(
        0.0
    )


def test_a_reference_near_zero_is_held_at_the_floor():
    task = make_task("r", "regression", "r2")
    assert METRICS["r2"].floor == 0.1
    assert relative_gain(task, 0.05, 0.01) == pytest.approx(40.0)
    assert relative_gain(task, 0.3, 0.2) == pytest.approx(50.0)


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_the_floor_of_an_error_goes_with_the_unit_of_the_target(metric):
    for unit in (1e-12, 1.0, 1e12):
        task = replace(make_task("r", "regression", metric), unit=unit)
        assert relative_gain(task, 1.5 * unit, 2.0 * unit) == pytest.approx(25.0)
        assert relative_gain(task, 1e-9 * unit, 0.0) == pytest.approx(-100.0)


def test_the_gain_over_a_negative_reference_keeps_its_sign():
    task = make_task("r", "regression", "r2")
    assert relative_gain(task, 0.1, -0.4) == pytest.approx(125.0)
    assert relative_gain(task, -0.6, -0.4) == pytest.approx(-50.0)


def test_the_interval_of_three_values_by_hand():
    found = interval([1.0, 2.0, 3.0])
    reach = 4.302653 / math.sqrt(
        3
    )  # Student's t at 97.5% with 2 degrees of freedom; the standard deviation is 1
    assert (found.mean, found.low, found.high) == pytest.approx(
        (2.0, 2 - reach, 2 + reach), rel=1e-6
    )


def test_the_interval_is_scipys():
    values = np.random.default_rng(0).normal(3, 2, 7).tolist()
    low, high = stats.t.interval(0.95, 6, loc=np.mean(values), scale=stats.sem(values))
    found = interval(values)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert standard_error(values) == pytest.approx(stats.sem(values))


def test_one_value_has_no_interval_and_no_sign():
    assert interval([5.0]) == Interval(5.0, None, None)
    assert interval([5.0]).sign == "spans"
    assert standard_error([5.0]) is None


@pytest.mark.parametrize(
    ("values", "sign"),
    [([1.0, 1.1, 0.9], "above"), ([-1.0, -1.1, -0.9], "below"), ([-1.0, 1.0], "spans")],
)
def test_the_sign_says_where_the_interval_lies(values, sign):
    assert interval(values).sign == sign


def test_an_interval_that_ends_at_zero_spans_it():
    assert Interval(1.0, 0.0, 2.0).sign == "spans"
    assert Interval(-1.0, -2.0, 0.0).sign == "spans"
