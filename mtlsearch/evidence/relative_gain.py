"""Relative gains over a reference, in the sign convention of Maninis et al.

Maninis et al. 2019 (arXiv:1904.08918) average over T tasks

    100 / T * sum_t (-1)^l_t (M_t - R_t) / R_t

where M_t is the score, R_t the reference, and l_t = 1 where lower is better: positive is better.
Where tasks have an importance, the mean is weighted by it; auxiliary tasks are left out.
Nash-MTL (Navon et al. 2022) and FAMO report the same with the opposite sign. Here the denominator
is |R_t|, at least the metric's floor, so that a reference near zero does not decide alone. The
floor of an error is in units of the spread of the target: gains do not depend on its unit.

Nothing is decided on their mean: that is what skill is for. Limits of what a task may lose are
relative, as users give them.
"""

from collections.abc import Mapping, Sequence

from mtlsearch.tasks import Task, scored


def relative_gain(
    task: Task,
    score: float,
    reference: float,
) -> float:
    """The relative improvement of one task in percent; positive is better."""
    floor = task.metric.floor * task.unit
    scale = max(abs(reference), floor)
    percent = 100.0 * task.metric.sign
    improvement = percent * (score - reference)
    return improvement / scale


def mean_relative_gain(
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
        total += weight * relative_gain(task, scores[name], reference[name])
        total_weight += weight
    return total / total_weight


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
        loss = -relative_gain(task, scores[task.name], reference[task.name])
        largest = max(largest, loss - limit)
    return largest
