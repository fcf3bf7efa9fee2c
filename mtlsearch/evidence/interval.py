"""Means with their uncertainty: standard errors, Student's t intervals over seeds and test rows, and Holm's correction."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
MOST = 10_000  # seeds or rows beyond which more of them are no practical advice

Sign = Literal["above", "below", "spans"]


@dataclass(frozen=True)
class Interval:
    """A mean and its 95% interval; `low` and `high` are None when there are fewer than two values.

    `p` is the two-sided p-value of a mean of zero. The variance of the mean has two parts: `seeds`, which falls with more
    values, and `rows`, which only more test rows would lower.
    """

    mean: float
    low: float | None
    high: float | None
    p: float = 1.0
    seeds: float = 0.0
    rows: float = 0.0

    @property
    def sign(self) -> Sign:
        """Where zero lies: the interval is above it, below it, or spans it (also when there is no interval)."""
        if self.low is not None and self.low > 0:
            return "above"
        if self.high is not None and self.high < 0:
            return "below"
        return "spans"

    def needed(self, count: int) -> int | None:
        """How many values instead of these `count` would leave zero out, if mean and variances stayed; None: not even MOST.

        Where it is the rows that are too few, no number of seeds would do.
        """

        def tells(values: int) -> bool:
            return _reach(_ways(values, self.seeds * count / values, self.rows)) < abs(self.mean)

        found = bisect_left(range(MOST + 1), True, lo=2, key=tells)
        return None if found > MOST else found

    def to_json(self) -> dict[str, float | None]:
        """`{"mean", "low", "high"}`."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def standard_error(values: Sequence[float]) -> float | None:
    """Standard error of the mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def interval(values: Sequence[float], resampled: Sequence[float] = ()) -> Interval:
    """Student's t interval of the mean of independent values.

    `resampled` is that mean on bootstrap samples of the test rows, which all values have in common: their variance is added,
    and the degrees of freedom are Satterthwaite's (1946) for the sum, with those of the rows taken as infinite. With few seeds
    that is too bold, so the interval is never narrower than from the seeds alone.
    """
    mean, error = float(np.mean(values)), standard_error(values)
    if error is None:
        return Interval(mean, None, None)
    known = [each for each in resampled if math.isfinite(each)]
    seeds, rows = error**2, float(np.var(known, ddof=1)) if len(known) > 1 else 0.0
    if seeds + rows == 0.0:
        return Interval(mean, mean, mean, float(mean == 0.0))
    ways = _ways(len(values), seeds, rows)
    reach = _reach(ways)
    p = max(2 * float(stats.t.sf(abs(mean) / deviation, own)) for deviation, own in ways)
    return Interval(mean, mean - reach, mean + reach, p, seeds, rows)


def _ways(count: int, seeds: float, rows: float) -> list[tuple[float, float]]:
    """Standard deviations of a mean of so many values, each with its degrees of freedom: the wider interval counts."""
    freedom = (seeds + rows) ** 2 / (seeds**2 / (count - 1)) if seeds > 1e-9 * rows else math.inf
    whole = (math.sqrt(seeds + rows), freedom)
    return [whole, (math.sqrt(seeds), count - 1.0)] if seeds else [whole]


def _reach(ways: Sequence[tuple[float, float]]) -> float:
    return max(
        float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom)) * deviation for deviation, freedom in ways
    )


def normal(mean: float, deviation: float | None) -> Interval:
    """The interval of an estimate with a normal error; without ends where its standard deviation is not known."""
    if deviation is None:
        return Interval(mean, None, None)
    reach = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * deviation
    return Interval(mean, mean - reach, mean + reach)


def holm(intervals: Mapping[str, Interval]) -> dict[str, Sign]:
    """The signs that can be claimed together with 95% confidence (Holm 1979): the others span zero."""
    found: dict[str, Sign] = dict.fromkeys(intervals, "spans")
    for place, name in enumerate(sorted(intervals, key=lambda each: intervals[each].p)):
        if (
            intervals[name].p > (1 - CONFIDENCE) / (len(intervals) - place)
            or intervals[name].low is None
        ):
            break
        found[name] = "above" if intervals[name].mean > 0 else "below"
    return found
