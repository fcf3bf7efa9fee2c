"""Which trainer, and how many members at a time: timed on a few steps of the data at hand."""

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob
from mtlsearch.training.chunks import Chunks, out_of_memory
from mtlsearch.training.member import Member
from mtlsearch.training.plain.step import batches
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.stacking import NotStackableError
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.training_data import TrainingData

Run = Callable[[], None]

SIZES = (4, 8, 16, 32, 64, 128)
STEPS, ROUNDS = 4, 3  # timed together; how often
LONGEST = 1.0  # seconds to build and run a forest once, beyond which no larger one is tried
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


def choose(
    data: TrainingData,
    schedule: TrainingSettings,
    sample: Sequence[TrainingJob],
    trainer: str = "auto",
) -> Choice:
    """Time the trainers, or one of them with each chunk size, on the members of a sample of trainings.

    All take turns, and the best of several rounds counts: on a busy machine single timings say little.
    """
    tasks = len(data.dataset.tasks)
    found = dict.fromkeys(
        Member.of(part, training, tasks, schedule)
        for training in sample
        for part in training.composition
    )
    shape = max((member.shape for member in found), key=[member.shape for member in found].count)
    members = [dataclasses.replace(member, donor=None) for member in found if member.shape == shape]
    sizes = [size for size in SIZES if size <= len(members)] or [len(members)]
    chunks = Chunks(data, schedule, StackedTrainer, PlainTrainer, SIZES[-1])
    runs: dict[int, Run | None] = (
        {0: _serial(chunks, members[: SIZES[0]])} if trainer != "forest" else {}
    )
    runs |= _forests(chunks, members, sizes) if trainer != "serial" else {}
    seconds = {
        size: best / _stages(members[: size or SIZES[0]]) for size, best in _in_turn(runs).items()
    }
    named = {
        f"forest, {size} at a time" if size else "serial": each for size, each in seconds.items()
    }
    serial = seconds.pop(0, math.inf)
    if seconds and (trainer == "forest" or min(seconds.values()) < MARGIN * serial):
        return Choice("forest", min(seconds, key=lambda size: seconds[size]), named)
    return Choice("forest", SIZES[0], named) if trainer == "forest" else Choice("serial", 1, named)


def _in_turn(runs: Mapping[int, Run | None]) -> dict[int, float]:
    """The least seconds per step of each, all taking turns; one that runs out of memory is left out."""
    best: dict[int, float] = {}
    for _ in range(ROUNDS):
        for size, run in runs.items():
            if run is not None:
                started = time.perf_counter()
                run()
                best[size] = min(best.get(size, math.inf), (time.perf_counter() - started) / STEPS)
    return best


def _stages(members: Sequence[Member]) -> int:
    candidates = [member.component.candidate for member in members]
    return sum(
        len(nodes) + more
        for each in candidates
        for nodes, more in zip(each.tree.levels, each.experts, strict=True)
    )


def _serial(chunks: Chunks, members: Sequence[Member]) -> Run:
    """Some steps of each member as plain modules; a few members tell it, since they do not influence each other."""
    fittings = list(
        PlainTrainer(
            members, chunks.networks(members), chunks.data, chunks.schedule
        ).fittings.values()
    )

    def run() -> None:
        for fitting in fittings:
            order = batches(fitting.data, chunks.schedule, fitting.network.seed, 0)
            fitting.step.run(itertools.islice(itertools.cycle(order), STEPS), 0)

    return run


def _forests(
    chunks: Chunks, members: Sequence[Member], sizes: Sequence[int]
) -> dict[int, Run | None]:
    """Forests of growing size, as long as they are quick to try."""
    found: dict[int, Run | None] = {}
    for size in sizes:
        started = time.perf_counter()
        found[size] = _forest(chunks, members[:size])
        if time.perf_counter() - started > LONGEST:
            break
    return found


def _forest(chunks: Chunks, members: Sequence[Member]) -> Run | None:
    """Some steps of a forest of these members; None where they cannot be stacked or the memory is too small."""
    try:
        trainer = StackedTrainer(members, chunks.networks(members), chunks.data, chunks.schedule)
        run = partial(_run_forest, trainer, chunks.schedule)
        run()
        return run
    except NotStackableError:
        return None
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return None


def _run_forest(trainer: StackedTrainer, schedule: TrainingSettings) -> None:
    order = trainer.rows.epoch([seed for _, seed in trainer.replicates], 0, schedule)
    trainer.step.run(itertools.islice(itertools.cycle(order), STEPS))
    trainer.step.forest.stages[0].weights.sum().item()  # waits for a GPU
