"""Paired differences between an arm's model and the baseline's, over seeds and test rows.

Single models are compared seed by seed, ensembles of the same seeds as wholes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

from mtlsearch.evidence.ensemble import JackknifedScores
from mtlsearch.evidence.interval import (
    CONFIDENCE,
    Claim,
    Interval,
    Sign,
    centred_pseudo_values,
    claims_together,
    interval,
)
from mtlsearch.evidence.relative_gain import mean_relative_gain
from mtlsearch.evidence.scoring import Scores, TestScores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.evidence.words import ENSEMBLE as ENSEMBLE
from mtlsearch.evidence.words import SINGLE as SINGLE
from mtlsearch.evidence.words import Models as Models
from mtlsearch.tasks import Task

Difference = Callable[[Scores, Scores], float]  # between a model's scores and the baseline's
Result = Literal["win", "lose", "tie"]

MODEL_NAMES: dict[Models, str] = {
    ENSEMBLE: "ensembles",
    SINGLE: "single models",
}

RESULTS: dict[Sign, Result] = {
    "above": "win",
    "below": "lose",
    "spans": "tie",
}


@dataclass(frozen=True)
class Limit:
    """What a task may lose, and what it gains.

    Attributes:
        task: The name of the task.
        at_most_worse: By how many percent it may be worse than the baseline.
        gain: Its relative gain over the baseline, in percent.
    """

    task: str
    at_most_worse: float
    gain: Interval

    @property
    def is_kept(self) -> bool:
        """Whether the whole 95% interval of the gain is within the limit."""
        return self.gain.low is not None and self.gain.low >= -self.at_most_worse

    @property
    def is_broken(self) -> bool:
        """Whether the whole 95% interval of the gain is beyond the limit."""
        return self.gain.high is not None and self.gain.high < -self.at_most_worse


@dataclass(frozen=True)
class Comparison:
    """An arm beside the baseline, over the same seeds and the same test rows.

    Attributes:
        arm: The name of the arm.
        differences: Per task name the difference of the scores, oriented: positive is better.
        points: The same in points of skill.
        gain: The gain of mean skill over the baseline, in points.
        relative: The mean relative gain over the baseline, in percent (Maninis et al. 2019).
            Nothing is decided on it.
        seeds: The number of pairs.
        models: Whether these are single models, or the ensembles of all of these seeds.
        limits: The tasks that may not lose more than so much.
        auxiliary: The names of the tasks that no claim is made of.
        confidence: The confidence of each interval and of all results together: more than 95% where
            the answer was looked at before, so that the whole procedure has 95%.
        outer_folds: Over how many sets of test rows it is pooled.
    """

    arm: str
    differences: Mapping[str, Interval]
    points: Mapping[str, Interval]
    gain: Interval
    relative: Interval
    seeds: int
    models: Models = SINGLE
    limits: tuple[Limit, ...] = ()
    auxiliary: frozenset[str] = frozenset()
    confidence: float = CONFIDENCE
    outer_folds: int = 1

    def at(self, confidence: float) -> "Comparison":
        """The same comparison with intervals of another confidence."""
        limits = []
        for limit in self.limits:
            limits.append(replace(limit, gain=limit.gain.at(confidence)))
        return replace(
            self,
            differences=_all_at(self.differences, confidence),
            points=_all_at(self.points, confidence),
            gain=self.gain.at(confidence),
            relative=self.relative.at(confidence),
            limits=tuple(limits),
            confidence=confidence,
        )

    @cached_property
    def claims(self) -> Mapping[str, Claim]:
        """What can be said of each task together with the others (Holm 1979).

        Auxiliary tasks are not among them: of these stands what their own interval says.
        """
        claimed = dict(self.differences)
        helpers = {}
        for task in self.auxiliary:
            difference = claimed.pop(task)
            helpers[task] = Claim(difference.sign, difference, self.confidence)
        return claims_together(claimed, self.confidence) | helpers

    @property
    def results(self) -> dict[str, Result]:
        """Win, tie or lose per task, auxiliary ones left out."""
        results = {}
        for task in self.differences:
            if task not in self.auxiliary:
                results[task] = self.result(task)
        return results

    def result(self, task: str) -> Result:
        """Win, tie or lose of one task."""
        return RESULTS[self.claims[task].sign]


def _all_at(intervals: Mapping[str, Interval], confidence: float) -> dict[str, Interval]:
    return {name: entry.at(confidence) for name, entry in intervals.items()}


def compare(
    arm: str,
    ours: Sequence[TestScores],
    baseline: Sequence[TestScores],
    scales: SkillScales,
    rarest: Mapping[str, int] | None = None,
) -> Comparison:
    """Compare an arm's single models with the baseline's, seed by seed.

    The intervals are over seeds and, where scores on bootstrap samples are known, over test rows.

    Args:
        arm: The name of the arm.
        ours: The test scores of the arm's model, one per seed.
        baseline: The test scores of the baseline's model for the same seeds.
        scales: The scales of the skill of all tasks on the test rows.
        rarest: By the name of a task whose score rests on few test rows of a class, how many these
            are. The mean gain rests on the fewest.

    Raises:
        ValueError: There are not as many scores of one as of the other.
    """
    pairs = _PairedModels(ours, baseline)
    return _comparison(arm, pairs, scales, rarest or {})


def compare_ensembles(
    arm: str,
    ours: JackknifedScores,
    baseline: JackknifedScores,
    scales: SkillScales,
    rarest: Mapping[str, int] | None = None,
) -> Comparison:
    """Compare the ensemble of an arm's seeds with the ensemble of the baseline's.

    The differences are those of ensembles of S seeds. Such an ensemble is one draw: its variance
    over seeds is that of the delete-one jackknife (Tukey 1958), with the same seed deleted from
    both, since they share its fold. The jackknife errs on the safe side: its expectation is not
    below the variance of an ensemble of one model less (Efron & Stein 1981). The variance over test
    rows is added to it as for single models, from bootstrap samples scored by both ensembles.

    Args:
        arm: The name of the arm.
        ours: The test scores of the arm's ensemble.
        baseline: The test scores of the baseline's ensemble of the same seeds, in the same order.
        scales: The scales of the skill of all tasks on the test rows.
        rarest: See `compare`.

    Raises:
        ValueError: There are not as many models in one as in the other.
    """
    pairs = _PairedEnsembles(ours, baseline)
    return _comparison(arm, pairs, scales, rarest or {})


class _Pairs(Protocol):
    """An arm and the baseline on the same seeds."""

    @property
    def models(self) -> Models:
        """What is compared."""

    @property
    def seeds(self) -> int:
        """The number of seeds."""

    @property
    def reference(self) -> Scores:
        """The baseline's scores on all test rows, which relative gains are over."""

    def values(self, difference: Difference) -> list[float]:
        """One value per seed; their mean is the difference, their spread is due to the seeds."""

    def resampled(self, difference: Difference) -> list[float]:
        """The difference on each bootstrap sample of the test rows."""


