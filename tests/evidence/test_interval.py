"""Intervals over seeds and test rows, what it would take to tell, and Holm's correction."""

import math

import numpy as np
import pytest
from scipy import stats

from mtlsearch.evidence.interval import (
    Interval,
    claims_together,
    interval,
    interval_over_rows,
)

NORMAL = 1.959964  # the 97.5% point of the normal distribution


def signs(intervals):
    return {name: claim.sign for name, claim in claims_together(intervals).items()}


def around(mean, p):
    """An interval with this p-value, as far as Holm looks at it."""
    return Interval(mean, mean - 1.0, mean + 1.0, p)


def samples(mean, variance):
    """Two means on resampled rows with this variance."""
    half = math.sqrt(variance / 2)
    return [mean - half, mean + half]


def test_the_p_value_of_three_values_by_hand():
    t = 2 / math.sqrt(1 / 3)
    assert interval([1.0, 2.0, 3.0]).p == pytest.approx(
        1 - t / math.sqrt(2 + t**2)
    )  # Student's t with 2 degrees of freedom
    assert interval([-1.0, -2.0, -3.0]).p == interval([1.0, 2.0, 3.0]).p
    values = np.random.default_rng(0).normal(1, 2, 7).tolist()
    assert interval(values).p == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue)


def test_the_variances_of_seeds_and_rows_add_up_by_hand():
    found = interval([1.0, 2.0, 3.0], samples(5.0, 3.0))
    assert (found.mean, found.seed_variance, found.row_variance) == pytest.approx((2.0, 1 / 3, 3.0))
    freedom = (10 / 3) ** 2 / ((1 / 3) ** 2 / 2)  # 200
    reach = stats.t.ppf(0.975, freedom) * math.sqrt(10 / 3)
    assert (found.low, found.high) == pytest.approx((2 - reach, 2 + reach), rel=1e-6)
    assert found.p == pytest.approx(2 * stats.t.sf(2 / math.sqrt(10 / 3), freedom))


def test_few_rows_never_narrow_the_interval_of_few_seeds():
    alone, together = interval([1.0, 2.0, 3.0]), interval([1.0, 2.0, 3.0], samples(5.0, 1 / 3))
    assert (together.low, together.high, together.p) == pytest.approx(
        (alone.low, alone.high, alone.p)
    )


def test_seeds_alone_are_students_t_and_rows_alone_are_normal():
    values = [1.0, 2.0, 3.0]
    assert interval(values, [7.0, 7.0, 7.0]) == interval(values)
    assert interval(values, samples(2.0, 1e-14)).high == pytest.approx(interval(values).high)
    equal = interval([2.0, 2.0, 2.0], samples(2.0, 4.0))
    assert (equal.low, equal.high) == pytest.approx((2 - 2 * NORMAL, 2 + 2 * NORMAL), rel=1e-6)
    assert equal.p == pytest.approx(math.erfc(1 / math.sqrt(2)))
    assert interval([1.0, 3.0], samples(2.0, 1e6)).high == pytest.approx(
        2 + NORMAL * 1000, rel=1e-4
    )


def test_with_many_seeds_the_interval_widens_with_the_variance_of_rows():
    values = np.random.default_rng(0).normal(2, 1, 30).tolist()
    widths = [interval(values, samples(2.0, v)).high for v in (0.0, 0.05, 0.5, 5.0, 50.0)]
    assert widths == sorted(set(widths))


def test_samples_on_which_a_metric_is_undefined_are_left_out():
    values, known = [1.0, 2.0, 4.0], [1.0, 1.5, 3.0, 2.0]
    assert interval(values, [math.nan, *known[:2], math.nan, *known[2:]]) == interval(values, known)
    assert interval(values, known).row_variance == pytest.approx(np.var(known, ddof=1))
    assert (
        interval(values, [math.nan, 5.0, math.nan])
        == interval(values, [math.nan] * 3)
        == interval(values)
    )


def test_no_variance_at_all_and_a_single_value():
    assert interval([2.0, 2.0]) == Interval(2.0, 2.0, 2.0, 0.0)
    assert interval([0.0, 0.0]) == Interval(0.0, 0.0, 0.0, 1.0)
    assert interval([5.0], [4.0, 6.0]) == Interval(5.0, None, None)


def test_json_holds_the_mean_and_both_ends():
    assert Interval(1.0, 0.5, 1.5, 0.01, 2.0, 3.0).to_json() == {
        "mean": 1.0,
        "low": 0.5,
        "high": 1.5,
    }


def test_holm_by_hand():
    ps = {
        "a": 0.01,
        "b": 0.04,
        "c": 0.03,
        "d": 0.005,
    }  # against 0.05 / 4 for d, / 3 for a, / 2 for c: there it stops
    found = signs({name: around(-1.0 if name == "d" else 1.0, p) for name, p in ps.items()})
    assert found == {"a": "above", "b": "spans", "c": "spans", "d": "below"}
    assert list(found) == list(ps)
    assert signs({name: around(1.0, p) for name, p in {**ps, "c": 0.02}.items()}) == dict.fromkeys(
        ps, "above"
    )


