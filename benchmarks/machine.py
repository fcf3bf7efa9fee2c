"""What the benchmarks have in common: candidates, the machine in words, and tables.

A table is shown on the screen and written to a CSV.
"""

import csv
import os
import platform
import statistics
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

from mtlsearch.data import Dataset
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose
from mtlsearch.search.worker_context import resolve_device
from mtlsearch.space import SearchSpace

RESULTS = Path(__file__).parent / "results"
DEVICE = resolve_device("auto")
CORES = len(os.sched_getaffinity(0))  # that this process may use
LOAD_AT_START = os.getloadavg()[0]


def plain_space(
    tasks: int,
    epochs: int,
    batch_size: int,
) -> SearchSpace:
    """Return the space of an MLP of 4 levels x width 64 without dropout.

    Trees and learning rates vary; no training stops early.
    """
    mapping = {
        "tree": {"levels": 4},
        "backbone": {"name": "mlp", "width": 64},
        "optimizer": {"learning_rate": {"log": [1e-3, 3e-2]}},
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "patience": epochs,
        },
    }
    return SearchSpace.from_mapping(mapping, tasks)


def random_trainings(
    dataset: Dataset,
    space: SearchSpace,
    candidates: int,
    replicates: int,
) -> list[TrainingJob]:
    """Draw candidates at random; the replicates of each come one after another."""
    goals = directions(dataset, space.cost)
    trainings: list[TrainingJob] = []
    for seed in range(candidates):
        candidate, _ = propose(space, "random", seed, [], goals)
        composition = candidate.composition()
        for index in range(replicates):
            number = len(trainings)
            replicate = Replicate("search", index)
            trainings.append(TrainingJob(number, composition, replicate, seed=0))
    return trainings


def wait() -> None:
    """Wait until a GPU has done what it was given."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def peak_bytes() -> int:
    """Return the most memory that this process has had.

    Not by `getrusage`, which counts what the process that started this one had.
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmHWM")


def median_and_range(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the median, the smallest and the largest value."""
    return statistics.median(values), min(values), max(values)


def machine() -> str:
    """Describe the machine in one line, without commas."""
    cores = os.cpu_count()
    threads = torch.get_num_threads()
    load = os.getloadavg()[0]
    parts = [
        str(date.today()),
        f"{_processor()} ({cores} cores; torch threads {threads})",
        _gpu(),
        f"torch {torch.__version__}",
        f"load {LOAD_AT_START:.1f} before and {load:.1f} after (this job included)",
    ]
    return "; ".join(parts)


def _processor() -> str:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    for line in info.splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def _gpu() -> str:
    if DEVICE.type == "cuda":
        return torch.cuda.get_device_name()
    return "no GPU"


def publish(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
) -> None:
    """Print the rows and write them to `results/NAME-DEVICE.csv`.

    The first line of the file describes the machine.
    """
    table = [list(columns)]
    for row in rows:
        table.append([_text(cell) for cell in row])

    described = machine()
    print(described)
    _show(table)

    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{DEVICE.type}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {described}\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows(table)


def _text(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return str(cell)


def _show(table: Sequence[Sequence[str]]) -> None:
    widths = []
    for column in zip(*table, strict=True):
        widths.append(max(len(cell) for cell in column))
    for row in table:
        cells = []
        for cell, width in zip(row, widths, strict=True):
            cells.append(cell.ljust(width))
        print("  ".join(cells).rstrip())
