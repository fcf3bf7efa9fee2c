"""What `check` does: everything a search would do once, on one candidate of each kind, with an estimate of the whole."""

import dataclasses
import time
from collections.abc import Iterator

import torch

from mtlsearch.data import Dataset
from mtlsearch.errors import NoCandidateError
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.search.arms import ARMS
from mtlsearch.search.engine_choice import time_engines
from mtlsearch.search.proposal import propose
from mtlsearch.search.study import directions
from mtlsearch.search.worker_context import train
from mtlsearch.space import SearchSpace
from mtlsearch.training import Choice, Engine, TrainingData

REHEARSED = ("share_all", "single_task")


def rehearse(dataset: Dataset, space: SearchSpace, device: torch.device) -> Iterator[str]:
    """Describe the problem, train each rehearsed arm for one epoch and estimate a full training.

    Raises NoCandidateError when a rehearsed training fails.
    """
    data = TrainingData(dataset, 0, device)
    for source in dataset.sources.values():
        features = data.signature(0).features[source.name]
        holds = f"{source.inputs.shape[1]} inputs" if source.kind == "table" else features
        yield f"source {source.name}: {len(source.inputs)} rows, {holds}"
    for task in dataset.tasks:
        classes = f", classes {', '.join(task.classes)}" if task.classes else ""
        yield f"task {task.name}: {task.kind}, metric {task.metric}, source {task.source}{classes}"
    yield from dataset.notices
    for name, spec in space.parameters():
        yield f"space {name}: {spec}"
    choice = time_engines(dataset, space, device, 0)
    timed = ", ".join(f"{name} {seconds * 1e3:.2f}" for name, seconds in choice.seconds.items())
    yield f"engine {choice.trainer}, {choice.chunk} networks at a time (milliseconds per stage and step: {timed})"
    held = sum(
        tensor.nbytes
        for each in (data.fold(0).inputs, data.fold(0).targets)
        for tensor in each.values()
    )
    for arm in REHEARSED:
        outcome, seconds = _train_once(arm, space, data, choice)
        yield (
            f"{arm}: {outcome.parameters} parameters, {outcome.macs_per_example} MACs per example, at most about "
            f"{seconds * space.training.epochs:.1f} s per training of {space.training.epochs} epochs on one {device.type} worker"
        )
    yield f"memory: {held / 2**20:.1f} MiB of data on each worker, besides about 400 MiB for the process itself"
    yield "ok"


def _train_once(
    arm: str, space: SearchSpace, data: TrainingData, choice: Choice
) -> tuple[TrainingResult, float]:
    """One epoch of a sampled candidate; a second run tells the seconds, free of start-up costs."""
    candidate, _ = propose(
        ARMS[arm].pin(space), "random", 0, [], directions(data.dataset, space.cost)
    )
    engine = Engine(data, dataclasses.replace(space.training, epochs=1), choice.trainer)
    for _ in range(2):
        started = time.perf_counter()
        [outcome] = [
            each for each in train(engine, [TrainingJob(0, candidate.composition(), 0, 0)]) if each
        ]
        if outcome.failure:
            raise NoCandidateError(f"{arm}: the rehearsal failed: {outcome.failure}")
    return outcome, time.perf_counter() - started
