"""Time per training and peak memory against tasks, candidates and rows, one at a time.

    python -m benchmarks.scaling

Time is the process's own on its one thread (on a GPU that of the wall), so that other jobs disturb
it less. The tasks are synthetic regressions on 20 inputs (random linear maps and noise), 80% of the
rows for training, batches of 256, an MLP of 4 levels x width 64, random trees, the forest with
chunks of 32 members on one thread. Every point is a process of its own; its peak is that of its
resident memory, torch and the imports (which the point of one candidate and 1,000 rows shows)
included.

Growth is the memory over 1,000 candidates: cohorts of 8, one epoch each, one after another in one
worker; reported is the resident memory after so many.
"""

import dataclasses
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from benchmarks.machine import DEVICE, peak_bytes, plain_space, publish, random_trainings
from mtlsearch.data import TEST, TRAIN, Dataset, Source, Splits
from mtlsearch.records import TrainingJob
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.space import SearchSpace
from mtlsearch.tasks import Regression, Task
from mtlsearch.tasks.metrics import R2
from mtlsearch.training.engine import Engine
from mtlsearch.training.engine_choice import Choice

BASE = {"tasks": 4, "candidates": 8, "rows": 10_000}
POINTS = {
    "tasks": (2, 8, 32),
    "candidates": (1, 8, 32, 128),
    "rows": (1_000, 10_000, 100_000, 1_000_000),
}
ROW_EPOCHS = 20_000  # rows x epochs of a training, but one epoch at least
INPUTS = 20
BATCH = 256
CHUNK = 32
TEST_SHARE = 0.01
GROWTH = (8, 104, 504, 1000)
COHORT = 8
SOURCE = "made"
MEBIBYTE = 2**20
COLUMNS = [
    "factor",
    "value",
    "epochs",
    "CPU s/training",
    "CPU us per training, row and epoch",
    "peak MiB",
]


class Point(NamedTuple):
    """What one point cost: seconds per training, and the peak of memory in MiB."""

    epochs: int
    seconds: float
    peak: float


def dataset(tasks: int, rows: int) -> Dataset:
    """Make random linear targets with noise."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((rows, INPUTS))
    weights = rng.standard_normal((INPUTS, tasks))
    noise = rng.standard_normal((rows, tasks))
    values = inputs @ weights + noise
    role = np.where(rng.random(rows) < TEST_SHARE, TEST, TRAIN)

    columns = [f"x{number}" for number in range(INPUTS)]
    table = pd.DataFrame(inputs, columns=columns)
    source = Source(SOURCE, table, Splits(role, given=False))
    made = []
    targets = {}
    for number in range(tasks):
        name = f"y{number}"
        made.append(Task(name, Regression(), R2, SOURCE, name))
        targets[name] = values[:, number].copy()
    return Dataset(SOURCE, {SOURCE: source}, tuple(made), targets, "")


def _engine(data: Dataset, space: SearchSpace) -> Engine:
    choice = Choice("forest", CHUNK, {})
    return WorkerContext(data, space.training, 0, choice, "auto").make_engine()


def point(
    tasks: int,
    candidates: int,
    rows: int,
) -> Point:
    """Measure one point in this process."""
    epochs = max(1, ROW_EPOCHS // rows)
    data = dataset(tasks, rows)
    space = plain_space(tasks, epochs, BATCH)
    engine = _engine(data, space)
    trainings = random_trainings(data, space, candidates, 1)
    _warm_up(engine, random_trainings(data, space, 1, 1))

    clock = time.process_time if DEVICE.type == "cpu" else time.perf_counter
    started = clock()
    results = [result for result in engine.train(trainings) if result]
    seconds = (clock() - started) / candidates

    assert len(results) == candidates
    assert all(result.complete for result in results)
    peak = peak_bytes() / 2**20
    return Point(epochs, seconds, peak)


def _warm_up(engine: Engine, trainings: Sequence[TrainingJob]) -> None:
    """Train for one epoch: what torch imports at its first use costs a second."""
    short = dataclasses.replace(engine.schedule, epochs=1)
    warm = dataclasses.replace(engine, schedule=short)
    results = list(warm.train(trainings))
    assert len(results) > 1


def growth() -> dict[str, float]:
    """Return the resident MiB of one worker after so many candidates."""
    data = dataset(BASE["tasks"], 1_000)
    space = plain_space(BASE["tasks"], 1, BATCH)
    engine = _engine(data, space)
    trainings = random_trainings(data, space, GROWTH[-1], 1)
    resident = {}
    for first in range(0, len(trainings), COHORT):
        done = first + COHORT
        results = [result for result in engine.train(trainings[first:done]) if result]
        assert len(results) == COHORT
        if done in GROWTH:
            resident[str(done)] = _resident()
    return resident


def _resident() -> float:
    statistics = Path("/proc/self/statm").read_text(encoding="ascii")
    pages = int(statistics.split()[1])
    return pages * resource.getpagesize() / MEBIBYTE


def _in_a_fresh_process(*arguments: object) -> Any:
    """Return what this script says in a process of its own."""
    words = [str(argument) for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling", *words],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    last_line = done.stdout.splitlines()[-1]
    answer = json.loads(last_line)
    print(*arguments, answer, flush=True)
    return answer


def table() -> list[list[Any]]:
    """Measure all points, then the growth."""
    rows: list[list[Any]] = []
    for factor, values in POINTS.items():
        for value in values:
            asked = {**BASE, factor: value}
            measured = Point(*_in_a_fresh_process(*asked.values()))
            microseconds = 1e6 * measured.seconds / measured.epochs / asked["rows"]
            cost = [measured.epochs, measured.seconds, microseconds, measured.peak]
            rows.append([factor, value, *cost])
    for done, resident in _in_a_fresh_process("growth").items():
        rows.append(["resident after candidates", done, 1, "", "", resident])
    return rows


def main(arguments: Sequence[str]) -> None:
    """Measure everything, or say in JSON what one point or the growth came to."""
    torch.set_num_threads(1)
    if not arguments:
        print(f"base: {BASE}, device {DEVICE}")
        publish("scaling", COLUMNS, table())
        return
    if arguments == ["growth"]:
        print(json.dumps(growth()))
        return
    tasks, candidates, rows = map(int, arguments)
    print(json.dumps(point(tasks, candidates, rows)))


if __name__ == "__main__":
    main(sys.argv[1:])
