"""Trains cohorts. Knows backbones, sharings and weightings by their contracts only, and knows no search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.cohort import Cohort
from mtlsearch.training.engine_choice import Choice, choose
from mtlsearch.training.plain.network import Model
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.trainer import MakeTrainer
from mtlsearch.training.training_data import TrainingData

TRAINERS: dict[str, MakeTrainer] = {
    "serial": PlainTrainer,
    "forest": StackedTrainer,
}


@dataclass(frozen=True)
class Engine:
    """Trains the cohorts of a study by one of the trainers, `chunk` members at a time."""

    data: TrainingData
    schedule: TrainingSettings
    trainer: str
    chunk: int = 32
    costs: dict[tuple[object, ...], tuple[int, int]] = field(default_factory=dict)

    def train(self, trainings: Sequence[TrainingJob]) -> Iterator[TrainingResult | None]:
        """One outcome per training as soon as it is known; None after each epoch, so that the caller may do other things."""
        return Cohort(self._chunks(), trainings).outcomes()

    def fit_model(self, training: TrainingJob) -> tuple[Model, list[list[float]]]:
        """Train one training; returns its model and the history of each component. Raises TrainingFailedError."""
        return Cohort(self._chunks(), [training]).model()

    def _chunks(self) -> Chunks:
        return Chunks(
            self.data,
            self.schedule,
            TRAINERS[self.trainer],
            PlainTrainer,
            self.chunk,
            costs=self.costs,
        )


__all__ = [
    "TRAINERS",
    "Choice",
    "Engine",
    "Model",
    "TrainingData",
    "choose",
]
