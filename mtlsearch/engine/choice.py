"""Which trainer, and how many members at a time: timed on a few steps of the data at hand."""

import dataclasses
import itertools
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mtlsearch.candidate import Schedule
from mtlsearch.engine.chunks import Chunks, out_of_memory
from mtlsearch.engine.forest_trainer import ForestTrainer
from mtlsearch.engine.loop import batches
from mtlsearch.engine.member import Member
from mtlsearch.engine.outcome import Training
from mtlsearch.engine.serial import SerialTrainer
from mtlsearch.engine.stacking import NotStackableError
from mtlsearch.engine.training_data import TrainingData

SIZES = (4, 8, 16, 32, 64, 128)
STEPS = 4  # timed, after one to warm up
MARGIN = 0.95  # of the serial time that the forest must stay under


@dataclass(frozen=True)
class Choice:
    """A trainer and the chunk size, with the seconds per stage and step that it was chosen for, and those of the others."""

    trainer: str
    chunk: int
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return asdict(self)


def choose(data: TrainingData, schedule: Schedule, sample: Sequence[Training], trainer: str = "auto") -> Choice:
    """Time the trainers, or one of them with each chunk size, on the members of a sample of trainings."""
    tasks = len(data.dataset.tasks)
    found = dict.fromkeys(Member.of(part, training, tasks, schedule) for training in sample for part in training.composition)
    shape = max((member.shape for member in found), key=[member.shape for member in found].count)
    members = [dataclasses.replace(member, donor=None) for member in found if member.shape == shape]
    chunks = Chunks(data, schedule, ForestTrainer, SerialTrainer, SIZES[-1])
    seconds = {"serial": _serial(chunks, members)} if trainer != "forest" else {}
    sizes = [size for size in SIZES if size <= len(members)] or [len(members)]
    forests = {size: _forest(chunks, members[:size]) for size in sizes} if trainer != "serial" else {}
    seconds |= {f"forest, {size} at a time": each for size, each in forests.items() if each is not None}
    known = {size: each for size, each in forests.items() if each is not None}
    best = min(known, key=lambda size: known[size], default=1)
    if trainer == "forest" or (known and known[best] < MARGIN * seconds["serial"]):
        return Choice("forest", best if known else SIZES[0], seconds)
    return Choice("serial", 1, seconds)


def _stages(members: Sequence[Member]) -> int:
    return sum(len(nodes) for member in members for nodes in member.component.candidate.tree.levels)


def _serial(chunks: Chunks, members: Sequence[Member]) -> float:
    """Seconds per stage and step of plain modules; a few members tell it, since they do not influence each other."""
    own = members[: SIZES[0]]
    fittings = list(SerialTrainer(own, chunks.networks(own), chunks.data, chunks.schedule).fittings.values())
    started = 0.0
    for count in (1, STEPS):
        started = time.perf_counter()
        for fitting in fittings:
            order = batches(fitting.data, chunks.schedule, fitting.network.seed, 0)
            fitting.step.run(itertools.islice(itertools.cycle(order), count), 0)
    return (time.perf_counter() - started) / _stages(own) / STEPS


def _forest(chunks: Chunks, members: Sequence[Member]) -> float | None:
    """Seconds per stage and step of a forest of these members; None where they cannot be stacked or the memory is too small."""
    try:
        trainer = ForestTrainer(members, chunks.networks(members), chunks.data, chunks.schedule)
        return _seconds(trainer, chunks.schedule) / _stages(members)
    except NotStackableError:
        return None
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return None


def _seconds(trainer: ForestTrainer, schedule: Schedule) -> float:
    started = 0.0
    for count in (1, STEPS):
        started = time.perf_counter()
        order = trainer.rows.epoch([seed for _, seed in trainer.replicates], 0, schedule)
        trainer.step.run(itertools.islice(itertools.cycle(order), count))
        trainer.step.forest.stages[0].weights.sum().item()  # waits for a GPU
    return (time.perf_counter() - started) / STEPS
