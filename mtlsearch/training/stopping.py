"""What early stopping looks at instead of the loss: how far the metrics of tasks fall short."""

import math
from collections.abc import Mapping, Sequence

from mtlsearch.tasks import Task, has_label, stopping_weights
from mtlsearch.training.prediction import require_finite
from mtlsearch.training.training_data import FoldData


class MetricCriterion:
    """How far the validation scores of tasks that train together fall short of the best ones.

    It is the mean over tasks, each relative to what the best constant on the training rows falls
    short there, so that tasks count alike whatever their metrics: 1 is no better than a constant, 0
    is perfect. Tasks are weighted by importance; auxiliary ones are left out, unless there is no
    other.
    """

    def __init__(self, tasks: Sequence[Task], fold: FoldData) -> None:
        self.tasks = tasks
        self.fold = fold
        self.weights = stopping_weights([task.options for task in tasks])
        self.scales = [_constant_shortfall(task, fold) for task in tasks]

    def value(self, scores: Mapping[str, float]) -> float:
        """The mean for the scores of the tasks.

        Raises TrainingFailedError where one that counts is not finite.
        """
        total = 0.0
        for task, weight, scale in zip(self.tasks, self.weights, self.scales, strict=True):
            if not weight:
                continue
            rows = self.fold.validation[task.source]
            score = require_finite(scores[task.name], task, len(rows))
            total += weight * _shortfall(task, score) / scale
        return total / len(self.tasks)


def _shortfall(task: Task, score: float) -> float:
    """The difference of a score from the best one there is."""
    metric = task.metric
    return metric.sign * (metric.perfect - score)


def _constant_shortfall(task: Task, fold: FoldData) -> float:
    """What the best constant falls short on the training rows.

    It is the floor of the metric where that is more, or where the metric is not defined.
    """
    floor = task.metric.floor * task.unit
    rows = fold.train[task.source].cpu().numpy()
    labels = fold.labels[task.name][rows]
    score = task.constant_score(labels[has_label(labels)])
    if math.isnan(score):
        return floor
    return max(_shortfall(task, score), floor)
