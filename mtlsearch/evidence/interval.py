"""Means with their uncertainty: standard errors and Student's t intervals."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and its 95% interval; `low` and `high` are None when there are fewer than two values."""

    mean: float
    low: float | None
    high: float | None

    @property
    def sign(self) -> Literal["above", "below", "spans"]:
        """Where zero lies: the interval is above it, below it, or spans it (also when there is no interval)."""
        if self.low is not None and self.low > 0:
            return "above"
        if self.high is not None and self.high < 0:
            return "below"
        return "spans"

    def to_json(self) -> dict[str, float | None]:
        """`{"mean", "low", "high"}`."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def standard_error(values: Sequence[float]) -> float | None:
    """Standard error of the mean; None for fewer than two values."""
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / math.sqrt(len(values)))


def interval(values: Sequence[float]) -> Interval:
    """Student's t interval of the mean of independent values."""
    mean, error = float(np.mean(values)), standard_error(values)
    if error is None:
        return Interval(mean, None, None)
    reach = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) * error
    return Interval(mean, mean - reach, mean + reach)
