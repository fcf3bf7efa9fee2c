"""What a worker needs to train cohorts, on whatever machine it runs: the dataset, the schedule, the engine, the device."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from mtlsearch.candidate import Schedule
from mtlsearch.data import Dataset
from mtlsearch.engine import ENGINES, Engine, Outcome, Training, TrainingData
from mtlsearch.errors import UsageError

DEFAULT_ENGINE = "serial"


@dataclass(frozen=True)
class Workplace:
    """Everything a worker is given once, at its start."""

    dataset: Dataset
    schedule: Schedule
    seed: int
    engine: str
    device: str
    threads: int

    def engine_here(self) -> Engine:
        """The engine on this process's device. Sets torch's threads: left alone, busy cores train many times slower."""
        torch.set_num_threads(self.threads)
        data = TrainingData(self.dataset, self.seed, resolve_device(self.device))
        return ENGINES[DEFAULT_ENGINE if self.engine == "auto" else self.engine](data, self.schedule)


def resolve_device(device: str) -> torch.device:
    """`auto` is the first CUDA device where there is one. Raises UsageError for a device that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device: found {device}; known: auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: cuda was asked for, but torch finds no CUDA device here")
    return torch.device(device)


def train(engine: Engine, trainings: Sequence[Training]) -> Iterator[Outcome]:
    """Train a cohort; a training that breaks for a reason nobody foresaw is a failed one, and the others go on."""
    waiting = list(trainings)
    while waiting:
        try:
            for outcome in engine.train(list(waiting)):
                waiting = [training for training in waiting if training.number != outcome.number]
                yield outcome
        except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
            yield Outcome.failed(waiting.pop(0).number, f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")
