"""Time per training and peak memory against tasks, candidates and rows, one at a time; and memory over 1,000 candidates.

    python -m benchmarks.scaling

Time is the process's own on its one thread (on a GPU that of the wall), so that other jobs disturb it less.
Synthetic regression tasks on 20 inputs (random linear maps, noise), 80% of the rows for training, batches of 256, MLP of 4
levels x width 64, random trees, the forest with chunks of 32 members and of one thread. Every point is a process of its own;
its peak memory is `ru_maxrss`, torch and the imports (the point of one candidate and 1,000 rows shows them) included.
Growth: cohorts of 8 candidates, one epoch each, one after another in one worker; the resident memory after so many.
"""

import dataclasses
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.machine import DEVICE, plain_space, publish, random_trainings
from mtlsearch.data import TEST, TRAIN, Dataset, Source, Splits
from mtlsearch.search.worker_context import WorkerContext, train
from mtlsearch.tasks.task import Task
from mtlsearch.training import Choice

TASKS, CANDIDATES, ROWS = 4, 8, 10_000
BASE = {"tasks": TASKS, "candidates": CANDIDATES, "rows": ROWS}
POINTS = {
    "tasks": (2, 8, 32),
    "candidates": (1, 8, 32, 128),
    "rows": (1_000, 10_000, 100_000, 1_000_000),
}
ROW_EPOCHS = 20_000  # rows x epochs of a training, but one epoch at least
INPUTS, BATCH, CHUNK = 20, 256, 32
GROWTH, COHORT = (8, 104, 504, 1000), 8
COLUMNS = [
    "factor",
    "value",
    "epochs",
    "CPU s/training",
    "CPU us per training, row and epoch",
    "peak MiB",
]


def dataset(tasks: int, rows: int) -> Dataset:
    """Random linear targets with noise; no rows are read from anywhere."""
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((rows, INPUTS))
    targets = inputs @ rng.standard_normal((INPUTS, tasks)) + rng.standard_normal((rows, tasks))
    role = np.where(rng.random(rows) < 0.01, TEST, TRAIN)
    source = Source(
        "made",
        pd.DataFrame(inputs, columns=[f"x{n}" for n in range(INPUTS)]),
        Splits(role, given=False),
    )
    every = tuple(Task(f"y{n}", "regression", "r2", "made", f"y{n}") for n in range(tasks))
    return Dataset(
        "made",
        {"made": source},
        every,
        {t.name: targets[:, n].copy() for n, t in enumerate(every)},
        "",
    )


def point(tasks: int, candidates: int, rows: int) -> dict[str, float]:
    """Seconds per training and the peak of memory of this process."""
    epochs = max(1, ROW_EPOCHS // rows)
    made, space = dataset(tasks, rows), plain_space(tasks, epochs, BATCH)
    engine = WorkerContext(
        made, space.training, 0, Choice("forest", CHUNK, {}), "auto"
    ).engine_here()
    trainings = random_trainings(made, space, candidates, 1)
    warm = dataclasses.replace(engine, schedule=dataclasses.replace(engine.schedule, epochs=1))
    assert (
        len(list(train(warm, random_trainings(made, space, 1, 1)))) > 1
    )  # what torch imports at its first use costs a second
    clock = time.process_time if DEVICE.type == "cpu" else time.perf_counter
    started = clock()
    outcomes = [outcome for outcome in train(engine, trainings) if outcome]
    seconds = (clock() - started) / candidates
    assert len(outcomes) == candidates and all(outcome.complete for outcome in outcomes)
    return {
        "epochs": epochs,
        "seconds": seconds,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def growth() -> dict[str, float]:
    """Resident MiB of one worker after so many candidates."""
    made, space = dataset(TASKS, 1_000), plain_space(TASKS, 1, BATCH)
    engine = WorkerContext(
        made, space.training, 0, Choice("forest", CHUNK, {}), "auto"
    ).engine_here()
    trainings, found = random_trainings(made, space, GROWTH[-1], 1), {}
    for first in range(0, len(trainings), COHORT):
        done = first + COHORT
        assert sum(1 for outcome in train(engine, trainings[first:done]) if outcome) == COHORT
        if done in GROWTH:
            found[str(done)] = _resident()
    return found


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def _fresh(*arguments: object) -> dict[str, float]:
    """What this script says in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scaling", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(*arguments, found, flush=True)
    return found


def rows() -> Iterator[list[Any]]:
    """All points, then the growth."""
    for factor, values in POINTS.items():
        for value in values:
            asked = {**BASE, factor: value}
            found = _fresh(*asked.values())
            each = 1e6 * found["seconds"] / found["epochs"] / asked["rows"]
            yield [factor, value, found["epochs"], found["seconds"], each, found["peak"]]
    for done, resident in _fresh("growth").items():
        yield ["resident after candidates", done, 1, "", "", resident]


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) == 1:
        print(f"base: {BASE}, device {DEVICE}")
        publish("scaling", COLUMNS, list(rows()))
    elif sys.argv[1] == "growth":
        print(json.dumps(growth()))
    else:
        print(json.dumps(point(*map(int, sys.argv[1:4]))))
