"""Choosing the model of an arm that is confirmed: on validation scores only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Composition
from mtlsearch.data import METRICS, Task
from mtlsearch.evidence.evaluated import Evaluated
from mtlsearch.evidence.gain import mean_gain


@dataclass(frozen=True)
class Pick:
    """An arm's best model. `candidate` is its number, None when it is composed of several candidates."""

    arm: str
    candidate: int | None
    composition: Composition
    validation_gain: float


def best_per_task(evaluated: Sequence[Evaluated], tasks: Sequence[Task]) -> dict[str, Evaluated]:
    """For each task the candidate with the best validation score; the earliest of equals."""
    signs = {task.name: 1.0 if METRICS[task.metric].higher_is_better else -1.0 for task in tasks}
    return {name: max(evaluated, key=lambda each: sign * each.scores[name]) for name, sign in signs.items()}


def reference_scores(
    single_task: Sequence[Evaluated], everything: Sequence[Evaluated], tasks: Sequence[Task]
) -> dict[str, float]:
    """What gains are measured against on validation: the best single-task score per task.

    Without single-task trainings it is the median over all candidates.
    """
    if single_task:
        return {name: each.scores[name] for name, each in best_per_task(single_task, tasks).items()}
    return {task.name: float(np.median([each.scores[task.name] for each in everything])) for task in tasks}


def pick(
    arm: str,
    evaluated: Sequence[Evaluated],
    tasks: Sequence[Task],
    reference: Mapping[str, float],
    per_task: bool = False,
    must_share: bool = False,
) -> Pick | None:
    """The candidate with the best mean relative gain, or per task the best candidate's component.

    `must_share` restricts the choice to candidates that share something. None when there is nothing to choose from.
    """
    eligible = [each for each in evaluated if each.candidate.shares] if must_share else list(evaluated)
    if not eligible:
        return None
    if per_task:
        return _pick_per_task(arm, eligible, tasks, reference)
    best = max(eligible, key=lambda each: mean_gain(tasks, each.scores, reference))
    return Pick(arm, best.number, best.candidate.components(), mean_gain(tasks, best.scores, reference))


def _pick_per_task(arm: str, evaluated: Sequence[Evaluated], tasks: Sequence[Task], reference: Mapping[str, float]) -> Pick:
    best = best_per_task(evaluated, tasks)
    parts = [best[task.name].candidate.components()[index] for index, task in enumerate(tasks)]
    scores = {name: each.scores[name] for name, each in best.items()}
    return Pick(arm, None, tuple(parts), mean_gain(tasks, scores, reference))
