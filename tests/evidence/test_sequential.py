"""When more seeds follow, and what the looks at the answer cost its interval."""

import numpy as np
import pytest

from mtlsearch.evidence.comparison import Comparison, Limit
from mtlsearch.evidence.interval import CONFIDENCE, Interval, interval
from mtlsearch.evidence.sequential import (
    INTERIM,
    LAST,
    ONLY,
    confidence,
    may_grow,
    next_seeds,
)

SEEDS_LARGER = Interval(1.0, -1.0, 3.0, seed_variance=2.0, row_variance=1.0)
ROWS_LARGER = Interval(1.0, -1.0, 3.0, seed_variance=1.0, row_variance=2.0)


@pytest.mark.parametrize(
    ("seeds", "gain", "expected"),
    [
        (5, SEEDS_LARGER, True),
        (19, SEEDS_LARGER, True),
        (20, SEEDS_LARGER, False),
        (5, ROWS_LARGER, False),
    ],
)
def test_seeds_may_grow_while_they_are_the_larger_part(
    seeds: int, gain: Interval, expected: bool
) -> None:
    assert may_grow(seeds, gain) == expected


def test_steps_end_at_the_most() -> None:
    assert [next_seeds(seeds) for seeds in (5, 15, 17)] == [10, 20, 20]


def test_a_number_that_was_fixed_before_is_allowed_nothing() -> None:
    assert confidence(1, more_may_follow=False, grows=False) == CONFIDENCE


def test_looks_are_paid_for_in_confidence() -> None:
    assert confidence(1, more_may_follow=True, grows=True) == INTERIM
    assert confidence(3, more_may_follow=True, grows=True) == INTERIM
    assert confidence(4, more_may_follow=False, grows=True) == LAST
    assert confidence(2, more_may_follow=False, grows=False) == LAST
    assert confidence(1, more_may_follow=False, grows=True) == ONLY
    assert CONFIDENCE < ONLY < LAST < INTERIM


def test_an_interval_of_the_usual_confidence_is_itself() -> None:
    found = interval([1.0, 2.0, 4.0], [1.0, 2.0, 1.5])
    assert found.at(CONFIDENCE) == found


def test_more_confidence_widens_an_interval_around_its_mean() -> None:
    found = interval([1.0, 2.0, 4.0], [1.0, 2.0, 1.5])
    wider = found.at(INTERIM)
    assert wider.low < found.low < found.mean == wider.mean < found.high < wider.high
    assert wider.p == found.p


def test_what_confidence_says_is_what_happens() -> None:
    """Of intervals of normal means, without rows, as many hold the truth as they say."""
    draw = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        found = interval(draw.normal(0.0, 1.0, 5).tolist()).at(0.8)
        held += found.low <= 0.0 <= found.high
    assert 0.77 < held / 1000 < 0.83


def test_ends_that_are_not_known_stay_so() -> None:
    unknown = Interval(1.0, None, None)
    assert unknown.at(INTERIM) is unknown


def test_a_comparison_of_more_confidence_claims_less() -> None:
    difference = interval([1.0, 1.2, 0.9, 1.1])
    comparison = Comparison(
        arm="ours",
        differences={"a": difference},
        points={"a": difference},
        gain=difference,
        relative=difference,
        seeds=4,
        limits=(Limit("a", 1.0, difference),),
    )
    assert comparison.result("a") == "win"
    stricter = comparison.at(0.99999)
    assert stricter.result("a") == "tie"
    assert stricter.gain.low < comparison.gain.low
    assert stricter.limits[0].gain == stricter.gain
    assert comparison.at(CONFIDENCE) == comparison
