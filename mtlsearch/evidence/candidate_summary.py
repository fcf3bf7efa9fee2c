"""Trainings pooled into candidates: what they scored, with a standard error, and what their scores are estimated to be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Composition
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.interval import standard_error
from mtlsearch.records import Trial
from mtlsearch.tasks.task import Task


@dataclass(frozen=True)
class CandidateSummary:
    """A candidate with all its successful replicates. `number` is that of its first training in its arm.

    `scores` are means over its replicates. Candidates are scored on different replicates, and some of those are harder: so
    choices rest on `estimates`, which are what all trainings of the arm together say of a candidate, with their standard
    `deviations`, where there are enough of them. `costs` are the parameters and MACs of each component.

    Recombined of several candidates it has no number, and no scores until it is trained.
    """

    arm: str
    number: int | None
    composition: Composition
    scores: Mapping[str, float]
    standard_errors: Mapping[str, float | None]
    estimates: Mapping[str, float]
    deviations: Mapping[str, float]
    replicates: int
    parameters: int
    macs_per_example: int
    costs: Sequence[Sequence[int]] = ()

    @property
    def shares(self) -> bool:
        """True when at least two tasks share a stage or are softly tied."""
        return self.composition.shares


def pool(
    trainings: Iterable[Trial], replicates: int, tasks: Sequence[Task]
) -> list[CandidateSummary]:
    """Pool one arm's trainings by candidate, in order of their first training.

    A candidate of which a replicate failed is left out, and so is one with fewer
    than `replicates` trainings, unless no candidate has as many.
    """
    everything = sorted(trainings, key=lambda each: each.number)
    affinity, groups = Affinity.fit(everything, tasks), dict[str, list[Trial]]()
    for training in everything:
        groups.setdefault(training.candidate.key, []).append(training)
    sound = [
        group for group in groups.values() if all(each.result.failure is None for each in group)
    ]
    full = [group for group in sound if len(group) >= replicates]
    return [_evaluate(group, affinity) for group in full or sound]


def _evaluate(group: Sequence[Trial], affinity: Affinity | None) -> CandidateSummary:
    first = group[0]
    rows, parts = [each.result.scores for each in group], first.candidate.composition()
    scores = {task: float(np.mean([row[task] for row in rows])) for task in rows[0]}
    estimates = (
        {task: value for part in parts for task, value in affinity.scores(part).items()}
        if affinity
        else scores
    )
    deviations = (
        {task: value for part in parts for task, value in affinity.deviations(part).items()}
        if affinity
        else {}
    )
    return CandidateSummary(
        arm=first.arm,
        number=first.number,
        composition=parts,
        scores=scores,
        standard_errors={task: standard_error([row[task] for row in rows]) for task in scores},
        estimates={task: estimates[task] for task in scores},
        deviations=deviations,
        replicates=len(group),
        parameters=first.result.parameters,
        macs_per_example=first.result.macs_per_example,
        costs=first.result.costs,
    )