@dataclass(frozen=True)
class _PairedModels:
    """Single models of an arm, each beside the baseline's of the same seed."""

    ours: Sequence[TestScores]
    baseline: Sequence[TestScores]
    models: Models = SINGLE

    @property
    def seeds(self) -> int:
        return len(self.ours)

    @property
    def reference(self) -> Scores:
        means = {}
        for name in self.baseline[0].scores:
            values = [model.scores[name] for model in self.baseline]
            means[name] = sum(values) / len(values)
        return means

    def values(self, difference: Difference) -> list[float]:
        pairs = zip(self.ours, self.baseline, strict=True)
        return [difference(model.scores, reference.scores) for model, reference in pairs]

    def resampled(self, difference: Difference) -> list[float]:
        by_seed = []
        for model, reference in zip(self.ours, self.baseline, strict=True):
            by_seed.append(_on_samples(difference, model, reference))
        return [sum(values) / len(values) for values in zip(*by_seed, strict=True)]


@dataclass(frozen=True)
class _PairedEnsembles:
    """The ensemble of an arm beside that of the baseline."""

    ours: JackknifedScores
    baseline: JackknifedScores
    models: Models = ENSEMBLE

    @property
    def seeds(self) -> int:
        return len(self.ours.without)

    @property
    def reference(self) -> Scores:
        return self.baseline.test.scores

    def values(self, difference: Difference) -> list[float]:
        whole = difference(self.ours.test.scores, self.baseline.test.scores)
        pairs = zip(self.ours.without, self.baseline.without, strict=True)
        without = [difference(*pair) for pair in pairs]
        return centred_pseudo_values(whole, without)

    def resampled(self, difference: Difference) -> list[float]:
        return _on_samples(difference, self.ours.test, self.baseline.test)


def _on_samples(difference: Difference, ours: TestScores, baseline: TestScores) -> list[float]:
    pairs = zip(ours.samples(), baseline.samples(), strict=True)
    return [difference(*pair) for pair in pairs]


def _comparison(
    arm: str,
    pairs: _Pairs,
    scales: SkillScales,
    rarest: Mapping[str, int],
) -> Comparison:
    tasks = scales.tasks
    reference = pairs.reference

    def interval_of(difference: Difference, rows_of_class: int | None) -> Interval:
        return interval(pairs.values(difference), pairs.resampled(difference), rows_of_class)

    differences = {}
    points = {}
    limits = []
    for scale in scales.of_task:
        task = scale.task
        rows_of_class = rarest.get(task.name)
        improvement = interval_of(_improvement(task), rows_of_class)
        differences[task.name] = improvement
        points[task.name] = improvement.scaled(100.0 / scale.size)
        if task.options.at_most_worse is not None:
            relative = interval_of(_relative_difference([task], reference), rows_of_class)
            limit = Limit(task.name, task.options.at_most_worse, relative)
            limits.append(limit)
    fewest = min(rarest.values(), default=None)
    return Comparison(
        arm=arm,
        differences=differences,
        points=points,
        gain=interval_of(scales.gain, fewest),
        relative=interval_of(_relative_difference(tasks, reference), fewest),
        seeds=pairs.seeds,
        models=pairs.models,
        limits=tuple(limits),
        auxiliary=frozenset(task.name for task in tasks if task.options.auxiliary),
    )


def _improvement(task: Task) -> Difference:
    sign = task.metric.sign

    def difference(scores: Scores, baseline: Scores) -> float:
        raw = scores[task.name] - baseline[task.name]
        return sign * raw

    return difference


def _relative_difference(tasks: Sequence[Task], reference: Scores) -> Difference:
    """The difference of mean relative gains over the baseline's scores on all test rows."""

    def difference(scores: Scores, baseline_scores: Scores) -> float:
        gain = mean_relative_gain(tasks, scores, reference)
        baseline_gain = mean_relative_gain(tasks, baseline_scores, reference)
        return gain - baseline_gain

    return difference
