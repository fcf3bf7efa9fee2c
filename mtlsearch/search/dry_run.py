"""What `check` does: all that a search would do, on few candidates, with an estimate."""

import dataclasses
import time
from collections.abc import Iterator

import torch

from mtlsearch.data import Dataset, Source, find_traps
from mtlsearch.data.column_table import column_lines, describe_columns
from mtlsearch.errors import NoCandidateError
from mtlsearch.records import Replicate, TrainingJob, TrainingResult
from mtlsearch.search.arms import ARMS, DRY_RUN
from mtlsearch.search.batch_sizes import batch_size_notices, search_row_notices
from mtlsearch.search.engine_choice import time_engines
from mtlsearch.search.first_timing import time_trainings, wanted_references
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.memory import estimate_memory
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose
from mtlsearch.search.request import Request
from mtlsearch.space import SearchSpace
from mtlsearch.tasks import Task
from mtlsearch.training.engine import Engine
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.training_data import TrainingData

FIRST = Replicate("search", 0)


def dry_run(
    dataset: Dataset,
    space: SearchSpace,
    device: torch.device,
    request: Request,
) -> Iterator[str]:
    """Describe the problem, train some arms for one epoch and forecast what is asked for.

    Yields the description line by line. Raises NoCandidateError when such a training fails.
    """
    data = TrainingData(dataset, 0, device, space.training.search_rows)
    for source in dataset.sources.values():
        yield _describe_source(source, data)
    for task in dataset.tasks:
        yield _describe_task(task)
    fold = data.fold(FIRST).prepared.fold
    yield from column_lines(describe_columns(dataset, fold))
    yield from dataset.notices
    for warning in find_traps(dataset):
        yield f"warning: {warning}"
    for name, spec in space.parameters():
        yield f"space {name}: {spec}"
    yield from batch_size_notices(dataset, space, 0)
    yield from search_row_notices(dataset, space)
    engine = time_engines(dataset, space, device, 0)
    yield _describe_engine(engine)
    for arm in DRY_RUN:
        yield _describe_training(arm, space, data, engine)
    timings = time_trainings(request, dataset, space, engine)
    if timings is not None:
        forecast = Forecast(request, timings, wanted_references(request))
        yield f"forecast: {forecast.describe()}"
    yield estimate_memory(data, request, space, engine).describe()
    yield "ok"


def _describe_source(source: Source, data: TrainingData) -> str:
    schema = data.signature(FIRST).schemas[source.name]
    holds = source.kind.describe(source.inputs, schema)
    return f"source {source.name}: {len(source.inputs)} rows, {holds}"


def _describe_task(task: Task) -> str:
    words = [task.kind.name, f"metric {task.metric.name}", f"source {task.source}"]
    if task.classes:
        what = "labels" if task.kind.labels_per_class else "classes"
        words.append(f"{what} {', '.join(task.classes)}")
    if task.options.description:
        words.append(task.options.description)
    return f"task {task.name}: {', '.join(words)}"


def _describe_engine(engine: Choice) -> str:
    timings = [f"{name} {seconds * 1e3:.2f}" for name, seconds in engine.seconds.items()]
    return (
        f"engine {engine.trainer}, {engine.chunk} networks at a time "
        f"(milliseconds per stage and step: {', '.join(timings)})"
    )


def _describe_training(
    arm: str,
    space: SearchSpace,
    data: TrainingData,
    engine: Choice,
) -> str:
    result, seconds_per_epoch = _train_once(arm, space, data, engine)
    epochs = space.training.epochs
    seconds = seconds_per_epoch * epochs
    return (
        f"{arm}: {result.parameters} parameters, {result.macs_per_example} MACs per example, "
        f"at most about {seconds:.1f} s per training of {epochs} epochs "
        f"on one {data.device.type} worker"
    )


def _train_once(
    arm: str,
    space: SearchSpace,
    data: TrainingData,
    engine: Choice,
) -> tuple[TrainingResult, float]:
    """The result of one epoch of a sampled candidate, and the seconds that it takes."""
    objectives = directions(data.dataset, space.cost)
    candidate, _ = propose(ARMS[arm].restrict(space), "random", 0, [], objectives)
    job = TrainingJob(0, candidate.composition(), FIRST, 0)
    settings = dataclasses.replace(space.training, epochs=1)
    trainer = Engine(data, settings, engine.trainer)
    _result_of(arm, trainer, job)  # the first run has start-up costs
    started = time.perf_counter()
    result = _result_of(arm, trainer, job)
    return result, time.perf_counter() - started


def _result_of(arm: str, engine: Engine, job: TrainingJob) -> TrainingResult:
    [result] = [result for result in engine.train([job]) if result]
    if result.failure:
        raise NoCandidateError(f"{arm}: the dry run failed: {result.failure}")
    return result
