"""A few trainings of a large table in this process, as a worker does them."""

import torch

from benchmarks.machine import plain_space, random_trainings
from benchmarks.scaling.made_tables import TASKS
from mtlsearch.data import load
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.training.engine_choice import Choice

CANDIDATES = 4
REPLICATES = 2
CHUNK = 8
BATCH = 256


def train(path: str) -> None:
    """Read a table and train candidates for one epoch each, on several folds."""
    torch.set_num_threads(1)
    dataset = load(path, TASKS)
    space = plain_space(len(dataset.tasks), 1, BATCH)
    context = WorkerContext(dataset, space.training, 0, Choice("forest", CHUNK, {}), "cpu")
    engine = context.make_engine()
    jobs = random_trainings(dataset, space, CANDIDATES, REPLICATES)
    results = [result for result in engine.train(jobs) if result]
    assert all(result.complete for result in results)
