"""What the benchmarks have in common: the candidates, the machine in words, and a table on the screen and in a CSV."""

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
from mtlsearch.records import TrainingJob
from mtlsearch.search.proposal import propose
from mtlsearch.search.study import directions
from mtlsearch.search.worker_context import resolve_device
from mtlsearch.space import SearchSpace

RESULTS = Path(__file__).parent / "results"
DEVICE = resolve_device("auto")
LOAD_AT_START = os.getloadavg()[0]


def plain_space(tasks: int, epochs: int, batch_size: int, **changes: Any) -> SearchSpace:
    """An MLP of 4 levels x width 64 without dropout; trees and learning rates vary, patience is off."""
    mapping = {
        "tree": {"levels": 4},
        "backbone": {"name": "mlp", "width": 64},
        "optimizer": {"learning_rate": {"log": [1e-3, 3e-2]}},
        "training": {"epochs": epochs, "batch_size": batch_size, "patience": epochs},
    }
    return SearchSpace.from_mapping({**mapping, **changes}, tasks)


def random_trainings(
    dataset: Dataset, space: SearchSpace, candidates: int, replicates: int
) -> list[TrainingJob]:
    """Candidates drawn at random, the replicates of each one after another."""
    goals = directions(dataset, space.cost)
    drawn = [
        propose(space, "random", number, [], goals)[0].composition() for number in range(candidates)
    ]
    return [
        TrainingJob(n, drawn[n // replicates], n % replicates, 0)
        for n in range(candidates * replicates)
    ]


def wait() -> None:
    """Wait until a GPU has done what it was given."""
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()


def median_and_range(values: Sequence[float]) -> tuple[float, float, float]:
    """Median, smallest, largest."""
    return statistics.median(values), min(values), max(values)


def machine() -> str:
    """The machine in one line, without commas."""
    info = Path("/proc/cpuinfo")
    names = [
        line.split(":")[1].strip()
        for line in info.read_text().splitlines()
        if line.startswith("model name")
    ]
    gpu = f"; {torch.cuda.get_device_name()}" if DEVICE.type == "cuda" else "; no GPU"
    cpu = f"{names[0] if names else platform.processor()} ({os.cpu_count()} cores; torch threads {torch.get_num_threads()})"
    load = f"load {LOAD_AT_START:.1f} before and {os.getloadavg()[0]:.1f} after (this job included)"
    return f"{date.today()}; {cpu}{gpu}; torch {torch.__version__}; {load}"


def publish(name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print the rows and write them to `results/NAME-DEVICE.csv`, whose first line is the machine."""
    texts = [
        [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    print(machine())
    for row in [list(columns), *texts]:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}-{DEVICE.type}.csv").open("w", newline="", encoding="utf-8") as file:
        file.write(f"# {machine()}\n")
        csv.writer(file, lineterminator="\n").writerows([columns, *texts])
