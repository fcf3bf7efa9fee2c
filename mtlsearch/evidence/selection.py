"""Choosing the model of an arm that is confirmed: on estimates from validation scores only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Composition
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.gain import mean_gain
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task


@dataclass(frozen=True)
class Pick:
    """An arm's best model. `candidate` is its number, None when each task takes its own of several candidates."""

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
    per_task: bool = False,
) -> Pick | None:
    """The candidate with the best mean relative gain by its estimates; the earliest of equals.

    `must_share` demands that at least two tasks influence each other. With `per_task` each task takes its component from the
    candidate that is the best for it. None when there is nothing to choose from.
    """
    allowed = [each for each in evaluated if each.shares or not must_share]
    if not allowed:
        return None
    if per_task:
        best = best_per_task(allowed, tasks)
        estimates = {name: each.estimates[name] for name, each in best.items()}
        parts = [
            best[task.name].composition.component_of(number) for number, task in enumerate(tasks)
        ]
        numbers = {each.number for each in best.values()}
        number = numbers.pop() if len(numbers) == 1 else None
        return Pick(arm, number, Composition(tuple(parts)), mean_gain(tasks, estimates, reference))
    chosen = max(allowed, key=lambda each: mean_gain(tasks, each.estimates, reference))
    gain = mean_gain(tasks, chosen.estimates, reference)
    return Pick(arm, chosen.number, chosen.composition, gain)
