"""The engine of a study: chosen once, by timing on its data and space, and kept in the study."""

from dataclasses import replace

import torch

from mtlsearch.data import Dataset
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.search.arms import ARMS, SEARCH
from mtlsearch.search.memory import bytes_of_step
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose, shape_parameters
from mtlsearch.search.request import Request
from mtlsearch.search.study import Study
from mtlsearch.search.worker_context import is_here, resolve_device
from mtlsearch.space import SearchSpace
from mtlsearch.training.engine_choice import Choice, choose
from mtlsearch.training.history import TrainingFailedError
from mtlsearch.training.training_data import TrainingData

MOST_STEP_BYTES = 2**30  # that a step of all networks at a time may take
SAMPLE = 24  # candidates that are timed, every other one on another replicate
ELSEWHERE = Choice("forest", 64, {})  # where the workers' device is not at hand to be timed
PLAIN = Choice("serial", 1, {})  # has nothing to be chosen


def engine_of(study: Study, dataset: Dataset, space: SearchSpace) -> Choice:
    """The study's engine; chosen and stored now if it has none yet."""
    engine = study.engine
    if engine is None:
        engine = choose_engine(study.request, dataset, space)
        study.set_engine(engine)
    return engine


def choose_engine(request: Request, dataset: Dataset, space: SearchSpace) -> Choice:
    """The engine for what is asked for, timed where there is something to choose."""
    if request.engine == PLAIN.trainer:
        return PLAIN
    device = local_device(request)
    if device is None:
        return ELSEWHERE
    return time_engines(dataset, space, device, request.seed, request.engine)


def local_device(request: Request) -> torch.device | None:
    """The device that the workers train on; None where it is not this process's."""
    if request.ray_address or not is_here(request.device):
        return None
    device = resolve_device(request.device)
    if request.gpus_per_worker and device.type == "cpu":
        return None
    return device


def time_engines(
    dataset: Dataset,
    space: SearchSpace,
    device: torch.device,
    seed: int,
    engine: str = "auto",
) -> Choice:
    """Time the engines on candidates of one shape, sampled at random from the space.

    Args:
        dataset: What is trained on.
        space: Where the candidates are from.
        device: Where they are trained.
        seed: The seed of the study.
        engine: auto, or the engine whose chunk size is chosen.
    """
    torch.set_num_threads(1)  # as a worker does
    searched = ARMS[SEARCH].restrict(space)
    objectives = directions(dataset, space.cost)
    _, first = propose(searched, "random", 0, [], objectives)
    shape = shape_parameters(first)
    jobs = []
    for number in range(SAMPLE):
        candidate, _ = propose(searched, "random", number, [], objectives, shape)
        job = TrainingJob(
            number=number,
            composition=candidate.composition(),
            replicate=Replicate("search", number % 2),
            seed=seed,
        )
        jobs.append(job)
    data = TrainingData(dataset, seed, device, space.training.search_rows)
    try:
        choice = choose(data, space.training, jobs, engine)
        return within_memory(choice, data, space)
    except TrainingFailedError:  # the trainings of the study will say so, each for itself
        return ELSEWHERE


def within_memory(choice: Choice, data: TrainingData, space: SearchSpace) -> Choice:
    """The choice with so many networks at a time as memory holds in the confirmation.

    Its steps are larger than those that were timed where the search reads a part of the rows. A GPU
    refuses what is too much, and it is halved then; here the process would be killed.
    """
    if space.training.search_rows is None or data.device.type != "cpu":
        return choice
    one = bytes_of_step(data, space, replace(choice, chunk=1))
    return replace(choice, chunk=max(1, min(choice.chunk, MOST_STEP_BYTES // one)))
