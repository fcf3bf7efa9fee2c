"""Scales of skill for tests, without a dataset."""

from collections.abc import Sequence

from mtlsearch.evidence.skill import SkillScale, SkillScales
from mtlsearch.tasks import Task

ERROR_OF_NO_SKILL = 2.0  # so that one of an error is 50 points
SCORE_OF_NO_SKILL = 0.5  # so that .1 of an area under the curve is 20 points


def scales_of(tasks: Sequence[Task]) -> SkillScales:
    """Return scales on which no skill is the same number for all tasks of one direction."""
    scales = []
    for task in tasks:
        no_skill = ERROR_OF_NO_SKILL
        if task.metric.higher_is_better:
            no_skill = SCORE_OF_NO_SKILL
        scales.append(SkillScale.of(task, no_skill))
    return SkillScales(tuple(scales))


def scales_with_sizes(tasks: Sequence[Task], sizes: Sequence[float]) -> SkillScales:
    """Return scales on which 100 points are so large a difference of scores, task by task."""
    scales = []
    for task, size in zip(tasks, sizes, strict=True):
        scales.append(SkillScale(task, no_skill=0.0, size=size))
    return SkillScales(tuple(scales))
