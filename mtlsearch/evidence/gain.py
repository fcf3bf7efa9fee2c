"""Relative gains over a reference, in the sign convention of Maninis et al.

Maninis et al. 2019 (arXiv:1904.08918) average over T tasks

    100 / T * sum_t (-1)^l_t (M_t - R_t) / R_t

where M_t is the score, R_t the reference, and l_t = 1 where lower is better: positive is better.
Where tasks have an importance, the mean is weighted by it; auxiliary tasks are left out.
Nash-MTL (Navon et al. 2022) and FAMO report the same with the opposite sign. Here the denominator
is |R_t|, at least the metric's floor, so that a reference near zero does not decide alone. The
floor of an error is in units of the spread of the target: gains do not depend on its unit.
"""

import math
from collections.abc import Mapping, Sequence

from mtlsearch.tasks import Task, scored


def gain_scale(task: Task, reference: float) -> float:
    """The difference of scores that is a gain of 100% over this reference."""
    floor = task.metric.floor * task.unit
    return max(abs(reference), floor)


def task_gain(
    task: Task,
    score: float,
    reference: float,
) -> float:
    """The relative improvement of one task in percent; positive is better."""
    percent = 100.0 * task.metric.sign
    improvement = percent * (score - reference)
    return improvement / gain_scale(task, reference)


def mean_gain(
    tasks: Sequence[Task],
    scores: Mapping[str, float],
    reference: Mapping[str, float],
) -> float:
    """The mean relative improvement over the tasks in percent; positive is better."""
    total = 0.0
    total_weight = 0.0
    for task in scored(tasks):
        name = task.name
        weight = task.options.weight
        total += weight * task_gain(task, scores[name], reference[name])
        total_weight += weight
    return total / total_weight


def gain_deviation(
    tasks: Sequence[Task],
    deviations: Mapping[str, float],
    reference: Mapping[str, float],
) -> float:
    """The standard deviation of a mean gain in percent, when the scores are independent.

    Args:
        tasks: The tasks that the mean is over.
        deviations: The standard deviation of each task's score.
        reference: The score of each task that the gain is over.
    """
    relative = []
    total_weight = 0.0
    for task in scored(tasks):
        scale = gain_scale(task, reference[task.name])
        weight = task.options.weight
        relative.append(weight * deviations[task.name] / scale)
        total_weight += weight
    return 100.0 * math.hypot(*relative) / total_weight


def breach(
    tasks: Sequence[Task],
    scores: Mapping[str, float],
    reference: Mapping[str, float],
) -> float:
    """By how many percent more than it may be, at most, a task is worse than the reference.

    0 where every task stays within its limit, and where none has one.
    """
    largest = 0.0
    for task in tasks:
        limit = task.options.at_most_worse
        if limit is None:
            continue
        loss = -task_gain(task, scores[task.name], reference[task.name])
        largest = max(largest, loss - limit)
    return largest
