"""The map of affinities: what each task is estimated to gain from sharing with each other task."""

from collections.abc import Sequence

from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.records import Trial
from mtlsearch.report.model import AffinityMap, AffinityPair, ReportedInterval
from mtlsearch.tasks import Task


def affinity_map(
    arm: str,
    affinity: Affinity | None,
    trials: Sequence[Trial],
    tasks: Sequence[Task],
) -> AffinityMap | None:
    """Report the affinities of an arm's trials, level by level.

    None when too few trials are complete for an estimate, or where a task has no other to share
    with.
    """
    if affinity is None or len(tasks) < 2:
        return None
    effects_by_depth = []
    for depth in range(1, affinity.depth + 1):
        effects_by_depth.append(affinity.effects(depth))

    pairs = []
    for task, other in effects_by_depth[0]:
        levels = []
        for effects in effects_by_depth:
            effect = ReportedInterval.of(effects[task, other])
            levels.append(effect)
        pair = AffinityPair(
            task=tasks[task].name,
            other=tasks[other].name,
            levels=tuple(levels),
        )
        pairs.append(pair)
    complete = [trial for trial in trials if trial.result.complete]
    return AffinityMap(arm, len(complete), tuple(pairs))
