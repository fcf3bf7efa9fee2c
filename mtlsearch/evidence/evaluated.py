"""Trainings pooled into candidates: what they scored, with a standard error, and what their scores are estimated to be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Candidate
from mtlsearch.data import Task
from mtlsearch.evidence.affinity import Affinity
from mtlsearch.evidence.interval import standard_error
from mtlsearch.evidence.trained import Trained


@dataclass(frozen=True)
class Evaluated:
    """A candidate with all its successful replicates. `number` is that of its first training in its arm.

    `scores` are means over its replicates. Candidates are scored on different replicates, and some of those are harder: so
    choices rest on `estimates`, which are what all trainings of the arm together say of a candidate.
    """

    arm: str
    number: int
    candidate: Candidate
    scores: Mapping[str, float]
    standard_errors: Mapping[str, float | None]
    estimates: Mapping[str, float]
    replicates: int
    parameters: int
    macs_per_example: int


def pool(trainings: Iterable[Trained], replicates: int, tasks: Sequence[Task]) -> list[Evaluated]:
    """Pool one arm's trainings by candidate, in order of their first training.

    Trainings stopped at a rung do not count. A candidate of which a replicate failed is left out, and so is one with fewer
    than `replicates` trainings, unless no candidate has as many.
    """
    everything = sorted(trainings, key=lambda each: each.number)
    affinity, groups = Affinity.fit(everything, tasks), dict[str, list[Trained]]()
    for training in everything:
        if not training.outcome.stopped:
            groups.setdefault(training.candidate.key, []).append(training)
    sound = [group for group in groups.values() if all(each.outcome.failure is None for each in group)]
    full = [group for group in sound if len(group) >= replicates]
    return [_evaluate(group, affinity) for group in full or sound]


def _evaluate(group: Sequence[Trained], affinity: Affinity | None) -> Evaluated:
    first = group[0]
    rows = [each.outcome.scores for each in group]
    scores = {task: float(np.mean([row[task] for row in rows])) for task in rows[0]}
    estimates = {t: v for part in first.candidate.components() for t, v in affinity.scores(part).items()} if affinity else scores
    return Evaluated(
        arm=first.arm,
        number=first.number,
        candidate=first.candidate,
        scores=scores,
        standard_errors={task: standard_error([row[task] for row in rows]) for task in scores},
        estimates={task: estimates[task] for task in scores},
        replicates=len(group),
        parameters=first.outcome.parameters,
        macs_per_example=first.outcome.macs_per_example,
    )