def test_holm_claims_nothing_after_the_first_that_fails():
    assert set(signs({"a": around(1.0, 0.03), "b": around(1.0, 0.04)}).values()) == {"spans"}
    assert signs({"a": around(1.0, 0.04)}) == {"a": "above"}
    assert signs({"a": around(1.0, 0.06)}) == {"a": "spans"}
    assert signs({"a": around(1.0, 0.001), "b": Interval(9.0, None, None)}) == {
        "a": "above",
        "b": "spans",
    }
    assert signs({"a": Interval(9.0, None, None, 0.0)}) == {"a": "spans"}
    assert signs({}) == {}


def test_one_comparison_is_claimed_exactly_when_its_interval_leaves_zero_out():
    rng = np.random.default_rng(0)
    found = [
        interval(rng.normal(0.8, 1.0, 4).tolist(), rng.normal(0.8, 0.3, 20).tolist())
        for _ in range(200)
    ]
    assert [signs({"a": each})["a"] for each in found] == [each.sign for each in found]
    assert {each.sign for each in found} >= {"above", "spans"}


def test_without_a_difference_about_one_family_in_twenty_claims_anything():
    rng, corrected, plain = np.random.default_rng(0), 0, 0
    for _ in range(600):
        family = {name: interval(rng.normal(0, 1, 5).tolist()) for name in "abcdef"}
        corrected += set(signs(family).values()) != {"spans"}
        plain += any(each.sign != "spans" for each in family.values())
    assert 0.02 < corrected / 600 < 0.07
    assert plain / 600 > 0.2


def test_few_test_rows_alone_are_no_difference():
    """Two equal models on 60 common rows: the seeds agree, and only the rows differ by chance."""
    rng, with_rows, without = np.random.default_rng(0), 0, 0
    for _ in range(400):
        rows = rng.normal(0, 1, (5, 60)) * 0.3 + rng.normal(0, 1, 60)
        resampled = [rows[:, rng.integers(60, size=60)].mean() for _ in range(100)]
        with_rows += interval(rows.mean(1).tolist(), resampled).sign != "spans"
        without += interval(rows.mean(1).tolist()).sign != "spans"
    assert with_rows / 400 < 0.07
    assert without / 400 > 0.3


def test_clear_differences_are_all_claimed():
    values = {"a": [5.0, 5.5, 4.5, 5.0], "b": [-5.0, -5.5, -4.5, -5.0], "c": [-0.5, 0.5, -1.0, 1.0]}
    assert signs({name: interval(own) for name, own in values.items()}) == {
        "a": "above",
        "b": "below",
        "c": "spans",
    }


def test_an_interval_over_rows_has_their_variance_alone():
    found = interval_over_rows(0.5, [*samples(0.4, 4.0), math.nan])
    reach = 2 * NORMAL
    assert (found.low, found.high) == pytest.approx((0.5 - reach, 0.5 + reach), rel=1e-6)
    assert found.p == pytest.approx(math.erfc(0.25 / math.sqrt(2)))
    assert (found.seed_variance, found.row_variance) == (0.0, pytest.approx(4.0))


def test_few_rows_of_a_class_widen_an_interval_over_rows():
    found = interval_over_rows(0.5, samples(0.5, 4.0), rarest=5)
    reach = stats.t.ppf(0.975, 4) * math.sqrt(4.0 * 5 / 4)
    assert found.high == pytest.approx(0.5 + reach)
    assert interval_over_rows(0.5, samples(0.5, 4.0), rarest=1) == Interval(0.5, None, None)


def test_rows_that_never_change_the_value_do_not_tell_how_sure_it_is():
    assert interval_over_rows(1.0, [1.0, 1.0, 1.0]) == Interval(1.0, None, None)
    assert interval_over_rows(1.0, []) == Interval(1.0, None, None)


def test_an_interval_beside_a_claim_has_the_correction_of_the_claim():
    draw = np.random.default_rng(3)
    for _ in range(100):
        family = {}
        for name in "abcd":
            values = draw.normal(0.6, 1.0, size=6)
            family[name] = interval(values.tolist())
        for name, claim in claims_together(family).items():
            assert claim.interval.sign == claim.sign
            assert claim.interval.low <= family[name].low
    alone = claims_together({"a": family["a"]})["a"]
    assert alone.interval.low == pytest.approx(family["a"].low)


def test_within_a_margin_the_whole_interval_lies():
    assert Interval(0.0, -1.0, 1.0).within(1.0)
    assert not Interval(0.0, -1.01, 1.0).within(1.0)
    assert not Interval(0.0, -1.0, 1.01).within(1.0)
    assert not Interval(0.0, None, None).within(1.0)
