"""The GPUs of this machine: which share of one each worker gets where nothing is said of it."""

import math
from dataclasses import dataclass, replace

import torch

from mtlsearch.data import Dataset
from mtlsearch.search.request import Request

WORKER_BYTES = 2 * 2**30  # that a worker is taken to need on a GPU besides its rows
COPIES = 4  # of the rows' columns that are taken to lie on a GPU: encoded, and of some folds
SHARES = 10_000  # Ray counts a GPU in so many parts


@dataclass(frozen=True)
class Gpus:
    """GPUs of one kind.

    Attributes:
        count: How many there are.
        bytes_each: The memory of each, in bytes.
    """

    count: int
    bytes_each: int

    @classmethod
    def of_this_machine(cls) -> "Gpus":
        """Those that torch finds here; the memory of the smallest counts."""
        count = torch.cuda.device_count()
        sizes = [torch.cuda.get_device_properties(index).total_memory for index in range(count)]
        return cls(count, min(sizes, default=0))

    def share(self, workers: int, bytes_needed: int) -> float:
        """The share of a GPU for each of some workers.

        All of them train side by side where their memory fits; else as many as do.
        """
        wanted = math.ceil(workers / self.count)
        fitting = max(1, self.bytes_each // bytes_needed)
        side_by_side = min(wanted, fitting)
        return math.floor(SHARES / side_by_side) / SHARES


def with_gpus(request: Request, dataset: Dataset, gpus: Gpus) -> Request:
    """Return the request with a share of a GPU for each worker, where it says nothing of that.

    Workers of Ray see no GPU without a share. This is of this machine alone: a cluster's GPUs are
    used as `gpus_per_worker` says.
    """
    is_elsewhere = request.trains_here or request.ray_address is not None
    if is_elsewhere or request.gpus_per_worker or not gpus.count or request.device == "cpu":
        return request
    share = gpus.share(request.workers, WORKER_BYTES + COPIES * _bytes_of(dataset))
    return replace(request, gpus_per_worker=share)


def describe_share(request: Request, gpus: Gpus) -> str:
    """Say how a machine's GPUs are shared, and how to change that."""
    side_by_side = math.floor(1 / request.gpus_per_worker)
    return (
        f"GPUs: {gpus.count}, {side_by_side} workers on each at a time "
        f"(--gpus-per-worker {request.gpus_per_worker:g}; --device cpu: none)"
    )


def _bytes_of(dataset: Dataset) -> int:
    """What the columns of the inputs take in memory."""
    return sum(int(source.inputs.memory_usage().sum()) for source in dataset.sources.values())
