"""Whether the intervals of differences between ensembles hold what they say.

    python -m benchmarks.ensemble_intervals

Two arms are simulated as models that err from the truth by what their structure cannot say, by what
is due to the fold (common to both arms for one seed) and by what is due to their seed: an offset, a
slope, and noise by row. Their log loss and rmse are not linear in what they predict. The truth is
the mean difference between ensembles of S seeds over many such worlds; counted is how often the 95%
interval of one study holds it: as it is made (the jackknife's variance over seeds added to the
bootstrap's over rows), from the rows alone, and, of single models, that of theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from benchmarks.machine import publish
from benchmarks.truth.experiment import side_by_side
from mtlsearch.arrays import Array
from mtlsearch.evidence.interval import (
    Interval,
    centred_pseudo_values,
    interval,
    interval_over_rows,
)

ROWS = 300
SAMPLES = 100  # bootstrap samples of the rows, as of test scores
STUDIES = 1000
WORLDS = 2000  # whose mean is the truth
SEEDS = (2, 3, 5, 10)
METRICS = ("log_loss", "rmse")
COLUMNS = [
    "world",
    "metric",
    "seeds",
    "ensembles_held",
    "rows_alone_held",
    "single_held",
    "ensembles_width",
    "single_width",
]


@dataclass(frozen=True)
class Errors:
    """Standard deviations of what models err by, on the scale of the truth's own 1.

    Attributes:
        structure: Of what an arm gets wrong whatever its seed, with the opposite sign in the other.
        fold: Of an offset that both arms have in common for a seed; twice that by row.
        offset: Of a model's own offset.
        slope: Of a model's own slope.
        noise: Of a model's noise by row, in each of the two arms.
        accident: The share of the seeds of which the training went wrong.
    """

    structure: float
    fold: float
    offset: float
    slope: float
    noise: tuple[float, float]
    accident: float = 0.0


WORLDS_BY_NAME = {
    "small seeds": Errors(
        structure=0.3,
        fold=0.05,
        offset=0.03,
        slope=0.02,
        noise=(0.2, 0.2),
    ),
    "large seeds": Errors(
        structure=0.3,
        fold=0.2,
        offset=0.2,
        slope=0.15,
        noise=(0.5, 0.5),
    ),
    "unequal noise": Errors(
        structure=0.0,
        fold=0.1,
        offset=0.1,
        slope=0.1,
        noise=(0.3, 0.8),
    ),
    "offsets alone": Errors(
        structure=0.0,
        fold=0.0,
        offset=0.5,
        slope=0.0,
        noise=(0.1, 0.1),
    ),
    "accidents": Errors(
        structure=0.3,
        fold=0.1,
        offset=0.05,
        slope=0.05,
        noise=(0.3, 0.3),
        accident=0.15,
    ),
}


class Case(NamedTuple):
    """Studies of so many seeds in a world."""

    world: str
    seeds: int


class Study:
    """One draw of rows and models: outputs [S, N] of two arms, labels [N] and prices [N]."""

    def __init__(
        self,
        draw: np.random.Generator,
        errors: Errors,
        seeds: int,
    ) -> None:
        self.truth = draw.normal(size=ROWS)
        self.labels = draw.random(ROWS) < _sigmoid(self.truth)
        self.prices = self.truth + draw.normal(0.0, 0.5, ROWS)
        structure = draw.normal(0.0, errors.structure, ROWS)
        fold = draw.normal(0.0, errors.fold, (seeds, 1))
        by_row = draw.normal(0.0, 2 * errors.fold, (seeds, ROWS))
        common = self.truth + fold + by_row
        first = self._own_errors(draw, errors, seeds, errors.noise[0])
        second = self._own_errors(draw, errors, seeds, errors.noise[1])
        self.arms = (common + structure + first, common - structure + second)

    def _own_errors(
        self,
        draw: np.random.Generator,
        errors: Errors,
        seeds: int,
        noise: float,
    ) -> Array:
        offset = draw.normal(0.0, errors.offset, (seeds, 1))
        slope = draw.normal(0.0, errors.slope, (seeds, 1))
        is_accident = draw.random((seeds, 1)) < errors.accident
        slope -= is_accident * draw.random((seeds, 1))
        by_row = draw.normal(0.0, noise, (seeds, ROWS))
        errors_of_seeds: Array = offset + slope * self.truth + by_row
        return errors_of_seeds

    def difference(
        self,
        metric: str,
        models: Sequence[int],
        rows: Array,
    ) -> Array:
        """By how much the mean prediction of these models of the second arm is better.

        Args:
            metric: One of METRICS.
            models: The seeds whose models are averaged.
            rows: The rows that are scored, [N] or [M, N].
        """
        scores = []
        for outputs in self.arms:
            chosen = outputs[list(models)]
            scores.append(self._score(metric, chosen, rows))
        return np.asarray(scores[0] - scores[1])

    def _score(
        self,
        metric: str,
        outputs: Array,
        rows: Array,
    ) -> Array:
        if metric == "rmse":
            error = outputs.mean(0) - self.prices
            return np.asarray(np.sqrt((error**2)[rows].mean(-1)))
        risk = _sigmoid(outputs).mean(0)
        chosen = np.where(self.labels, risk, 1 - risk)
        return np.asarray(-np.log(chosen)[rows].mean(-1))


def _sigmoid(outputs: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-outputs)))


class Intervals(NamedTuple):
    """The intervals of one study in one metric."""

    ensembles: Interval
    rows_alone: Interval
    single: Interval


def intervals(
    study: Study,
    metric: str,
    samples: Array,
) -> Intervals:
    """Return the intervals of a study."""
    rows = np.arange(ROWS)
    seeds = list(range(len(study.arms[0])))
    whole = float(study.difference(metric, seeds, rows))
    resampled = study.difference(metric, seeds, samples).tolist()

    without = []
    alone = []
    alone_resampled = []
    for seed in seeds:
        others = [other for other in seeds if other != seed]
        without.append(float(study.difference(metric, others, rows)))
        alone.append(float(study.difference(metric, [seed], rows)))
        alone_resampled.append(study.difference(metric, [seed], samples))
    return Intervals(
        ensembles=interval(centred_pseudo_values(whole, without), resampled),
        rows_alone=interval_over_rows(whole, resampled),
        single=interval(alone, np.mean(alone_resampled, axis=0).tolist()),
    )


def truth(
    errors: Errors,
    metric: str,
    seeds: int,
) -> tuple[float, float]:
    """Return the mean difference of ensembles of so many seeds, and of single models."""
    draw = np.random.default_rng(1)
    rows = np.arange(ROWS)
    ensembles = []
    single = []
    for _ in range(WORLDS):
        study = Study(draw, errors, seeds)
        ensembles.append(study.difference(metric, range(seeds), rows))
        single.append(study.difference(metric, [0], rows))
    return float(np.mean(ensembles)), float(np.mean(single))


def measure(case: Case) -> list[list[object]]:
    """Return the rows of the table for a case, one for each metric."""
    errors = WORLDS_BY_NAME[case.world]
    table: list[list[object]] = []
    for metric in METRICS:
        draw = np.random.default_rng(0)
        of_ensembles, of_single = truth(errors, metric, case.seeds)
        studies = []
        for _ in range(STUDIES):
            study = Study(draw, errors, case.seeds)
            samples = draw.integers(ROWS, size=(SAMPLES, ROWS))
            studies.append(intervals(study, metric, samples))
        ensembles = [study.ensembles for study in studies]
        rows_alone = [study.rows_alone for study in studies]
        single = [study.single for study in studies]
        row = [
            case.world,
            metric,
            case.seeds,
            _share(ensembles, of_ensembles),
            _share(rows_alone, of_ensembles),
            _share(single, of_single),
            _width(ensembles),
            _width(single),
        ]
        table.append(row)
    return table


def _share(intervals_of_studies: Sequence[Interval], value: float) -> float:
    """The share of the intervals that hold a value."""
    held = []
    for entry in intervals_of_studies:
        low, high = _ends(entry)
        held.append(low <= value <= high)
    return float(np.mean(held))


def _width(intervals_of_studies: Sequence[Interval]) -> float:
    """The median width."""
    widths = []
    for entry in intervals_of_studies:
        low, high = _ends(entry)
        widths.append(high - low)
    return float(np.median(widths))


def _ends(entry: Interval) -> tuple[float, float]:
    assert entry.low is not None
    assert entry.high is not None
    return entry.low, entry.high


def main() -> None:
    """Measure every case."""
    cases = []
    for world in WORLDS_BY_NAME:
        for seeds in SEEDS:
            cases.append(Case(world, seeds))
    table: list[list[object]] = []
    for rows in side_by_side(measure, cases):
        table += rows
    publish("ensemble-intervals", COLUMNS, table)


if __name__ == "__main__":
    main()
