"""What a worker needs to train cohorts, on whatever machine it runs."""

from dataclasses import dataclass

import torch

from mtlsearch.backbones.plugins import Plugin
from mtlsearch.candidate import TrainingSettings
from mtlsearch.data import Dataset
from mtlsearch.errors import UsageError
from mtlsearch.search.worker import Worker
from mtlsearch.training.engine import Engine
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.precision import forbid_rounded_convolutions
from mtlsearch.training.training_data import TrainingData

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class PartData:
    """What a further part of a study is trained on, and its seed."""

    dataset: Dataset
    seed: int


@dataclass(frozen=True)
class WorkerContext:
    """Everything that a worker is given once, at its start.

    Attributes:
        dataset: What is trained on.
        settings: How every candidate trains; in the confirmation, in the verdict's precision.
        seed: The seed of the study.
        engine: Which engine trains, and how many networks at a time.
        device: auto, cpu or cuda.
        plugins: The modules with the user's own backbones.
        threads: How many threads torch may use.
        further: The parts of the study after the first, whose datasets have the inputs and targets
            of the first.
    """

    dataset: Dataset
    settings: TrainingSettings
    seed: int
    engine: Choice
    device: str
    plugins: tuple[Plugin, ...] = ()
    threads: int = 1
    further: tuple[PartData, ...] = ()

    def make_engine(self, part: int = 0) -> Engine:
        """The engine of a part on this process's device, once the plugins are loaded.

        Sets torch's threads, since left alone busy cores train many times slower, and the precision
        of convolutions. Raises UsageError for a device that is not there, and StudyError for a
        plugin that cannot be loaded.
        """
        for plugin in self.plugins:
            plugin.load()
        torch.set_num_threads(self.threads)
        forbid_rounded_convolutions()
        parts = [PartData(self.dataset, self.seed), *self.further]
        chosen = parts[part]
        data = TrainingData(
            chosen.dataset,
            chosen.seed,
            resolve_device(self.device),
            self.settings.search_rows,
        )
        return Engine(data, self.settings, self.engine.trainer, self.engine.chunk)

    def make_worker(self) -> Worker:
        """What trains networks with that engine, and fits references. Raises as `make_engine`."""
        return Worker(self.make_engine, self.settings.for_verdict())


def resolve_device(device: str) -> torch.device:
    """The device of this name; `auto` is the first CUDA device where there is one.

    Raises UsageError for a device that is not there.
    """
    if device not in DEVICES:
        raise UsageError(f"--device: found {device}; known: {', '.join(DEVICES)}")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not is_here(device):
        raise UsageError("--device: cuda was asked for, but torch finds no CUDA device here")
    return torch.device(device)


def is_here(device: str) -> bool:
    """Whether this machine has the device of this name."""
    return device != "cuda" or torch.cuda.is_available()
