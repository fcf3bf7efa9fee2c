"""Which model to use: the best that is expected."""

from dataclasses import replace

import pytest

from mtlsearch.evidence.recommendation import (
    CHOICE_DEVIATION,
    PRIOR_DEVIATION,
    Estimate,
    expected_gain,
    recommend,
)
from tests.support.contests import ALONE, UNKNOWN, option

NORMAL = 1.959964
SINGLE = option(ALONE, None, macs=100)


def around(mean, deviation=1.0):
    """The interval of a normal estimate."""
    return mean - NORMAL * deviation, mean + NORMAL * deviation


def test_what_is_known_is_weighted_by_precision() -> None:
    tested = option("ours", around(3.0, 2.0))
    assert expected_gain(tested) == pytest.approx(
        (3.0 / 4.0) / (1 / 4.0 + 1 / PRIOR_DEVIATION**2), rel=1e-4
    )
    both = replace(tested, validation=Estimate(3.0, 0.0))
    precision = 1 / CHOICE_DEVIATION**2
    expected = (3.0 / 4.0 + 3.0 * precision) / (1 / 4.0 + 1 / PRIOR_DEVIATION**2 + precision)
    assert expected_gain(both) == pytest.approx(expected, rel=1e-4)
    assert 0 < expected_gain(tested) < expected_gain(both) < 3.0


def test_what_is_not_known_has_no_say() -> None:
    assert expected_gain(option("ours", UNKNOWN)) == 0.0
    assert expected_gain(SINGLE) == 0.0
    assert expected_gain(option("ours", (2.0, 2.0))) == 2.0


def test_the_best_that_is_expected_is_recommended() -> None:
    found = recommend([SINGLE, option("ours", around(4.0), macs=300)])
    assert found.arm == "ours"
    assert "it is expected to be best: +3.20 points of mean skill over alone" in found.why
    found = recommend([SINGLE, option("ours", around(-4.0), macs=10)])
    assert found.arm == ALONE
    assert "no other model is expected to be better" in found.why


def test_a_cheaper_one_comes_first_only_where_as_much_is_expected_of_it() -> None:
    best = option("best", around(4.0), macs=300)
    cheap = option("cheap", around(3.99), macs=1)
    assert recommend([SINGLE, cheap, best]).arm == "best"
    as_good = option("as_good", around(4.0), macs=299)
    assert recommend([SINGLE, best, as_good]).arm == "as_good"


def test_of_equal_multiply_accumulates_the_fewer_parameters_are_cheaper() -> None:
    many = option("many", around(0.4), macs=10, parameters=90)
    few = option("few", around(0.4), macs=10, parameters=80)
    assert recommend([SINGLE, many, few]).arm == "few"


def test_a_model_that_may_break_a_limit_is_not_recommended() -> None:
    fast = option("fast", around(9.0), macs=1, is_allowed=False)
    assert recommend([SINGLE, fast]).arm == ALONE
