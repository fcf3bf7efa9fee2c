"""Trains cohorts. Knows backbones, sharings and weightings by their contracts only, and knows no search."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from mtlsearch.candidate import Schedule
from mtlsearch.engine.cohort import CohortEngine
from mtlsearch.engine.forest_trainer import ForestTrainer
from mtlsearch.engine.model import Model
from mtlsearch.engine.outcome import Outcome, Training
from mtlsearch.engine.serial import SerialTrainer
from mtlsearch.engine.training_data import TrainingData


class Engine(Protocol):
    """Trains the members of a cohort and yields each outcome as soon as it is final."""

    def train(self, cohort: Sequence[Training]) -> Iterator[Outcome]:
        """One outcome per training."""
        ...

    def fit_model(self, training: Training) -> tuple[Model, list[list[float]]]:
        """Train one training; returns its model and the history of each component."""
        ...


def _serial(data: TrainingData, schedule: Schedule) -> Engine:
    return CohortEngine(data, schedule, SerialTrainer, SerialTrainer, chunk=1)


def _forest(data: TrainingData, schedule: Schedule) -> Engine:
    return CohortEngine(data, schedule, ForestTrainer, SerialTrainer, chunk=32)


ENGINES: dict[str, Callable[[TrainingData, Schedule], Engine]] = {
    "serial": _serial,
    "forest": _forest,
}

__all__ = ["ENGINES", "Engine", "Outcome", "Schedule", "Training", "TrainingData"]
