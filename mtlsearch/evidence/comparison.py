"""Paired differences between an arm's model and the baseline's, over seeds and test rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mtlsearch.evidence.gain import mean_gain
from mtlsearch.evidence.interval import Interval, Sign, holm, interval
from mtlsearch.evidence.scoring import TestScores
from mtlsearch.tasks import Task

Scores = Mapping[str, float]  # task name -> score
Difference = Callable[[Scores, Scores], float]  # between a model's scores and the baseline's
Result = Literal["win", "lose", "tie"]

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
        gain: The mean relative gain over the baseline, in percent.
        seeds: The number of pairs.
        limits: The tasks that may not lose more than so much.
        auxiliary: The names of the tasks that no claim is made of.
    """

    arm: str
    differences: Mapping[str, Interval]
    gain: Interval
    seeds: int
    limits: tuple[Limit, ...] = ()
    auxiliary: frozenset[str] = frozenset()

    @property
    def results(self) -> dict[str, Result]:
        """Win, tie or lose per task, corrected for their number (Holm 1979).

        Auxiliary tasks are not among them.
        """
        claimed = dict(self.differences)
        for task in self.auxiliary:
            del claimed[task]
        signs = holm(claimed)
        return {task: RESULTS[sign] for task, sign in signs.items()}

    def result(self, task: str) -> Result:
        """Win, tie or lose of one task; of an auxiliary one as its own interval says."""
        if task in self.auxiliary:
            return RESULTS[self.differences[task].sign]
        return self.results[task]


def compare(
    arm: str,
    ours: Sequence[TestScores],
    baseline: Sequence[TestScores],
    tasks: Sequence[Task],
    rarest: Mapping[str, int] | None = None,
) -> Comparison:
    """Compare an arm with the baseline, seed by seed.

    The intervals are over seeds and, where scores on bootstrap samples are known, over test rows.

    Args:
        arm: The name of the arm.
        ours: The test scores of the arm's model, one per seed.
        baseline: The test scores of the baseline's model for the same seeds.
        tasks: All tasks.
        rarest: By the name of a task whose score rests on few test rows of a class, how many these
            are. The mean gain rests on the fewest.

    Raises:
        ValueError: There are not as many scores of one as of the other.
    """
    rarest = rarest or {}
    pairs = []
    samples = []
    for model, reference in zip(ours, baseline, strict=True):
        pairs.append((model.scores, reference.scores))
        sampled_pairs = zip(model.samples(), reference.samples(), strict=True)
        samples.append(list(sampled_pairs))
    by_sample = list(zip(*samples, strict=True))

    def interval_of(difference: Difference, rows_of_class: int | None) -> Interval:
        values = [difference(*pair) for pair in pairs]
        sampled_means = []
        for sampled_pairs in by_sample:
            total = sum(difference(*pair) for pair in sampled_pairs)
            sampled_means.append(total / len(sampled_pairs))
        return interval(values, sampled_means, rows_of_class)

    differences = {}
    for task in tasks:
        improvement = _improvement(task)
        differences[task.name] = interval_of(improvement, rarest.get(task.name))
    limits = []
    for task in tasks:
        if task.options.at_most_worse is not None:
            relative = _gain_difference([task], baseline)
            gain = interval_of(relative, rarest.get(task.name))
            limit = Limit(task.name, task.options.at_most_worse, gain)
            limits.append(limit)
    gain_difference = _gain_difference(tasks, baseline)
    return Comparison(
        arm=arm,
        differences=differences,
        gain=interval_of(gain_difference, min(rarest.values(), default=None)),
        seeds=len(pairs),
        limits=tuple(limits),
        auxiliary=frozenset(task.name for task in tasks if task.options.auxiliary),
    )


def _improvement(task: Task) -> Difference:
    sign = task.metric.sign

    def difference(scores: Scores, baseline: Scores) -> float:
        raw = scores[task.name] - baseline[task.name]
        return sign * raw

    return difference


def _gain_difference(
    tasks: Sequence[Task],
    baseline: Sequence[TestScores],
) -> Difference:
    """The difference of mean relative gains over the baseline's mean score on all test rows."""
    reference = {}
    for task in tasks:
        values = [test_scores.scores[task.name] for test_scores in baseline]
        reference[task.name] = sum(values) / len(values)

    def difference(scores: Scores, baseline_scores: Scores) -> float:
        gain = mean_gain(tasks, scores, reference)
        baseline_gain = mean_gain(tasks, baseline_scores, reference)
        return gain - baseline_gain

    return difference
