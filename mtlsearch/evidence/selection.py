"""Choosing the model of an arm that is confirmed: on estimates from validation scores only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Component, Composition
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.gain import mean_gain, task_gain
from mtlsearch.evidence.tree_search import best_composition, in_order
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task


@dataclass(frozen=True)
class Pick:
    """An arm's best model. `candidate` is its number, None when it is composed of several candidates."""

    arm: str
    candidate: int | None
    composition: Composition
    validation_gain: float


def best_per_task(
    evaluated: Sequence[CandidateSummary], tasks: Sequence[Task]
) -> dict[str, CandidateSummary]:
    """For each task the candidate with the best estimate; the earliest of equals."""
    signs = {task.name: METRICS[task.metric].sign for task in tasks}
    return {
        name: max(evaluated, key=lambda each: sign * each.estimates[name])
        for name, sign in signs.items()
    }


def reference_scores(
    single_task: Sequence[CandidateSummary],
    everything: Sequence[CandidateSummary],
    tasks: Sequence[Task],
) -> dict[str, float]:
    """What gains are measured against on validation: the best single-task estimate per task.

    Without single-task trainings it is the median over all candidates.
    """
    if single_task:
        return {
            name: each.estimates[name] for name, each in best_per_task(single_task, tasks).items()
        }
    return {
        task.name: float(np.median([each.estimates[task.name] for each in everything]))
        for task in tasks
    }


def pick(
    arm: str,
    evaluated: Sequence[CandidateSummary],
    tasks: Sequence[Task],
    reference: Mapping[str, float],
    must_share: bool = False,
) -> Pick | None:
    """The components, of one candidate or of several, with the best mean relative gain by their estimates.

    `must_share` demands that at least two tasks influence each other. None when there is nothing to choose from.
    """
    estimates = {part: _of(part, each, tasks) for each in evaluated for part in each.composition}
    gains = {part: sum(task_gain(task, own[task.name], reference[task.name]) for task in tasks if task.name in own)
             for part, own in estimates.items()}  # fmt: skip
    shared = [part for part in gains if len(part.tasks) > 1]
    if not gains or (must_share and not shared):
        return None
    chosen = best_composition(gains, len(tasks), [each.composition for each in evaluated])
    if must_share and all(len(part.tasks) == 1 for part in chosen):
        ways = [
            [part, *(single for single in chosen if single.tasks[0] not in part.tasks)]
            for part in shared
        ]
        chosen = in_order(max(ways, key=lambda way: sum(gains[part] for part in way)))
    scores = {name: value for part in chosen for name, value in estimates[part].items()}
    number = next((each.number for each in evaluated if in_order(each.composition) == chosen), None)
    return Pick(arm, number, chosen, mean_gain(tasks, scores, reference))


def _of(part: Component, each: CandidateSummary, tasks: Sequence[Task]) -> dict[str, float]:
    return {tasks[number].name: each.estimates[tasks[number].name] for number in part.tasks}
