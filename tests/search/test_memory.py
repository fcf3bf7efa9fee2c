"""What `check` says that a study needs of memory, beside what it takes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.scaling.made_tables import TASKS, write
from mtlsearch.data import load
from mtlsearch.search.memory import bytes_held, estimate_memory
from mtlsearch.search.request import Request
from mtlsearch.training.training_data import TrainingData

REQUEST = Request("", (), {}, "", "", "", runner="local")
CPU = torch.device("cpu")
ROWS = 60_000
TOLERANCE = 1.35

PEAK = """
import resource, sys
from benchmarks.scaling.trainings import train
train(sys.argv[1])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_rows_count_once_and_folds_only_where_they_are_encoded():
    dataset = load("penguins")
    held = bytes_held(dataset)
    encoded = TrainingData(dataset, 0, CPU)
    packed = TrainingData(dataset, 0, CPU, largest_encoded=0)
    by_folds = estimate_memory(dataset, encoded, REQUEST)
    once = estimate_memory(dataset, packed, REQUEST)
    assert held < once.driver < by_folds.driver
    assert once.total == once.driver
    ray = estimate_memory(dataset, packed, replace(REQUEST, runner="ray", workers=3))
    assert ray.total == ray.driver + 3 * ray.worker
    assert ray.describe().startswith("memory: about 2.0 GiB at most: ")
    assert ray.describe().endswith(" for each of 3 workers")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed", "numeric"])
def test_the_estimate_is_what_is_used(name: str, tmp_path: Path) -> None:
    path = write(name, ROWS, tmp_path)
    dataset = load(str(path), TASKS)
    expected = estimate_memory(dataset, TrainingData(dataset, 0, CPU), REQUEST).driver
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
    )
    used = int(done.stdout.splitlines()[-1])
    assert used < TOLERANCE * expected
    assert expected < TOLERANCE * used
