"""Chooses the engine of a study once, by timing on its own data and space, and remembers it in the study."""

import torch

from mtlsearch.data import Dataset
from mtlsearch.errors import UsageError
from mtlsearch.records import TrainingJob
from mtlsearch.search.arms import ARMS
from mtlsearch.search.proposal import propose, shape
from mtlsearch.search.study import Study, directions
from mtlsearch.search.worker_context import resolve_device
from mtlsearch.space import SearchSpace
from mtlsearch.training import Choice, TrainingData
from mtlsearch.training import choose as choose_engine

SAMPLE = 24  # candidates, every other one on another replicate
ELSEWHERE = Choice("forest", 64, {})  # where the workers' device is not at hand to be timed


def chosen_engine(study: Study, dataset: Dataset, space: SearchSpace) -> Choice:
    """The study's engine; chosen now if it has none yet."""
    if study.engine is None:
        study.set_engine(_choose(study, dataset, space))
    assert study.engine is not None
    return study.engine


def _choose(study: Study, dataset: Dataset, space: SearchSpace) -> Choice:
    request = study.request
    if request.engine == "serial":
        return Choice("serial", 1, {})
    try:
        device = resolve_device(request.device)
    except UsageError:
        return ELSEWHERE
    if request.ray_address or (request.gpus_per_worker and device.type == "cpu"):
        return ELSEWHERE
    return time_engines(dataset, space, device, request.seed, request.engine)


def time_engines(
    dataset: Dataset, space: SearchSpace, device: torch.device, seed: int, engine: str = "auto"
) -> Choice:
    """Time the engines on candidates of one shape, sampled at random from the space."""
    torch.set_num_threads(1)  # as a worker does
    pinned, objectives = ARMS["searched"].pin(space), directions(dataset, space.cost)
    _, first = propose(pinned, "random", 0, [], objectives)
    sampled = [
        propose(pinned, "random", number, [], objectives, shape(first))[0].composition()
        for number in range(SAMPLE)
    ]
    trainings = [TrainingJob(number, each, number % 2, seed) for number, each in enumerate(sampled)]
    return choose_engine(TrainingData(dataset, seed, device), space.training, trainings, engine)
