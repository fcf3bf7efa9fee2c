"""Picked models as they were confirmed: trained with fresh seeds, and scored on test rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtlsearch.arrays import Array
from mtlsearch.evidence.scoring import TestScores
from mtlsearch.evidence.selection import Pick
from mtlsearch.records import TrainingResult
from mtlsearch.search.confirmed_files import read_weights


@dataclass(frozen=True)
class ConfirmedTraining:
    """A training of a picked model with one fresh seed.

    `predictions` are those for the test rows, per task name; `scores` are computed from them.
    """

    seed_index: int
    result: TrainingResult
    predictions: Mapping[str, Array]
    scores: TestScores
    study: Path
    files: Mapping[str, str]

    def weights(self) -> bytes:
        """The trained weights in the format of safetensors.

        Raises StudyError when they cannot be read.
        """
        return read_weights(self.study, self.files)


@dataclass(frozen=True)
class Confirmed:
    """A pick and its trainings with fresh seeds that succeeded, in the order of their seeds.

    There is at least one. `left_out` says by the index of every other seed why it is not among
    them.
    """

    pick: Pick
    trainings: Sequence[ConfirmedTraining]
    left_out: Mapping[int, str] = field(default_factory=dict)

    @property
    def arm(self) -> str:
        """The arm that the pick is of."""
        return self.pick.arm

    def scores(self, task: str) -> list[float]:
        """The test score of a task, seed by seed."""
        return [training.scores.scores[task] for training in self.trainings]

    @property
    def by_seed(self) -> dict[int, TestScores]:
        """The test scores by the index of the seed."""
        return {training.seed_index: training.scores for training in self.trainings}
