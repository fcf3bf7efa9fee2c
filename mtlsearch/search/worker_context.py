"""What a worker needs to train cohorts, on whatever machine it runs: dataset, schedule, engine, device, the user's modules."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from mtlsearch.backbones.plugins import Plugin
from mtlsearch.candidate import TrainingSettings
from mtlsearch.data import Dataset
from mtlsearch.errors import UsageError
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.training import Choice, Engine, TrainingData

BROKEN = (RuntimeError, ValueError, ArithmeticError, MemoryError)


@dataclass(frozen=True)
class WorkerContext:
    """Everything a worker is given once, at its start."""

    dataset: Dataset
    schedule: TrainingSettings
    seed: int
    choice: Choice
    device: str
    plugins: tuple[Plugin, ...] = ()
    threads: int = 1

    def engine_here(self) -> Engine:
        """The engine on this process's device, once the plugins are loaded.

        Sets torch's threads: left alone, busy cores train many times slower.
        """
        for plugin in self.plugins:
            plugin.load()
        torch.set_num_threads(self.threads)
        data = TrainingData(self.dataset, self.seed, resolve_device(self.device))
        return Engine(data, self.schedule, self.choice.trainer, self.choice.chunk)


def resolve_device(device: str) -> torch.device:
    """`auto` is the first CUDA device where there is one. Raises UsageError for a device that is not there."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device not in ("cpu", "cuda"):
        raise UsageError(f"--device: found {device}; known: auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device: cuda was asked for, but torch finds no CUDA device here")
    return torch.device(device)


def train(engine: Engine, trainings: Sequence[TrainingJob]) -> Iterator[TrainingResult | None]:
    """Train a cohort, with None after each epoch.

    When one breaks for a reason nobody foresaw, the rest are trained one by one, and those that break again have failed.
    """
    waiting = {training.number: training for training in trainings}
    try:
        for outcome in engine.train(trainings):
            if outcome:
                del waiting[outcome.number]
            yield outcome
    except BROKEN as error:
        if len(trainings) == 1:
            reason = (str(error).splitlines() or [""])[0][:200]
            yield TrainingResult.failed(trainings[0].number, f"{type(error).__name__}: {reason}")
            return
        for training in waiting.values():
            yield from train(engine, [training])
