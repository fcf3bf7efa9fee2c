"""The choice of the model of an arm that is confirmed, on estimates from validation scores only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Composition
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.relative_gain import breach
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.tasks import Task


@dataclass(frozen=True)
class Pick:
    """The best model of an arm.

    Attributes:
        arm: The name of the arm.
        candidate: The number of the candidate in the arm that trained it; None when the tasks take
            theirs from several, and when the model was not trained before.
        composition: The model.
        validation_gain: The estimated gain of mean skill over the reference, in points.
        breach: By how many percent more than it may be, at most, a task is estimated to be worse
            than the reference; 0 where every task stays within its limit.
        trained_in: The arm that trained the candidate; None when there is no such candidate.
    """

    arm: str
    candidate: int | None
    composition: Composition
    validation_gain: float
    breach: float = 0.0
    trained_in: str | None = None


def best_per_task(
    summaries: Sequence[CandidateSummary], tasks: Sequence[Task]
) -> dict[str, CandidateSummary]:
    """For each task the candidate with the best estimate; the earliest of equals."""
    best = {}
    for task in tasks:
        best[task.name] = _best_for(task, summaries)
    return best


def reference_scores(
    baseline: Sequence[CandidateSummary],
    everything: Sequence[CandidateSummary],
    tasks: Sequence[Task],
) -> dict[str, float]:
    """The validation scores that gains are measured against, per task.

    They are the best estimates of the baseline's candidates, or, where the baseline has none, the
    medians over all candidates.
    """
    if baseline:
        best = best_per_task(baseline, tasks)
        return {name: summary.estimates[name] for name, summary in best.items()}
    medians = {}
    for task in tasks:
        estimates = [summary.estimates[task.name] for summary in everything]
        medians[task.name] = float(np.median(estimates))
    return medians


def pick(
    arm: str,
    summaries: Sequence[CandidateSummary],
    scales: SkillScales,
    reference: Mapping[str, float],
    *,
    must_share: bool = False,
    per_task: bool = False,
) -> Pick | None:
    """Pick the candidate with the best estimated mean skill; the earliest of equals.

    Candidates on which a task is estimated to be worse than it may be are left out, or, where that
    is so of all, all but those of the smallest breach.

    Args:
        arm: The name of the arm.
        summaries: Its candidates.
        scales: The scales of the skill of all tasks on validation rows.
        reference: The scores that gains and limits are over.
        must_share: Only candidates in which at least two tasks influence each other may be picked.
        per_task: Each task takes its component from the candidate that is the best for it.

    Returns:
        The pick; None when there is nothing to choose from.
    """
    allowed = [summary for summary in summaries if summary.shares or not must_share]
    if not allowed:
        return None
    if per_task:
        return _pick_per_task(arm, allowed, scales, reference)
    breaches = [breach(scales.tasks, summary.estimates, reference) for summary in allowed]
    smallest = min(breaches)
    within = []
    for summary, value in zip(allowed, breaches, strict=True):
        if value == smallest:
            within.append(summary)
    gains = [scales.gain(summary.estimates, reference) for summary in within]
    largest = max(gains)
    best = within[gains.index(largest)]
    was_trained = best.replicates > 0
    return Pick(
        arm=arm,
        candidate=best.number if was_trained else None,
        composition=best.composition,
        validation_gain=largest,
        breach=smallest,
        trained_in=best.arm if was_trained else None,
    )


def _pick_per_task(
    arm: str,
    summaries: Sequence[CandidateSummary],
    scales: SkillScales,
    reference: Mapping[str, float],
) -> Pick:
    components = []
    estimates = {}
    sources = set()
    for index, task in enumerate(scales.tasks):
        best = _best_for(task, summaries)
        components.append(best.composition.component_of(index))
        estimates[task.name] = best.estimates[task.name]
        sources.add((best.number, best.arm))
    number, trained_in = sources.pop() if len(sources) == 1 else (None, None)
    gain = scales.gain(estimates, reference)
    return Pick(
        arm=arm,
        candidate=number,
        composition=Composition(tuple(components)),
        validation_gain=gain,
        breach=breach(scales.tasks, estimates, reference),
        trained_in=trained_in,
    )


def _best_for(task: Task, summaries: Sequence[CandidateSummary]) -> CandidateSummary:
    """The best of those that have the task, which those reduced to some tasks may lack."""
    sign = task.metric.sign
    having = [summary for summary in summaries if task.name in summary.estimates]
    return max(having, key=lambda summary: sign * summary.estimates[task.name])
