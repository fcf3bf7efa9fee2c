"""What `check` says that a study needs of memory, beside what it takes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.machine import plain_space
from benchmarks.scaling.made_tables import TASKS, write
from benchmarks.scaling.trainings import BATCH, CHUNK
from mtlsearch.data import load
from mtlsearch.search import engine_choice
from mtlsearch.search.memory import bytes_held, bytes_of_step, estimate_memory
from mtlsearch.search.request import Request
from mtlsearch.space import SearchSpace
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.training_data import TrainingData

REQUEST = Request("", (), {}, "", "", "", runner="local")
CPU = torch.device("cpu")
ROWS = 60_000
TOLERANCE = 1.35
SPACE = plain_space(3, 1, BATCH)
ENGINE = Choice("forest", CHUNK, {})

PEAK = """
import sys
from benchmarks.machine import peak_bytes
from benchmarks.scaling.trainings import train
train(sys.argv[1])
print(peak_bytes())
"""


def test_rows_count_once_and_folds_only_where_they_are_encoded():
    dataset = load("penguins")
    held = bytes_held(dataset)
    encoded = TrainingData(dataset, 0, CPU)
    packed = TrainingData(dataset, 0, CPU, largest_encoded=0)
    by_folds = estimate_memory(encoded, REQUEST, SPACE, ENGINE)
    once = estimate_memory(packed, REQUEST, SPACE, ENGINE)
    assert held < once.driver < by_folds.driver
    assert once.total == once.driver
    ray = estimate_memory(packed, replace(REQUEST, runner="ray", workers=3), SPACE, ENGINE)
    assert ray.total == ray.driver + 3 * ray.worker
    assert ray.describe().startswith("memory: about 1.8 GiB at most: ")
    assert ray.describe().endswith(" for each of 3 workers")


def test_a_step_takes_more_the_larger_its_batch_and_chunk():
    data = TrainingData(load("penguins"), 0, CPU)
    step = bytes_of_step(data, SPACE, ENGINE)
    assert bytes_of_step(data, plain_space(3, 1, 2 * BATCH), ENGINE) == 2 * step
    assert bytes_of_step(data, SPACE, replace(ENGINE, chunk=2 * CHUNK)) == 2 * step
    wide = SearchSpace.from_mapping({"backbone": {"name": "mlp", "width": 512}}, 3)
    narrow = SearchSpace.from_mapping({"backbone": {"name": "mlp", "width": 8}}, 3)
    assert bytes_of_step(data, wide, ENGINE) > 20 * bytes_of_step(data, narrow, ENGINE)


def test_as_many_networks_are_trained_at_a_time_as_memory_holds(monkeypatch):
    """A process that took more would be killed, with all that it has not recorded."""
    data = TrainingData(load("penguins"), 0, CPU)
    part = SearchSpace.from_mapping({"training": {"batch_size": BATCH, "rows": 100}}, 3)
    one = bytes_of_step(data, part, replace(ENGINE, chunk=1))
    monkeypatch.setattr(engine_choice, "MOST_STEP_BYTES", 3 * one + 1)
    choice = replace(ENGINE, chunk=16)
    assert engine_choice.within_memory(choice, data, part).chunk == 3
    monkeypatch.setattr(engine_choice, "MOST_STEP_BYTES", 1)
    assert engine_choice.within_memory(choice, data, part).chunk == 1
    assert engine_choice.within_memory(choice, data, SPACE).chunk == 16


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mixed", "numeric"])
def test_the_estimate_is_what_is_used(name: str, tmp_path: Path) -> None:
    path = write(name, ROWS, tmp_path)
    dataset = load(str(path), TASKS)
    data = TrainingData(dataset, 0, CPU)
    expected = estimate_memory(data, REQUEST, SPACE, ENGINE).driver
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True
    )
    used = int(done.stdout.splitlines()[-1])
    assert used < TOLERANCE * expected
    assert expected < TOLERANCE * used
