"""The Pareto front of candidates over the tasks' estimated scores and, where asked for, a cost."""

from collections.abc import Sequence
from itertools import compress

import numpy as np
from moocore import is_nondominated

from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.tasks import Task, scored


def front(
    summaries: Sequence[CandidateSummary],
    tasks: Sequence[Task],
    cost: str = "none",
) -> list[CandidateSummary]:
    """The candidates that no other one beats in everything, in their order; of equals all.

    Args:
        summaries: The candidates.
        tasks: The tasks, of which each that is not auxiliary is an objective.
        cost: The further objective: "parameters", "macs", or "none".
    """
    if not summaries:
        return []
    losses = [_losses(summary, tasks, cost) for summary in summaries]
    kept = is_nondominated(np.array(losses), keep_weakly=True)
    return list(compress(summaries, kept))


def cost_of(
    parameters: int,
    macs_per_example: int,
    cost: str,
) -> list[float]:
    """The cost to be minimised, as a list of one value, or of none where cost is no objective."""
    if cost == "parameters":
        return [float(parameters)]
    if cost == "macs":
        return [float(macs_per_example)]
    return []


def _losses(
    summary: CandidateSummary,
    tasks: Sequence[Task],
    cost: str,
) -> list[float]:
    """One value per objective; lower is better."""
    losses = []
    for task in scored(tasks):
        score = summary.estimates[task.name]
        losses.append(-task.metric.sign * score)
    return losses + cost_of(summary.parameters, summary.macs_per_example, cost)
