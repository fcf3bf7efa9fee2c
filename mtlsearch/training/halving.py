"""Successive halving of a cohort: scores of its trainings become score vectors of its candidates, and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Composition
from mtlsearch.records import TrainingJob
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task
from mtlsearch.training.rungs import rung_epochs, thin

ETA = 3
LATER_SHARE = 0.13  # of a cohort goes on after the second rung: with a ninth the front has too few points left
LEAST_KEPT = 2  # candidates; of fewer there is nothing to choose from

TaskScores = Mapping[
    int, Mapping[str, float]
]  # per training its score per task; none when it failed


@dataclass(frozen=True)
class Rung:
    """After `epoch` epochs the cohort goes on with `keep` candidates. Their progress was looked at after `quarter` and `half`."""

    epoch: int
    half: int
    quarter: int
    keep: int
    doublings: float
    stretch: float

    @classmethod
    def ladder(cls, epochs: int, candidates: int, tasks: int) -> list["Rung"]:
        """The rungs of a cohort of so many candidates."""
        rungs = rung_epochs(epochs, ETA)
        keeps = [
            math.ceil(candidates / ETA),
            *(math.ceil(LATER_SHARE * candidates) for _ in rungs[1:]),
        ]
        reached = [1, *rungs[:-1]]
        steps = zip(rungs, keeps, reached, strict=True)
        return [
            cls._at(epoch, epochs, max(keep, LEAST_KEPT, tasks), before)
            for epoch, keep, before in steps
        ]

    @classmethod
    def _at(cls, epoch: int, epochs: int, keep: int, reached: int) -> "Rung":
        half, quarter = round(epoch / 2), max(reached, round(epoch / 4))
        doubling = math.log(epoch / half)
        return cls(
            epoch,
            half,
            quarter,
            keep,
            math.log(epochs / epoch) / doubling,
            math.log(half / quarter) / doubling,
        )

    def survivors(
        self, trainings: Sequence[TrainingJob], tasks: Sequence[Task], looks: Sequence[TaskScores]
    ) -> set[int]:
        """The numbers of the trainings that go on: those of the candidates that are kept, on the means of their replicates.

        `looks` are the scores after `quarter`, `half` and `epoch`.
        """
        candidates: dict[Composition, list[int]] = {}
        for training in trainings:
            candidates.setdefault(training.composition, []).append(training.number)
        groups = list(candidates.values())
        earlier, before, now = (
            np.array([_mean(scores, numbers, tasks) for numbers in groups]) for scores in looks
        )
        kept = thin(before, now, self.keep, self.doublings, earlier, self.stretch)
        return {
            number
            for numbers, goes_on in zip(groups, kept, strict=True)
            if goes_on
            for number in numbers
        }


def thins(epochs: int, candidates: int, tasks: int) -> bool:
    """Whether any of so many candidates would be stopped at a rung."""
    return candidates > max(LEAST_KEPT, tasks) and bool(rung_epochs(epochs, ETA))


def _mean(scores: TaskScores, numbers: Sequence[int], tasks: Sequence[Task]) -> list[float]:
    """The mean over replicates of each task's score, lower is better; NaN when no replicate has scores."""
    known = [scores[number] for number in numbers if number in scores]
    signs = [-METRICS[task.metric].sign for task in tasks]
    if not known:
        return [math.nan] * len(tasks)
    return [
        sign * float(np.mean([each[task.name] for each in known]))
        for sign, task in zip(signs, tasks, strict=True)
    ]
