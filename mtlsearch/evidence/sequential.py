"""When more seeds are worth their cost, and what looking at the answer before costs its interval.

A confirmation begins with FIRST_SEEDS seeds and goes on in steps of STEP, up to MOST_SEEDS, while
the answer is open and the seeds are the larger part of the interval's variance. Each step is a look
at the answer, and whoever looks often enough finds something: with 95% intervals at every look, and
nothing to be found, as few as 87% of them hold the truth (`benchmarks/looks.py`).

The boundaries of Pocock (1977) and of O'Brien & Fleming (1979), and the spending of Lan & DeMets
(1983), presume that each look brings as much new information as the one before. Here the test rows
stay the same and only the part of the seeds is new; the looks are far more alike. What is kept is
the idea of Haybittle (1971) and Peto et al. (1976): while more seeds may follow, a claim needs
INTERIM, which is all but out of reach by luck; the last look then needs little more than 95%.
"""

from typing import TYPE_CHECKING

from mtlsearch.evidence.words import CONFIDENCE

if TYPE_CHECKING:
    from mtlsearch.evidence.interval import Interval

FIRST_SEEDS = 5
STEP = 5
MOST_SEEDS = 20
INTERIM = 0.999  # confidence while more seeds may follow
LAST = 0.975  # confidence of the last of several looks
ONLY = 0.96  # confidence of the first look where it turns out to be the last


def seeds_dominate(gain: "Interval") -> bool:
    """Whether the seeds are the larger part of an interval's variance, which more seeds lower."""
    return gain.seed_variance > gain.row_variance


def may_grow(seeds: int, gain: "Interval") -> bool:
    """Whether more seeds follow after so many if the answer is still open."""
    return seeds < MOST_SEEDS and seeds_dominate(gain)


def next_seeds(seeds: int) -> int:
    """The number of seeds of the next look after one at so many."""
    return min(MOST_SEEDS, seeds + STEP)


def confidence(looks: int, more_may_follow: bool, grows: bool) -> float:
    """The confidence of each interval that makes the whole procedure hold in 95% of the studies.

    Args:
        looks: How often the answer was looked at, this time included.
        more_may_follow: Whether seeds are added should the answer be open.
        grows: Whether the number of seeds follows from the results, and not from the user.

    Returns:
        CONFIDENCE for a number of seeds that was fixed before: nothing is to be allowed for.
    """
    if more_may_follow:
        return INTERIM
    if looks > 1:
        return LAST
    return ONLY if grows else CONFIDENCE
