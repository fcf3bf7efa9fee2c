"""What the report shows beside the arms: who helps whom, and what scikit-learn's models reach on the same rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.records import Trial
from mtlsearch.tasks.task import Task

ARMS = ("searched", "random")  # those that try many trees; the first one there is is shown


def affinity_map(
    trainings: Mapping[str, Sequence[Trial]], tasks: Sequence[Task]
) -> dict[str, Any] | None:
    """`{"arm", "trainings", "pairs"}`: for each task and other task the estimated gain from sharing with it, level by level."""
    arm = next((name for name in ARMS if name in trainings), None)
    affinity = Affinity.fit(trainings[arm], tasks) if arm else None
    if arm is None or affinity is None or len(tasks) < 2:
        return None
    depth = affinity.models[0].columns.depth
    by_depth = [affinity.effects(levels) for levels in range(1, depth + 1)]
    pairs = [
        {
            "task": tasks[t].name,
            "other": tasks[u].name,
            "levels": [effects[t, u].to_json() for effects in by_depth],
        }
        for t, u in by_depth[0]
    ]
    return {
        "arm": arm,
        "trainings": sum(each.result.complete for each in trainings[arm]),
        "pairs": pairs,
    }


def reference_rows(
    found: Mapping[str, Mapping[str, Sequence[float]]] | None,
) -> list[dict[str, Any]]:
    """`[{"name", "test", "mean"}]`, scores per task."""
    return [
        {
            "name": name,
            "test": dict(own),
            "mean": {task: float(np.mean(scores)) for task, scores in own.items()},
        }
        for name, own in (found or {}).items()
    ]


def components_saved(trainings: Sequence[Trial], cohort: int) -> int:
    """How many components were not trained again because a cohort had the same one on the same replicate."""
    wanted = [
        (each.number // cohort, each.replicate, part)
        for each in trainings
        for part in each.candidate.composition()
    ]
    return len(wanted) - len(set(wanted))
