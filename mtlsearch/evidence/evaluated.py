"""Trainings pooled into candidates: the mean score over replicates with its standard error."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Candidate
from mtlsearch.engine import Outcome
from mtlsearch.evidence.interval import standard_error


@dataclass(frozen=True)
class Trained:
    """One finished training of an arm: what was trained on which replicate, and what came of it."""

    arm: str
    number: int
    candidate: Candidate
    replicate: int
    outcome: Outcome


@dataclass(frozen=True)
class Evaluated:
    """A candidate with all its successful replicates. `number` is that of its first training in its arm."""

    arm: str
    number: int
    candidate: Candidate
    scores: Mapping[str, float]
    standard_errors: Mapping[str, float | None]
    replicates: int
    parameters: int
    macs_per_example: int


def pool(trainings: Iterable[Trained], replicates: int) -> list[Evaluated]:
    """Pool one arm's trainings by candidate, in order of their first training.

    Trainings stopped at a rung do not count. A candidate of which a replicate failed is left out, and so is one with fewer
    than `replicates` trainings, unless no candidate has as many.
    """
    groups: dict[str, list[Trained]] = {}
    for training in sorted(trainings, key=lambda each: each.number):
        if not training.outcome.stopped:
            groups.setdefault(training.candidate.key, []).append(training)
    sound = [group for group in groups.values() if all(each.outcome.failure is None for each in group)]
    full = [group for group in sound if len(group) >= replicates]
    return [_evaluate(group) for group in full or sound]


def _evaluate(group: Sequence[Trained]) -> Evaluated:
    first = group[0]
    values = {task: [each.outcome.scores[task] for each in group] for task in first.outcome.scores}
    return Evaluated(
        arm=first.arm,
        number=first.number,
        candidate=first.candidate,
        scores={task: float(np.mean(each)) for task, each in values.items()},
        standard_errors={task: standard_error(each) for task, each in values.items()},
        replicates=len(group),
        parameters=first.outcome.parameters,
        macs_per_example=first.outcome.macs_per_example,
    )
