"""Skill: the scale on which the scores of tasks are added up, whatever their metrics.

The skill of a score, in points, is

    100 * (score - no skill) / (perfect - no skill)

so a constant has 0 and a perfect prediction has 100; of an error it is the share of the constant's
error that is removed. Unlike a relative change it does not explode where a score is near zero or
near perfect: a difference of .03 in r2 is 3 points, whatever the r2. Skill scores are the custom of
weather forecasting (Murphy 1988, "Skill scores based on the mean square error").

The mean skill is weighted by the tasks' importance and leaves auxiliary tasks out. Gains are
differences of mean skill.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset
from mtlsearch.evidence.scoring import Scores
from mtlsearch.tasks import Task, has_label
from mtlsearch.tasks.options import NO_OPTIONS


@dataclass(frozen=True)
class SkillScale:
    """What the scores of a task are worth.

    Attributes:
        task: The task.
        no_skill: The score of no skill.
        size: The difference of scores that is 100 points.
    """

    task: Task
    no_skill: float
    size: float

    @classmethod
    def of(cls, task: Task, no_skill: float) -> "SkillScale":
        """Return the scale from no skill to the best score there is.

        Where there is hardly any way between, as for a constant that is nearly perfect, its size is
        the floor of the metric: there, a perfect score has less than 100 points.

        Raises:
            ValueError: The score of no skill is not finite.
        """
        if not math.isfinite(no_skill):
            raise ValueError(f"{task.name}: {task.metric.name} of no skill is {no_skill}")
        shortfall = abs(task.metric.perfect - no_skill)
        floor = task.metric.floor * task.unit
        return cls(task, no_skill, max(shortfall, floor))

    @classmethod
    def fit(cls, task: Task, known: Array, scored_labels: Array) -> "SkillScale":
        """Return the scale of scores on some rows.

        No skill is the best constant that fits other rows, or what the metric says it is.

        Args:
            task: The task.
            known: The labels that the constant fits, [N] or [N, C], NaN where there is none.
            scored_labels: The labels of the rows that scores are of, likewise.

        Raises:
            ValueError: The metric is not defined on these rows.
        """
        no_skill = task.metric.no_skill
        if no_skill is None:
            fitted = known[has_label(known)]
            rows = scored_labels[has_label(scored_labels)]
            no_skill = task.constant_score(fitted, rows)
        return cls.of(task, no_skill)

    def points(self, difference: float) -> float:
        """Return a difference of scores in points of skill; positive is better."""
        oriented = self.task.metric.sign * difference
        return 100.0 * oriented / self.size

    def skill(self, score: float) -> float:
        """Return the skill of a score in points."""
        return self.points(score - self.no_skill)


@dataclass(frozen=True)
class SkillScales:
    """The scales of all tasks of a dataset, in their order, for scores on the same rows."""

    of_task: tuple[SkillScale, ...]

    @classmethod
    def on_search_rows(cls, dataset: Dataset) -> "SkillScales":
        """Return the scales of validation scores.

        The constants fit all rows that are no test rows, and are scored there: every one of these
        rows comes to validate.
        """
        scales = []
        for task in dataset.tasks:
            known, _ = _labels(dataset, task)
            scales.append(SkillScale.fit(task, known, known))
        return cls(tuple(scales))

    @classmethod
    def on_test_rows(cls, dataset: Dataset) -> "SkillScales":
        """Return the scales of test scores.

        The constants fit all rows that are no test rows, and are scored on the test rows: the skill
        of an error is exactly the share of that constant's error that is removed.
        """
        scales = []
        for task in dataset.tasks:
            known, held_out = _labels(dataset, task)
            scales.append(SkillScale.fit(task, known, held_out))
        return cls(tuple(scales))

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks."""
        return tuple(scale.task for scale in self.of_task)

    def alone(self, task: str) -> "SkillScales":
        """Return the scale of one task, as if it had no options: its gain is its own."""
        [scale] = [scale for scale in self.of_task if scale.task.name == task]
        plain = replace(scale.task, options=NO_OPTIONS)
        return SkillScales((replace(scale, task=plain),))

    def among(self, tasks: Collection[str]) -> "SkillScales":
        """Return the scales of some tasks alone."""
        return SkillScales(tuple(scale for scale in self.of_task if scale.task.name in tasks))

    def mean(self, scores: Scores) -> float:
        """Return the mean skill of a model with these scores, in points."""
        total = 0.0
        for scale in self.counted:
            skill = scale.skill(scores[scale.task.name])
            total += scale.task.options.weight * skill
        return total / self._total_weight

    def gain(self, scores: Scores, reference: Scores) -> float:
        """Return by how much the mean skill of some scores is above that of others, in points."""
        return self.mean(scores) - self.mean(reference)

    def deviation(self, deviations: Mapping[str, float]) -> float:
        """Return the standard deviation of the mean skill in points, of independent scores.

        Args:
            deviations: The standard deviation of each task's score.
        """
        points = []
        for scale in self.counted:
            weight = scale.task.options.weight
            deviation = abs(scale.points(deviations[scale.task.name]))
            points.append(weight * deviation)
        return math.hypot(*points) / self._total_weight

    @property
    def counted(self) -> Sequence[SkillScale]:
        """The scales of the tasks that are not auxiliary."""
        return [scale for scale in self.of_task if not scale.task.options.auxiliary]

    @property
    def _total_weight(self) -> float:
        return sum(scale.task.options.weight for scale in self.counted)


def _labels(dataset: Dataset, task: Task) -> tuple[Array, Array]:
    """The labels of the rows that are no test rows, and those of the test rows."""
    is_test = dataset.sources[task.source].splits.role == TEST
    labels = dataset.targets[task.name]
    return labels[~is_test], labels[is_test]
