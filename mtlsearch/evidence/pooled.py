"""Comparisons of several outer folds pooled into one: every row has been a test row in one of them.

Scores are taken within the test rows of each fold and then averaged, in every metric: a rank, or a
share of the variance, would else compare predictions of models that were fitted to other rows. The
folds count by their test rows.

The test rows of the folds are different rows, but each of them is trained on in the other folds, so
the folds' errors are not independent, and the variance of their mean is not the sum of theirs
(Bengio & Grandvalet 2004; Nadeau & Bengio 2003). What is added up is what a fold knows of itself:
the variance over its seeds and that of its test rows. It is enlarged by the ratio of test rows to
training rows. Each fold also has a search and picks of its own: where the folds differ by more than
that, the excess is added, with the few degrees of freedom that so many folds give it.
`benchmarks/truth/outer_folds.py` measures how often such intervals hold the truth, beside others.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtlsearch.evidence.comparison import Comparison, Limit
from mtlsearch.evidence.ensemble import Ensemble
from mtlsearch.evidence.interval import Interval, VarianceTerm, interval_over_rows
from mtlsearch.evidence.references import ReferenceComparison
from mtlsearch.evidence.scoring import TestScores
from mtlsearch.evidence.skill import SkillScales


@dataclass(frozen=True)
class FoldWeights:
    """How much each outer fold counts, and how much of what it is trained on it shares.

    Attributes:
        shares: The share [K] of the test rows of all folds that are the fold's.
        overlap: The mean ratio of the test rows of a fold to its other rows.
    """

    shares: np.ndarray
    overlap: float

    @classmethod
    def of(cls, test_rows: Sequence[int], other_rows: Sequence[int]) -> "FoldWeights":
        """The weights of folds with so many test rows and so many others each, [K]."""
        total = sum(test_rows)
        ratios = [test / other for test, other in zip(test_rows, other_rows, strict=True)]
        return cls(np.array(test_rows) / total, sum(ratios) / len(ratios))


def pool_comparisons(folds: Sequence[Comparison], weights: FoldWeights) -> Comparison:
    """Return the comparison of an arm with the baseline over all outer folds.

    Args:
        folds: The comparison of each fold, [K]: of one arm, the same tasks and the same kind of
            models.
        weights: How much each counts.
    """
    first = folds[0]
    seeds = min(comparison.seeds for comparison in folds)
    differences = {}
    points = {}
    for task in first.differences:
        of_folds = [comparison.differences[task] for comparison in folds]
        differences[task] = pool_intervals(of_folds, weights, seeds)
        of_folds = [comparison.points[task] for comparison in folds]
        points[task] = pool_intervals(of_folds, weights, seeds)
    limits = []
    for number, limit in enumerate(first.limits):
        gains = [comparison.limits[number].gain for comparison in folds]
        gain = pool_intervals(gains, weights, seeds)
        limits.append(Limit(limit.task, limit.at_most_worse, gain))
    gains = [comparison.gain for comparison in folds]
    relative = [comparison.relative for comparison in folds]
    return replace(
        first,
        differences=differences,
        points=points,
        gain=pool_intervals(gains, weights, seeds),
        relative=pool_intervals(relative, weights, seeds),
        seeds=seeds,
        limits=tuple(limits),
        outer_folds=len(folds),
    )


def pool_reference_comparisons(
    folds: Sequence[ReferenceComparison], weights: FoldWeights, seeds: int
) -> ReferenceComparison:
    """Return the comparison of a reference with the recommended model over all outer folds.

    Of a task there is none where a fold has none.

    Args:
        folds: The comparison of each fold, [K], of one reference.
        weights: How much each counts.
        seeds: The number of seeds of each fold.
    """
    gains = {}
    for task in folds[0].gains:
        of_folds = [comparison.gains[task] for comparison in folds if task in comparison.gains]
        if len(of_folds) == len(folds):
            gains[task] = pool_intervals(of_folds, weights, seeds)
    means = [comparison.gain for comparison in folds if comparison.gain is not None]
    gain = pool_intervals(means, weights, seeds) if len(means) == len(folds) else None
    return ReferenceComparison(folds[0].name, gains, gain)


def pool_scales(folds: Sequence[SkillScales], weights: FoldWeights) -> SkillScales:
    """Return the scales of mean scores over outer folds: the means of their scales, [K]."""
    pooled = []
    for scales in zip(*(fold.of_task for fold in folds), strict=True):
        no_skill = float(weights.shares @ [scale.no_skill for scale in scales])
        size = float(weights.shares @ [scale.size for scale in scales])
        pooled.append(replace(scales[0], no_skill=no_skill, size=size))
    return SkillScales(tuple(pooled))


def pool_scores(folds: Sequence[TestScores], weights: FoldWeights) -> TestScores:
    """Return the mean scores over outer folds of the tasks that all of them have.

    Sample i of the test rows is one of each fold.
    """
    scores = {}
    resampled = {}
    for task in folds[0].scores:
        if not all(task in fold.scores for fold in folds):
            continue
        values = np.array([fold.scores[task] for fold in folds])
        samples = np.array([fold.resampled[task] for fold in folds])
        scores[task] = float(weights.shares @ values)
        resampled[task] = weights.shares @ samples
    return TestScores(scores, resampled)


def pool_ensembles(
    folds: Sequence[Ensemble],
    weights: FoldWeights,
    rarest: Mapping[str, int],
) -> Ensemble:
    """Return what the ensembles of an arm come to over all outer folds; they predict other rows.

    Args:
        folds: The ensemble of each fold, [K].
        weights: How much each counts.
        rarest: By the name of a task whose score rests on few test rows of a class, over all folds,
            how many these are.
    """
    test = pool_scores([fold.test for fold in folds], weights)
    scores = {}
    gains = {}
    for task, score in test.scores.items():
        resampled = test.resampled[task].tolist()
        scores[task] = interval_over_rows(score, resampled, rarest.get(task))
        gains[task] = pool_intervals([fold.task_gains[task] for fold in folds], weights, 1)
    return Ensemble(
        predictions={},
        test=test,
        single=pool_scores([fold.single for fold in folds], weights),
        scores=scores,
        task_gains=gains,
        gain=pool_intervals([fold.gain for fold in folds], weights, 1),
    )


def pool_intervals(folds: Sequence[Interval], weights: FoldWeights, seeds: int) -> Interval:
    """Return the interval of the weighted mean of a difference over outer folds.

    It has no ends where a fold has none.

    Args:
        folds: The difference in each fold, [K], with its variances over seeds and test rows.
        weights: How much each counts.
        seeds: The number of seeds of each fold.
    """
    means = np.array([fold.mean for fold in folds])
    shares = weights.shares
    mean = float(shares @ means)
    if any(fold.low is None for fold in folds):
        return Interval(mean, None, None)
    enlarged = 1 + weights.overlap
    squared = enlarged * shares**2
    of_seeds = squared * [fold.seed_variance for fold in folds]
    of_rows = squared * [fold.row_variance for fold in folds]
    row_dofs = np.array([fold.row_dof for fold in folds])
    row_uncertainty = float((of_rows**2 / row_dofs).sum())
    seed_uncertainty = float((of_seeds**2).sum()) / max(seeds - 1, 1)

    within = float(of_seeds.sum() + of_rows.sum())
    excess = max(0.0, between_folds(means, shares) - within)
    row_uncertainty += excess**2 / (len(folds) - 1)
    variance = within + excess
    uncertainty = seed_uncertainty + row_uncertainty
    if variance == 0.0:
        return Interval(mean, mean, mean, float(mean == 0.0))
    term = VarianceTerm(math.sqrt(variance), _dof(variance, uncertainty))
    half_width = term.half_width()
    row_variance = float(of_rows.sum()) + excess
    return Interval(
        mean=mean,
        low=mean - half_width,
        high=mean + half_width,
        p=term.p_value(mean),
        seed_variance=float(of_seeds.sum()),
        row_variance=row_variance,
        row_dof=_dof(row_variance, row_uncertainty),
        terms=(term,),
    )


def between_folds(means: np.ndarray, shares: np.ndarray) -> float:
    """Return the variance of the weighted mean of K folds that their own means show."""
    mean = float(shares @ means)
    spread = float(shares @ (means - mean) ** 2)
    effective = 1 / float(shares @ shares)
    return spread / (effective - 1)


def _dof(variance: float, uncertainty: float) -> float:
    """Satterthwaite's (1946) degrees of freedom of a sum of variances.

    `uncertainty` is the sum of the squared variances, each over its own degrees of freedom.
    """
    return variance**2 / uncertainty if uncertainty else math.inf
