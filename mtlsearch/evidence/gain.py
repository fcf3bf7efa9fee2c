"""Relative gains over a reference, in both sign conventions of the field.

Maninis et al. 2019 (arXiv:1904.08918): 100/T * sum_t (-1)^l_t (M_t - R_t) / R_t with l_t = 1 where lower is better, so
positive is better. Nash-MTL (Navon et al. 2022) and FAMO report the same with the opposite sign: negative is better.
The denominator is |R_t|, at least the metric's floor, so that a reference near zero does not decide alone.
"""

import math
from collections.abc import Mapping, Sequence

from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task


def unit(task: Task, reference: float) -> float:
    """What a gain over this reference is a share of."""
    return max(abs(reference), METRICS[task.metric].floor)


def task_gain(task: Task, score: float, reference: float) -> float:
    """Relative improvement of one task in percent, positive is better."""
    return 100.0 * METRICS[task.metric].sign * (score - reference) / unit(task, reference)


def gain_deviation(
    tasks: Sequence[Task], deviations: Mapping[str, float], reference: Mapping[str, float]
) -> float:
    """The standard deviation of a mean gain in percent, for those of independent scores."""
    each = [deviations[task.name] / unit(task, reference[task.name]) for task in tasks]
    return 100.0 * math.hypot(*each) / len(tasks)


def mean_gain(
    tasks: Sequence[Task], scores: Mapping[str, float], reference: Mapping[str, float]
) -> float:
    """Mean relative gain over the tasks in percent (Maninis et al. 2019), positive is better."""
    return sum(task_gain(task, scores[task.name], reference[task.name]) for task in tasks) / len(
        tasks
    )
