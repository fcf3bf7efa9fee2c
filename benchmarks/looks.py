"""What looking at an answer several times costs, and how the interval allows for it.

    python -m benchmarks.looks

A confirmation begins with 5 seeds and takes 5 more, up to 20, while its interval spans zero (and
reaches beyond the region that counts as equal, where there is one) and seeds are the larger part of
its variance. All looks share the test rows. Simulated are means of seeds with normal errors, in
units of the standard deviation that the mean of 5 seeds has over seeds and rows: the ratio of the
two variances at 5 seeds, the true gain and the region vary. The variance of the rows is estimated
as from 150 rows. Counted are, for several rules of what confidence a look has, how often the last
interval holds the true gain, how wide it is, how often a gain is found, and how many seeds it took.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from benchmarks.machine import publish
from mtlsearch.arrays import Array
from mtlsearch.evidence.interval import CONFIDENCE
from mtlsearch.evidence.sequential import (
    FIRST_SEEDS,
    INTERIM,
    MOST_SEEDS,
    STEP,
    confidence,
)

STUDIES = 30_000
ROWS = 150  # that the variance of the rows is estimated from
COUNTS = tuple(range(FIRST_SEEDS, MOST_SEEDS + 1, STEP))
RATIOS = (0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0, np.inf)  # of the variance of seeds to that of rows
GAINS = (0.0, 1.0, 2.0, 3.0)
MARGINS = (0.0, 2.5)  # half the width of the region of equality; 0: there is none
COLUMNS = (
    "rule",
    "variance_ratio",
    "true_gain",
    "margin",
    "coverage",
    "false_claims",
    "gains_found",
    "mean_width",
    "mean_seeds",
)

Rule = Callable[[int, bool], float]  # looks, whether more may follow: the confidence of a look


def _listed(*errors: float) -> Rule:
    """A rule with a confidence for each look, whatever follows it."""
    return lambda looks, _: 1 - errors[looks - 1]


def _growing(looks: int, more_may_follow: bool) -> float:
    return confidence(looks, more_may_follow, grows=True)


def _two_levels(last: float) -> Rule:
    return lambda _, more_may_follow: INTERIM if more_may_follow else last


RULES: dict[str, Rule] = {
    "5 seeds only": _listed(1 - CONFIDENCE),
    "95% at every look": _listed(*[1 - CONFIDENCE] * len(COUNTS)),
    "Pocock": _listed(*[0.0182] * len(COUNTS)),
    "O'Brien & Fleming": _listed(0.00005, 0.0042, 0.0194, 0.043),
    "Haybittle & Peto, last 95%": _two_levels(CONFIDENCE),
    "Haybittle & Peto, last 97%": _two_levels(0.97),
    "as implemented": _growing,
}


@dataclass(frozen=True)
class Case:
    """A world: the ratio of the variances at 5 seeds, the true gain, the region of equality."""

    ratio: float
    gain: float
    margin: float

    @property
    def row_variance(self) -> float:
        """The share of the rows in the variance of the mean of 5 seeds, which is 1."""
        return 1 / (1 + self.ratio)


@dataclass(frozen=True)
class Answers:
    """The last interval of each study, [studies], and the number of its seeds."""

    mean: Array
    half_width: Array
    seeds: Array


def _half_width(
    errors: Array,
    count: int,
    seeds: Array,
    rows: Array,
) -> Array:
    """Half the width of `interval`, for many studies at once; the arguments are variances."""
    total = seeds + rows
    dof = (count - 1) * (total / seeds) ** 2
    both = -stdtrit(dof, errors / 2) * np.sqrt(total)
    alone = -stdtrit(count - 1.0, errors / 2) * np.sqrt(seeds)
    widest: Array = np.maximum(both, alone)
    return widest


def simulate(
    case: Case,
    rule: Rule,
    counts: tuple[int, ...],
    studies: int = STUDIES,
) -> Answers:
    """Return what many studies of a world end with."""
    draw = np.random.default_rng(0)
    row_error = draw.normal(0.0, np.sqrt(case.row_variance), studies)
    seed_deviation = np.sqrt(FIRST_SEEDS * (1 - case.row_variance))
    values = case.gain + row_error[:, None]
    values = values + draw.normal(0.0, seed_deviation, (studies, MOST_SEEDS))
    is_open = np.full(studies, True)
    answers = Answers(np.zeros(studies), np.zeros(studies), np.zeros(studies, int))
    for looks, count in enumerate(counts, start=1):
        active = np.flatnonzero(is_open)
        mean = values[active, :count].mean(1)
        seeds = values[active, :count].var(1, ddof=1) / count
        rows = case.row_variance * draw.chisquare(ROWS, len(active)) / ROWS
        may_follow = (seeds > rows) & (count < counts[-1])
        levels = np.where(may_follow, rule(looks, True), rule(looks, False))
        half_width = _half_width(1 - levels, count, seeds, rows)
        answers.mean[active] = mean
        answers.half_width[active] = half_width
        answers.seeds[active] = count
        is_decided = np.abs(mean) > half_width
        is_decided |= np.abs(mean) + half_width < case.margin
        is_open[active] = may_follow & ~is_decided
    return answers


class Measured(NamedTuple):
    """A row of the table: what the studies of a world come to under a rule."""

    rule: str
    ratio: float
    gain: float
    margin: float
    coverage: float
    false_claims: float
    gains_found: float
    width: float
    seeds: float


def measure(name: str, case: Case) -> Measured:
    """Return what the studies of a world come to under a rule."""
    counts = COUNTS[:1] if name == "5 seeds only" else COUNTS
    answers = simulate(case, RULES[name], counts)
    low = answers.mean - answers.half_width
    high = answers.mean + answers.half_width
    holds = (low <= case.gain) & (case.gain <= high)
    is_false = high < 0 if case.gain else (high < 0) | (low > 0)
    if case.margin and abs(case.gain) >= case.margin:
        is_false |= np.maximum(np.abs(low), np.abs(high)) < case.margin
    return Measured(
        rule=name,
        ratio=case.ratio,
        gain=case.gain,
        margin=case.margin,
        coverage=round(float(holds.mean()), 4),
        false_claims=round(float(is_false.mean()), 4),
        gains_found=round(float((low > 0).mean()), 4),
        width=round(float((high - low).mean()), 3),
        seeds=round(float(answers.seeds.mean()), 2),
    )


def main() -> None:
    """Simulate every rule in every world."""
    table: list[Measured] = []
    for name in RULES:
        rows = [measure(name, Case(*world)) for world in product(RATIOS, GAINS, MARGINS)]
        table += rows
        print(name, *_summary(rows), flush=True)
    publish("looks", COLUMNS, table)


def _summary(rows: Sequence[Measured]) -> list[str]:
    """The least coverage, the most false claims, and means of the rest, in words."""
    found = [row.gains_found for row in rows if row.gain > 1]
    return [
        f"coverage {min(row.coverage for row in rows):.3f},",
        f"false claims {max(row.false_claims for row in rows):.3f},",
        f"width {np.mean([row.width for row in rows]):.2f},",
        f"gains found {np.mean(found):.2f},",
        f"seeds {np.mean([row.seeds for row in rows]):.1f}",
    ]


if __name__ == "__main__":
    main()
