"""One row of a part's table: a value with its 95% interval, and what it was measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

COLUMNS = ["part", "trainings", "rows", "what", "value", "low", "high", "exact", "problems"]
BOOTSTRAPS = 2000


class Estimate(NamedTuple):
    """A value and its 95% interval."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Finding:
    """What a part of the benchmark found. `exact` is a share or a word of the part's own."""

    part: str
    trainings: int
    what: str
    estimate: Estimate
    problems: int
    rows: int | None = None
    exact: object = ""

    def cells(self) -> list[Any]:
        """Return the row of the table, in the order of COLUMNS."""
        rows = "" if self.rows is None else self.rows
        identity = [self.part, self.trainings, rows, self.what]
        return [*identity, *self.estimate, self.exact, self.problems]


def ratio_of_sums(numerators: np.ndarray, denominators: np.ndarray) -> Estimate:
    """Return the ratio of sums over problems, with its bootstrap interval over problems."""
    problems = len(numerators)
    drawn = np.random.default_rng(0).integers(problems, size=(BOOTSTRAPS, problems))
    sums = numerators[drawn].sum(axis=1)
    totals = denominators[drawn].sum(axis=1)
    low, high = np.quantile(sums / totals, [0.025, 0.975])
    ratio = numerators.sum() / denominators.sum()
    return Estimate(float(ratio), float(low), float(high))


def share_of_true(values: Sequence[bool]) -> Estimate:
    """Return the share of true values, with Wilson's interval."""
    true = sum(values)
    test = stats.binomtest(true, len(values))
    low, high = test.proportion_ci(method="wilson")
    return Estimate(true / len(values), float(low), float(high))
