"""Greedy ensemble selection: which models, how often, by what their mean predicts on validation.

Caruana, Niculescu-Mizil, Crew & Ksikes 2004, "Ensemble selection from libraries of models": begin
with nothing and add, with replacement, the model that makes the mean prediction best. The library
here is small, the confirmed model of each arm, and every step is scored on all folds of the
confirmation: in each, all models have the validation rows in common. No test row is looked at.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.evidence.ensemble import Predictions
from mtlsearch.evidence.relative_gain import breach
from mtlsearch.evidence.scoring import Scores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.tasks import Task

STEPS = 20  # models that are added at most
DIGITS = 8  # of a gain in points; further ones are those of rounding


@dataclass(frozen=True)
class ValidationFold:
    """What models say of the validation rows of one fold.

    Attributes:
        labels: The labels of these rows per task name, [N]; NaN where there is none.
        predictions: By the name of a model its predictions, in the tasks' own units.
    """

    labels: Mapping[str, Array]
    predictions: Mapping[str, Predictions]


@dataclass(frozen=True)
class GreedySelection:
    """The models that were chosen.

    Attributes:
        counts: How often each model was taken, by its name; those never taken are left out.
        gain: The gain of mean skill of their mean prediction over the reference model on validation
            rows, in points. It is that of a choice, so it looks better than it is.
    """

    counts: Mapping[str, int]
    gain: float

    @property
    def weights(self) -> dict[str, float]:
        """The share of each model in the mean prediction."""
        total = sum(self.counts.values())
        return {name: count / total for name, count in self.counts.items()}


def select_greedily(
    folds: Sequence[ValidationFold],
    scales: SkillScales,
    reference: str,
    steps: int = STEPS,
) -> GreedySelection:
    """Choose models, with replacement, for the best mean prediction on validation rows.

    The scores of a choice are means over the folds. A choice in which a task is worse than it may
    be comes after all in which none is. Of the choices after each step the best counts, the first
    of equals, and so does the first model of equals in each step.

    Args:
        folds: At least one fold, all with the same models.
        scales: The scales of the skill of all tasks on validation rows.
        reference: The name of the model that gains are relative to.
        steps: How many models are added at most.
    """
    tasks = scales.tasks
    names = list(folds[0].predictions)
    reference_scores = _scores(_Mean.of(folds).plus(reference), tasks)
    current = _Mean.of(folds)
    taken: list[str] = []
    best: tuple[bool, float] = (False, -math.inf)
    best_size = 0
    for _ in range(steps):
        means = {name: current.plus(name) for name in names}
        merits = {}
        for name, mean in means.items():
            merits[name] = _merit(_scores(mean, tasks), scales, reference_scores)
        choice = max(names, key=lambda name: merits[name])
        current = means[choice]
        taken.append(choice)
        if merits[choice] > best:
            best = merits[choice]
            best_size = len(taken)
    kept = taken[:best_size]
    counts = {name: kept.count(name) for name in names if name in kept}
    return GreedySelection(counts, best[1])


@dataclass(frozen=True)
class _Mean:
    """The sum of the predictions of some models in each fold, by task, and their number."""

    folds: Sequence[ValidationFold]
    sums: Sequence[Predictions]
    size: int

    @classmethod
    def of(cls, folds: Sequence[ValidationFold]) -> "_Mean":
        """The sum of no models."""
        sums = []
        for fold in folds:
            some = next(iter(fold.predictions.values()))
            zeros = {task: np.zeros(values.shape) for task, values in some.items()}
            sums.append(zeros)
        return cls(folds, sums, 0)

    def plus(self, name: str) -> "_Mean":
        """The sum with one more model."""
        sums = []
        for fold, so_far in zip(self.folds, self.sums, strict=True):
            added = fold.predictions[name]
            sums.append({task: total + added[task] for task, total in so_far.items()})
        return _Mean(self.folds, sums, self.size + 1)


def _scores(mean: _Mean, tasks: Sequence[Task]) -> Scores:
    """The scores of the mean prediction, averaged over the folds."""
    scores = {}
    for task in tasks:
        by_fold = []
        for fold, sums in zip(mean.folds, mean.sums, strict=True):
            predictions = sums[task.name] / mean.size
            by_fold.append(task.metric.score(fold.labels[task.name], predictions))
        scores[task.name] = float(np.mean(by_fold))
    return scores


def _merit(scores: Scores, scales: SkillScales, reference: Scores) -> tuple[bool, float]:
    """What choices are ordered by; an undefined score comes last."""
    gain = scales.gain(scores, reference)
    if not math.isfinite(gain):
        return False, -math.inf
    return breach(scales.tasks, scores, reference) == 0.0, round(gain, DIGITS)
