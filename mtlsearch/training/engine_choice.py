"""The choice of a trainer and of a chunk size, timed on a few steps of the data at hand."""

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob
from mtlsearch.training.batches import steps_per_epoch
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.failures import out_of_memory
from mtlsearch.training.member import Member
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.trainer import NotStackableError
from mtlsearch.training.training_data import TrainingData

B = TypeVar("B")
Run = Callable[[], None]  # some steps of training

SIZES = (4, 8, 16, 32, 64, 128)  # chunks that are tried
PLAIN_SIZE = 0  # stands for the plain trainer, which trains one member at a time
STEPS = 4  # timed together
ROUNDS = 3  # how often each is timed
LONGEST = 1.0  # seconds to build and run a forest once, beyond which no larger one is tried
MARGIN = 0.95  # of the plain trainer's time that the stacked one must stay under


@dataclass(frozen=True)
class Choice:
    """A trainer and the chunk size.

    `seconds` are those per stage and step, of what was chosen and of the others.
    """

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
    """Time the trainers, or one of them with each chunk size, on the members of a sample of jobs.

    All take turns, and the best of several rounds counts: on a busy machine single timings say
    little.
    """
    members = _alike_members(data, schedule, sample)
    chunks = Chunks(
        data,
        schedule,
        StackedTrainer,
        PlainTrainer,
        SIZES[-1],
    )
    runs: dict[int, Run] = {}
    if trainer != "forest":
        runs[PLAIN_SIZE] = _plain_run(chunks, members[: SIZES[0]])
    if trainer != "serial":
        runs |= _stacked_runs(chunks, members)
    seconds = {}
    for size, best in _time_in_turn(runs).items():
        timed_members = members[: size or SIZES[0]]
        seconds[size] = best / sum(member.stages for member in timed_members)
    return _choice(seconds, trainer)


def _alike_members(
    data: TrainingData, schedule: TrainingSettings, sample: Sequence[TrainingJob]
) -> list[Member]:
    """The members of the jobs that have the most frequent shape, as if they began at random."""
    tasks = len(data.dataset.tasks)
    members: dict[Member, None] = {}
    for job in sample:
        for component in job.composition:
            members[
                Member.of(
                    component,
                    job,
                    tasks,
                    schedule,
                )
            ] = None
    shapes = [_shape(member, data, schedule) for member in members]
    most_frequent = max(shapes, key=shapes.count)
    alike = []
    for member, shape in zip(members, shapes, strict=True):
        if shape == most_frequent:
            alike.append(dataclasses.replace(member, pretraining=None))
    return alike


def _shape(
    member: Member,
    data: TrainingData,
    schedule: TrainingSettings,
) -> tuple[object, ...]:
    """The facts that members of one replicate must have in common to be stacked."""
    optimizer = member.component.candidate.optimizer
    steps = steps_per_epoch(data.fold(member.replicate), schedule.for_optimizer(optimizer))
    return (*member.shape, steps)


def _choice(
    seconds: Mapping[int, float],
    trainer: str,
) -> Choice:
    """The choice by the seconds of each size; `trainer` is what the user asked for."""
    named = {_size_name(size): value for size, value in seconds.items()}
    stacked = dict(seconds)
    plain_seconds = stacked.pop(PLAIN_SIZE, math.inf)
    fastest = min(
        stacked,
        key=lambda size: stacked[size],
        default=SIZES[0],
    )
    is_faster = stacked.get(fastest, math.inf) < MARGIN * plain_seconds
    if trainer == "forest" or is_faster:
        return Choice("forest", fastest, named)
    return Choice("serial", 1, named)


def _size_name(size: int) -> str:
    return "serial" if size == PLAIN_SIZE else f"forest, {size} at a time"


def _time_in_turn(runs: Mapping[int, Run]) -> dict[int, float]:
    """The least seconds per step of each run, all taking turns."""
    best: dict[int, float] = {}
    for _ in range(ROUNDS):
        for size, run in runs.items():
            started = time.perf_counter()
            run()
            seconds = (time.perf_counter() - started) / STEPS
            best[size] = min(best.get(size, math.inf), seconds)
    return best


def _plain_run(
    chunks: Chunks,
    members: Sequence[Member],
) -> Run:
    """Some steps of each member as plain modules.

    A few members tell the time of all, since they do not influence each other.
    """
    networks = chunks.networks(members)
    trainer = PlainTrainer(members, networks, chunks.data, chunks.schedule)

    def run() -> None:
        for fitting in trainer.fittings.values():
            order = fitting.batches(epoch=0)
            fitting.step.run(_some_steps(order), epoch=0)

    return run


def _stacked_runs(
    chunks: Chunks,
    members: Sequence[Member],
) -> dict[int, Run]:
    """Forests of growing size, as long as they are quick to try, by their sizes."""
    sizes = [size for size in SIZES if size <= len(members)]
    if not sizes:
        sizes = [len(members)]
    runs: dict[int, Run] = {}
    for size in sizes:
        started = time.perf_counter()
        run = _stacked_run(chunks, members[:size])
        if run is not None:
            runs[size] = run
        if time.perf_counter() - started > LONGEST:
            break
    return runs


def _stacked_run(
    chunks: Chunks,
    members: Sequence[Member],
) -> Run | None:
    """Some steps of a forest of these members.

    None where they cannot be stacked or the memory is too small.
    """
    networks = chunks.networks(members)
    try:
        trainer = StackedTrainer(members, networks, chunks.data, chunks.schedule)

        def run() -> None:
            order = trainer.batches(epoch=0)
            trainer.step.run(_some_steps(order))
            _wait_for_device(trainer)

        run()
    except NotStackableError:
        return None
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return None
    return run


def _wait_for_device(trainer: StackedTrainer) -> None:
    """Wait until a GPU has done what it was told to: reading a number of the result does."""
    trainer.step.forest.stages[0].weights.sum().item()


def _some_steps(order: Iterable[B]) -> Iterable[B]:
    """The first steps of an epoch, which begins again where it is too short."""
    return itertools.islice(itertools.cycle(order), STEPS)
