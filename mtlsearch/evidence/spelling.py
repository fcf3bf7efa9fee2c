"""Figures in sentences: as many decimals as what is said of them needs."""

import math
from collections.abc import Sequence

from mtlsearch.evidence.interval import Interval

FEWEST_DECIMALS = 2
MOST_DECIMALS = 12
SCALE = "of mean skill"
NEAR = 0.03  # relative distance at which a share is called by its name
SHARES = {
    "half of": 1 / 2,
    "a third of": 1 / 3,
    "a quarter of": 1 / 4,
}


def points(value: float) -> str:
    """Return a number of points: `1 point`, `0.5 points`."""
    return f"{value:g} point" if value == 1.0 else f"{value:g} points"


def decimals_for(values: Sequence[float], landmarks: Sequence[float]) -> int:
    """Return the number of decimals with which all values are printed.

    It is the fewest, from FEWEST_DECIMALS on, with which every value stays on its side of every
    landmark. So a gain that is above zero is never printed as zero, and one beyond a margin
    never as the margin.
    """
    for decimals in range(FEWEST_DECIMALS, MOST_DECIMALS):
        if all(_keeps_side(value, mark, decimals) for value in values for mark in landmarks):
            return decimals
    return MOST_DECIMALS


def _keeps_side(value: float, landmark: float, decimals: int) -> bool:
    printed = round(value, decimals)
    if value < landmark:
        return printed < landmark
    if value > landmark:
        return printed > landmark
    return printed == landmark


def signed(value: float, decimals: int) -> str:
    """Return a number with its sign; a zero has none."""
    rounded = round(value, decimals)
    if rounded == 0.0:
        return f"{0.0:.{decimals}f}"
    return f"{rounded:+.{decimals}f}"


def spell_interval(
    gain: Interval,
    landmarks: Sequence[float],
    unit: str,
    missing: str,
) -> str:
    """Return a gain with its interval: `+1.30 points, 95% interval -0.20 to +2.80`.

    Args:
        gain: The gain.
        landmarks: The numbers of which it matters on which side the gain and its ends are.
        unit: What follows a number, with the space before it.
        missing: What there is only one of, where the interval has no ends.
    """
    if gain.low is None or gain.high is None:
        decimals = decimals_for([gain.mean], landmarks)
        return f"{signed(gain.mean, decimals)}{unit}, no interval from {missing}"
    values = (gain.mean, gain.low, gain.high)
    decimals = decimals_for(values, landmarks)
    mean, low, high = (signed(value, decimals) for value in values)
    return f"{mean}{unit}, 95% interval {low} to {high}"


def share_of(part: float, whole: float) -> str:
    """Return a part of a whole in words: `a third of`, `35% of`, `140% of`."""
    ratio = part / whole
    for words, share in SHARES.items():
        if math.isclose(ratio, share, rel_tol=NEAR):
            return words
    return "less than 1% of" if ratio < 0.01 else f"{ratio:.0%} of"
