"""Which share of a GPU each worker gets where nothing is said of it."""

from dataclasses import replace

import pytest

from mtlsearch.data import Dataset
from mtlsearch.search.gpus import WORKER_BYTES, Gpus, describe_share, with_gpus
from mtlsearch.search.request import Request

REQUEST = Request("penguins", (), {}, "quick", "0" * 64, "2024-01-31T12:00:00+00:00", workers=4)
LARGE = Gpus(1, 80 * 2**30)


@pytest.mark.parametrize(
    ("gpus", "workers", "share"),
    [
        (LARGE, 1, 1.0),
        (LARGE, 3, 0.3333),  # three of them fit into what Ray counts
        (LARGE, 1000, 0.025),  # forty in its memory
        (Gpus(2, 80 * 2**30), 4, 0.5),
        (Gpus(1, 2**30), 4, 1.0),  # too small for any: one tries
    ],
)
def test_workers_share_a_gpu_as_its_memory_allows(gpus: Gpus, workers: int, share: float) -> None:
    assert gpus.share(workers, WORKER_BYTES) == share


def test_a_gpu_of_this_machine_is_used_and_it_is_said(penguins: Dataset) -> None:
    shared = with_gpus(REQUEST, penguins, LARGE)
    assert shared.gpus_per_worker == 0.25
    assert "1, 4 workers on each" in describe_share(shared, LARGE)


@pytest.mark.parametrize(
    "changes",
    [
        {"device": "cpu"},
        {"runner": "local"},
        {"ray_address": "head:6379"},
        {"gpus_per_worker": 0.5},
    ],
)
def test_what_was_asked_for_stays(penguins: Dataset, changes: dict[str, object]) -> None:
    request = replace(REQUEST, **changes)
    assert with_gpus(request, penguins, LARGE) == request


def test_without_a_gpu_nothing_changes(penguins: Dataset) -> None:
    assert with_gpus(REQUEST, penguins, Gpus(0, 0)) == REQUEST
