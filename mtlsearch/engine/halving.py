"""Successive halving of a cohort: scores of its trainings become score vectors of its candidates, and back."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.candidate import Composition
from mtlsearch.data import METRICS, Task
from mtlsearch.engine.outcome import Training
from mtlsearch.engine.rungs import rung_epochs, thin

ETA = 3
LEAST_KEPT = 2  # candidates; of fewer there is nothing to choose from

TaskScores = Mapping[int, Mapping[str, float]]  # per training its score per task; none when it failed


@dataclass(frozen=True)
class Rung:
    """After `epoch` epochs the cohort goes on with `keep` candidates. `half` is when their progress was looked at before."""

    epoch: int
    half: int
    keep: int
    doublings: float

    @classmethod
    def ladder(cls, epochs: int, candidates: int) -> list["Rung"]:
        """The rungs of a cohort of so many candidates."""
        rungs = rung_epochs(epochs, ETA)
        keeps = [max(math.ceil(candidates / ETA**number), LEAST_KEPT) for number in range(1, len(rungs) + 1)]
        doublings = [math.log(epochs / epoch) / math.log(epoch / (epoch // 2)) for epoch in rungs]
        return [cls(epoch, epoch // 2, keep, d) for epoch, keep, d in zip(rungs, keeps, doublings, strict=True)]

    def survivors(self, trainings: Sequence[Training], tasks: Sequence[Task], before: TaskScores, now: TaskScores) -> set[int]:
        """The numbers of the trainings that go on: those of the candidates that are kept, on the means of their replicates."""
        candidates: dict[Composition, list[int]] = {}
        for training in trainings:
            candidates.setdefault(training.composition, []).append(training.number)
        groups = list(candidates.values())
        then, present = (np.array([_mean(scores, numbers, tasks) for numbers in groups]) for scores in (before, now))
        kept = thin(then, present, self.keep, self.doublings)
        return {number for numbers, goes_on in zip(groups, kept, strict=True) if goes_on for number in numbers}


def thins(epochs: int, candidates: int) -> bool:
    """Whether any of so many candidates would be stopped at a rung."""
    return candidates > LEAST_KEPT and bool(rung_epochs(epochs, ETA))


def _mean(scores: TaskScores, numbers: Sequence[int], tasks: Sequence[Task]) -> list[float]:
    """The mean over replicates of each task's score, lower is better; NaN when no replicate has scores."""
    known = [scores[number] for number in numbers if number in scores]
    signs = [-1.0 if METRICS[task.metric].higher_is_better else 1.0 for task in tasks]
    if not known:
        return [math.nan] * len(tasks)
    return [sign * float(np.mean([each[task.name] for each in known])) for sign, task in zip(signs, tasks, strict=True)]
