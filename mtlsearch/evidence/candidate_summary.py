"""Trainings pooled into candidates: what they scored, and what their scores are estimated to be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Composition
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.interval import standard_error
from mtlsearch.records import Trial


@dataclass(frozen=True)
class CandidateSummary:
    """A candidate with all its replicates.

    Candidates are scored on different replicates, and some of those are harder than others. So
    choices rest on estimates: what the trainings of all arms together say of the candidate.

    Attributes:
        arm: The name of the arm.
        number: The number of the candidate's first training in its arm.
        composition: The model.
        scores: Per task name the mean validation score over the replicates.
        standard_errors: The standard errors of these means; None for a single replicate.
        estimates: Per task name the estimated score on an average replicate; `scores` where there
            are too few trainings for more.
        deviations: The standard deviations of the estimates; empty where they are not known.
        replicates: The number of replicates; 0 of a model that was not trained: it has estimates
            alone, and the number, the arm and the costs of the candidate that it is like.
        parameters: The number of trained weights.
        macs_per_example: The multiply-accumulates of one forward pass.
    """

    arm: str
    number: int
    composition: Composition
    scores: Mapping[str, float]
    standard_errors: Mapping[str, float | None]
    estimates: Mapping[str, float]
    deviations: Mapping[str, float]
    replicates: int
    parameters: int
    macs_per_example: int

    @property
    def shares(self) -> bool:
        """True when at least two tasks share a stage or are tied by soft sharing."""
        return self.composition.shares


def pool(
    trials: Iterable[Trial], affinity: Affinity | None, replicates: int
) -> list[CandidateSummary]:
    """Pool the trainings of one arm by candidate, in the order of their first training.

    A candidate is left out when one of its replicates failed, and when it has fewer than
    `replicates` trainings, unless no candidate has as many.

    Args:
        trials: The trainings.
        affinity: What the trainings of all arms say together; None where they are too few.
        replicates: How many trainings of a candidate are wanted.
    """
    in_order = sorted(trials, key=lambda trial: trial.number)
    by_candidate: dict[str, list[Trial]] = {}
    for trial in in_order:
        by_candidate.setdefault(trial.candidate.key, []).append(trial)
    sound = [group for group in by_candidate.values() if _is_sound(group)]
    full = [group for group in sound if len(group) >= replicates]
    return [_summary(group, affinity) for group in full or sound]


def _is_sound(group: Sequence[Trial]) -> bool:
    return all(trial.result.failure is None for trial in group)


def _summary(group: Sequence[Trial], affinity: Affinity | None) -> CandidateSummary:
    first = group[0]
    composition = first.candidate.composition()
    scores = {}
    standard_errors = {}
    for task in first.result.scores:
        values = [trial.result.scores[task] for trial in group]
        scores[task] = float(np.mean(values))
        standard_errors[task] = standard_error(values)
    estimates = scores
    deviations: dict[str, float] = {}
    if affinity:
        estimates = affinity.estimates(composition)
        for component in composition:
            deviations |= affinity.deviations(component)
    return CandidateSummary(
        arm=first.arm,
        number=first.number,
        composition=composition,
        scores=scores,
        standard_errors=standard_errors,
        estimates=estimates,
        deviations=deviations,
        replicates=len(group),
        parameters=first.result.parameters,
        macs_per_example=first.result.macs_per_example,
    )
