"""The Pareto front of evaluated candidates over the tasks' estimated scores."""

from collections.abc import Sequence

import numpy as np
from moocore import is_nondominated

from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task


def front(
    evaluated: Sequence[CandidateSummary], tasks: Sequence[Task], cost: str = "none"
) -> list[CandidateSummary]:
    """The candidates that no other one beats in every task (and in the cost, where one is an objective)."""
    if not evaluated:
        return []
    keep = is_nondominated(
        np.array([_losses(each, tasks, cost) for each in evaluated]), keep_weakly=True
    )
    return [each for each, kept in zip(evaluated, keep, strict=True) if kept]


def _losses(each: CandidateSummary, tasks: Sequence[Task], cost: str) -> list[float]:
    """One value per objective, lower is better."""
    signs = [-METRICS[task.metric].sign for task in tasks]
    losses = [sign * each.estimates[task.name] for sign, task in zip(signs, tasks, strict=True)]
    return losses + cost_of(each.parameters, each.macs_per_example, cost)


def cost_of(parameters: int, macs_per_example: int, cost: str) -> list[float]:
    """The extra objective to be minimised, as a list of one or none."""
    return {"none": [], "parameters": [float(parameters)], "macs": [float(macs_per_example)]}[cost]
