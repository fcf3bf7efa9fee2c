"""Trains cohorts. Knows backbones, sharings and weightings by their contracts only, and knows no search."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mtlsearch.candidate import Schedule
from mtlsearch.engine.choice import Choice, choose
from mtlsearch.engine.chunks import Chunks
from mtlsearch.engine.cohort import Cohort
from mtlsearch.engine.forest_trainer import ForestTrainer
from mtlsearch.engine.halving import thins
from mtlsearch.engine.model import Model
from mtlsearch.engine.outcome import Outcome, Training
from mtlsearch.engine.serial import SerialTrainer
from mtlsearch.engine.trainer import MakeTrainer
from mtlsearch.engine.training_data import TrainingData

TRAINERS: dict[str, MakeTrainer] = {
    "serial": SerialTrainer,
    "forest": ForestTrainer,
}


@dataclass(frozen=True)
class Engine:
    """Trains the cohorts of a study by one of the trainers, `chunk` members at a time, with or without rungs."""

    data: TrainingData
    schedule: Schedule
    trainer: str
    chunk: int = 32
    rungs: bool = False
    costs: dict[tuple[object, ...], tuple[int, int]] = field(default_factory=dict)

    def train(self, trainings: Sequence[Training]) -> Iterator[Outcome | None]:
        """One outcome per training as soon as it is known; None after each epoch, so that the caller may do other things."""
        return Cohort(self._chunks(), trainings, self.rungs).outcomes()

    def fit_model(self, training: Training) -> tuple[Model, list[list[float]]]:
        """Train one training; returns its model and the history of each component. Raises TrainingFailedError."""
        return Cohort(self._chunks(), [training], rungs=False).model()

    def _chunks(self) -> Chunks:
        return Chunks(self.data, self.schedule, TRAINERS[self.trainer], SerialTrainer, self.chunk, costs=self.costs)


__all__ = ["TRAINERS", "Choice", "Engine", "Model", "Outcome", "Schedule", "Training", "TrainingData", "choose", "thins"]
