"""What a study needs of memory, estimated from its data before it begins."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlsearch.data import Dataset
from mtlsearch.evidence.sequential import MOST_SEEDS
from mtlsearch.inputs.packed_table import PackedTable
from mtlsearch.records import Replicate
from mtlsearch.search.arms import ARMS, SEARCH
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose
from mtlsearch.search.request import Request
from mtlsearch.seeding import fork_rng
from mtlsearch.space import SearchSpace
from mtlsearch.training.activations import bytes_per_row
from mtlsearch.training.batches import rows_per_step
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.plain.network import Network
from mtlsearch.training.training_data import FOLDS_KEPT, TrainingData

PROCESS = 400 * 2**20
"""Bytes of a process that has imported what it needs and has no data."""

TRAINING = 50 * 2**20
"""Bytes for the weights of networks, and for the predictions of many rows."""

CANDIDATES = 16
"""Candidates of the search, the largest of which is taken to be trained."""

STEP = 2.0
"""Times what a forward pass keeps that a step takes: gradients, and what is made on the way."""

READING = 4
"""Times the bytes of a source\'s rows that reading them takes: as the file has them, and typed."""

RECEIVING = 2
"""Times these bytes that a worker takes to be given them."""

ENCODING = 3
"""Times the bytes of the encoded rows of a fold that encoding them takes for a while."""

STACKING = 2
"""Copies of the encoded rows of a fold: its own, and among those that train side by side."""


@dataclass(frozen=True)
class Memory:
    """The most bytes that the processes of a study take.

    Attributes:
        worker: Each process that trains.
        driver: The process that was started; where nothing trains beside it, it trains as well.
        workers: How many train beside it; 0: it trains itself.
    """

    worker: int
    driver: int
    workers: int

    @property
    def total(self) -> int:
        """All processes."""
        return self.driver + self.workers * self.worker

    def describe(self) -> str:
        """Say in one line what is needed."""
        total = f"memory: about {_size(self.total)} at most"
        if not self.workers:
            return f"{total}, in this process, which trains"
        return (
            f"{total}: {_size(self.driver)} for this process and {_size(self.worker)} "
            f"for each of {self.workers} workers"
        )


def estimate_memory(
    data: TrainingData, request: Request, space: SearchSpace, engine: Choice
) -> Memory:
    """Return what a study needs, whose data are on the device.

    Args:
        data: The data.
        request: What is asked for.
        space: What is searched.
        engine: What trains.
    """
    dataset = data.dataset
    held = bytes_held(dataset)
    trains = _bytes_of_folds(data, request) + bytes_of_step(data, space, engine)
    worker = PROCESS + RECEIVING * held + trains
    driver = PROCESS + max(READING * held, held + trains)
    workers = 0 if request.trains_here else request.workers
    return Memory(worker, driver, workers)


def bytes_held(dataset: Dataset) -> int:
    """Return the bytes of the rows of a dataset as every process keeps them."""
    total = 0
    for source in dataset.sources.values():
        for name in source.inputs:
            total += _bytes_of_column(source.inputs[name].to_numpy())
    for labels in dataset.targets.values():
        total += labels.nbytes
    return total


def _bytes_of_column(cells: np.ndarray) -> int:
    """Return the bytes of cells; of text each distinct one counts once."""
    if cells.dtype != object:
        return cells.nbytes
    if len(cells) and isinstance(cells[0], str | None):
        distinct = pd.unique(cells)
    else:
        distinct = cells
    return cells.nbytes + sum(_bytes_of_cell(cell) for cell in distinct)


def _bytes_of_cell(cell: object) -> int:
    if isinstance(cell, np.ndarray):
        return cell.nbytes
    return cell.__sizeof__()


def bytes_of_step(data: TrainingData, space: SearchSpace, engine: Choice) -> int:
    """Return the bytes that a training step takes at most, by some candidates of the search.

    The steps of the confirmation are the larger ones.
    """
    restricted = ARMS[SEARCH].restrict(space)
    goals = directions(data.dataset, space.cost)
    replicate = Replicate("confirmation", 0)
    signature = data.signature(replicate)
    longest = data.fold(replicate).longest
    largest = 0.0
    for number in range(CANDIDATES):
        candidate, _ = propose(restricted, "random", number, [], goals)
        schedule = space.training.for_optimizer(candidate.optimizer)
        rows = rows_per_step(schedule.batch_size, longest)
        for component in candidate.composition():
            with fork_rng():
                network = Network(component, signature, seed=0)
                kept = bytes_per_row(network, signature)
            largest = max(largest, rows * kept)
    return int(STEP * engine.chunk * largest)


def _bytes_of_folds(data: TrainingData, request: Request) -> int:
    """Return the bytes that the rows of all folds in use take on the device."""
    fold = data.fold(Replicate("search", 0))
    folds = min(FOLDS_KEPT, max(request.replicates, MOST_SEEDS))
    once = TRAINING
    by_fold = sum(targets.nbytes for targets in fold.targets.values())
    for inputs in fold.inputs.values():
        if isinstance(inputs, PackedTable):
            once += inputs.nbytes
        else:
            once += ENCODING * inputs.nbytes
            by_fold += inputs.nbytes
    return once + STACKING * folds * by_fold


def _size(count: int) -> str:
    """Return a number of bytes in words."""
    mebibytes = count / 2**20
    if mebibytes < 1_000:
        return f"{mebibytes:.0f} MiB"
    return f"{mebibytes / 1024:.1f} GiB"
