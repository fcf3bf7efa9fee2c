"""Comparisons over seeds and test rows: which way they point, and how wide their intervals are."""

import numpy as np
import pytest

from mtlsearch.evidence.comparison import compare
from tests.support.confirmed import BASELINE, scored, shifted
from tests.support.skill import scales_of


def compared(tasks, rows, baseline=BASELINE):
    return compare("ours", scored(rows), scored(baseline), scales_of(tasks))


def test_differences_are_oriented_so_that_positive_is_better(tasks):
    found = compared(tasks, shifted(0.05, -0.3))
    assert found.differences["a"].mean == pytest.approx(0.05 + 0.001)
    assert found.differences["b"].mean == pytest.approx(0.3 - 0.001)
    assert (found.arm, found.seeds) == ("ours", 4)


def test_tasks_are_won_lost_or_undecided(tasks):
    assert compared(tasks, shifted(0.05, -0.3)).results == {"a": "win", "b": "win"}
    assert compared(tasks, shifted(-0.05, 0.3)).results == {"a": "lose", "b": "lose"}
    assert compared(tasks, shifted(-0.001, -0.001)).results == {"a": "tie", "b": "tie"}


def test_results_per_task_are_corrected_for_their_number(tasks):
    rows = []
    for row, gain in zip(BASELINE, (0.01, 0.04, 0.03, 0.02), strict=True):
        rows.append({"a": row["a"] + gain, "b": row["b"]})
    found = compared(tasks, rows)
    assert 0.025 < found.differences["a"].p < 0.05
    assert found.results == {"a": "tie", "b": "tie"}


def test_the_gain_is_of_mean_skill_and_the_relative_gain_stands_beside_it(tasks):
    ours = [{"a": 0.9, "b": 1.5}, {"a": 0.9, "b": 1.5}]
    baseline = [{"a": 0.7, "b": 2.0}, {"a": 0.8, "b": 2.0}]
    found = compared(tasks, ours, baseline)
    relative = [(0.2 / 0.75 + 0.25) * 50, (0.1 / 0.75 + 0.25) * 50]
    assert found.relative.mean == pytest.approx(np.mean(relative))
    per_seed = [(0.2 / 0.5 + 0.25) * 50, (0.1 / 0.5 + 0.25) * 50]
    assert found.gain.mean == pytest.approx(np.mean(per_seed))
    quantile = 12.7062047  # Student's t at 97.5% with 1 degree of freedom
    half_width = quantile * abs(per_seed[0] - per_seed[1]) / 2
    assert found.gain.high - found.gain.mean == pytest.approx(half_width)


def test_the_difference_of_each_task_is_in_points_too(tasks):
    found = compared(tasks, shifted(0.05, -0.3))
    for name, size in (("a", 0.5), ("b", 2.0)):
        difference = found.differences[name]
        points = found.points[name]
        assert points.mean == pytest.approx(100 * difference.mean / size)
        assert points.low == pytest.approx(100 * difference.low / size)
        assert points.seed_variance == pytest.approx((100 / size) ** 2 * difference.seed_variance)
        assert (points.p, points.sign) == (difference.p, "above")
    assert found.gain.mean == pytest.approx((found.points["a"].mean + found.points["b"].mean) / 2)


def test_unequal_numbers_of_seeds_are_refused(tasks):
    with pytest.raises(ValueError, match="longer"):
        compared(tasks, BASELINE[:3])


def test_the_choice_of_test_rows_widens_the_interval(tasks):
    draw = np.random.default_rng(0)
    samples = []
    for gain in (0.05, 0.0):
        noise = draw.normal(0, 0.05, size=100)
        samples.append([{"a": 0.8 + gain + error, "b": 2.0} for error in noise])
    ours = scored(shifted(0.05, 0.0), samples[0])
    baseline = scored(BASELINE, samples[1])
    wide = compare("ours", ours, baseline, scales_of(tasks))
    narrow = compared(tasks, shifted(0.05, 0.0))
    assert wide.gain.mean == pytest.approx(narrow.gain.mean)
    assert wide.gain.high - wide.gain.low > 5 * (narrow.gain.high - narrow.gain.low)
    assert narrow.results["a"] == "win"
    assert wide.results["a"] == "tie"


def test_samples_are_paired_so_that_what_is_common_to_both_cancels(tasks):
    noise = np.random.default_rng(0).normal(0, 0.05, size=100)
    common = [{"a": 0.8 + error, "b": 2.0} for error in noise]
    ours = scored(shifted(0.05, 0.0), common)
    found = compare("ours", ours, scored(BASELINE, common), scales_of(tasks))
    alone = compared(tasks, shifted(0.05, 0.0))
    assert found.gain == alone.gain
