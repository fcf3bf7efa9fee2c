"""From predictions for the test rows to a mean skill, with an interval over the test rows.

The skill of a prediction for a task is the share of the way from the best constant to perfection,
in points: 100 * (score - constant) / (perfect - constant), in the task's metric. The best constant
is that of the rows that are not test rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset
from mtlsearch.evidence.ensemble import mean_prediction
from mtlsearch.evidence.scoring import TestScorer
from mtlsearch.tasks import Task, has_label

SCORER_SEED = 0


@dataclass(frozen=True)
class Skill:
    """The mean skill over the tasks of a table, in points.

    Attributes:
        points: On all test rows.
        resampled: On each bootstrap sample of them.
    """

    points: float
    resampled: Array


class SkillScorer:
    """Scores the models of several contenders for one table, all on the same bootstrap samples."""

    def __init__(self, dataset: Dataset) -> None:
        self._tasks = dataset.tasks
        self._scorer = TestScorer(dataset, SCORER_SEED)
        constants = {task.name: _constant(dataset, task) for task in dataset.tasks}
        self._constant = self._scorer.score(constants).scores

    def ensemble(
        self,
        models: Sequence[Mapping[str, Array]],
    ) -> Skill:
        """Return the skill of the mean prediction."""
        return self._skill(mean_prediction(models))

    def single(
        self,
        models: Sequence[Mapping[str, Array]],
    ) -> Skill:
        """Return the mean skill of the models."""
        skills = [self._skill(model) for model in models]
        points = float(np.mean([skill.points for skill in skills]))
        resampled = np.mean([skill.resampled for skill in skills], axis=0)
        return Skill(points, resampled)

    def _skill(
        self,
        model: Mapping[str, Array],
    ) -> Skill:
        test = self._scorer.score(model)
        points = []
        resampled = []
        for task in self._tasks:
            constant = self._constant[task.name]
            to_points = 100.0 / (_perfect(task) - constant)
            score = test.scores[task.name]
            samples = test.resampled[task.name]
            points.append(to_points * (score - constant))
            resampled.append(to_points * (samples - constant))
        return Skill(float(np.mean(points)), np.mean(resampled, axis=0))


def _perfect(task: Task) -> float:
    return 1.0 if task.metric.higher_is_better else 0.0


def _constant(dataset: Dataset, task: Task) -> Array:
    """The best constant of the rows that are not test rows, for every test row: [N] or [N, C]."""
    role = dataset.sources[task.source].splits.role
    labels = dataset.targets[task.name]
    known = labels[(role != TEST) & has_label(labels)]
    constant = np.asarray(task.kind.best_constant(known, task.classes), np.float64)
    count = int((role == TEST).sum())
    return np.broadcast_to(constant, (count, *constant.shape)).copy()
