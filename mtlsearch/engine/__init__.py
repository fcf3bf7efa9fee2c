"""Trains cohorts. Knows backbones, sharings and weightings by their contracts only, and knows no search."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from mtlsearch.candidate import Schedule
from mtlsearch.engine.outcome import Outcome, Training
from mtlsearch.engine.serial import SerialEngine
from mtlsearch.engine.training_data import TrainingData


class Engine(Protocol):
    """Trains the members of a cohort and yields each outcome as soon as it is final."""

    def train(self, cohort: Sequence[Training]) -> Iterator[Outcome]:
        """One outcome per training."""
        ...


ENGINES: dict[str, Callable[[TrainingData, Schedule], Engine]] = {
    "serial": SerialEngine,
}

__all__ = ["ENGINES", "Engine", "Outcome", "Schedule", "Training", "TrainingData"]
