"""What the parts have in common: the space, whole searches in this process, fresh trainings, and problems side by side."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from scipy import stats

from mtlsearch.candidate import Candidate, Composition
from mtlsearch.data import Dataset
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.candidate_summary import CandidateSummary, pool
from mtlsearch.evidence.selection import pick, reference_scores
from mtlsearch.records import TrainingJob, Trial
from mtlsearch.search.confirmation import trained_arms
from mtlsearch.search.request import Request, cohorts
from mtlsearch.search.runners.local import run_local
from mtlsearch.search.schedules import ArmSchedule
from mtlsearch.search.study import Study
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training import Choice, Engine, TrainingData

GROUPS = ((0, 1, 2), (3, 4), (5,))
REPLICATES = 2  # of a candidate
SEEDS = 16  # fresh trainings of each structure that is compared
FRESH = 200_000  # replicates that no search uses
FOREST = Choice("forest", 32, {})
Case = TypeVar("Case")
Answer = TypeVar("Answer")
Scores = list[dict[str, float]]


@dataclass(frozen=True)
class Budget:
    """So many trainings, proposed by a sampler."""

    trainings: int = 128
    sampler: str = "affinity"


def grouped(groups: Sequence[Sequence[int]], levels: int) -> SharingTree:
    """The tree whose tasks share all levels within their group and none beyond."""
    return SharingTree((tuple(tuple(group) for group in groups),) * levels)


def space(tasks: int, levels: int, width: object = 32) -> SearchSpace:
    """What the planted problems are searched in: trees, learning rates, dropout; one width unless told."""
    mapping = {
        "tree": {"levels": levels},
        "backbone": {"name": "mlp", "width": width, "dropout": {"range": [0.0, 0.2]}},
        "optimizer": {"learning_rate": {"log": [1e-3, 1e-2]}},
        "training": {"epochs": 60, "batch_size": 64, "patience": 10},
    }
    return SearchSpace.from_mapping(mapping, tasks)


def grouped_problem(number: int, rows: int = 400) -> Dataset:
    """Six tasks in GROUPS, the last one noise."""
    return planted(Teacher(grouped(GROUPS, 1), unrelated=(5,)), rows=rows, seed=number)


def request(
    dataset: Dataset, within: SearchSpace, budget: Budget, arms: Sequence[str], seed: int
) -> Request:
    """What a user with one worker would ask for."""
    cohort, lag = cohorts(budget.trainings, REPLICATES, 1, len(arms))
    sizes: dict[str, Any] = {
        "trainings": budget.trainings,
        "replicates": REPLICATES,
        "cohort": cohort,
        "lag": lag,
        "workers": 1,
    }
    ways: dict[str, Any] = {
        "sampler": budget.sampler,
        "arms": tuple(arms),
        "seed": seed,
    }
    fixed: dict[str, Any] = {"runner": "local", "references": False, "device": "cpu"}
    return Request("", (), within.to_mapping(), "", dataset.digest, "", **sizes, **ways, **fixed)


def search(dataset: Dataset, within: SearchSpace, budget: Budget, seed: int) -> list[Trial]:
    """The trainings of a study with the arm `searched` only, in their order."""
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        study = Study.create(
            Path(folder) / "study", request(dataset, within, budget, ["searched"], seed), None
        )
        queue = WorkQueue(
            [ArmSchedule(study, "searched", dataset, within)], lambda arm, outcome: None
        )
        run_local(queue, WorkerContext(dataset, within.training, seed, FOREST, "cpu"))
        return sorted(trained_arms(study)["searched"], key=lambda each: each.number)


def picked(trainings: Sequence[Trial], dataset: Dataset) -> Composition:
    """What this project picks after these trainings."""
    evaluated = pool(trainings, REPLICATES, dataset.tasks)
    found = pick(
        "searched",
        evaluated,
        dataset.tasks,
        reference_scores([], evaluated, dataset.tasks),
        must_share=True,
    )
    assert found is not None
    return found.composition


def naive(trainings: Sequence[Trial], dataset: Dataset) -> Composition:
    """The candidate with the best mean validation error, as a search without a model would choose."""
    return _least(
        pool(trainings, REPLICATES, dataset.tasks), lambda each: sum(each.scores.values())
    )


def _least(
    evaluated: Sequence[CandidateSummary], error: Callable[[CandidateSummary], float]
) -> Composition:
    return min(evaluated, key=error).composition


def with_tree(composition: Composition, tree: SharingTree) -> Composition:
    """The tree with the settings of the composition's largest component."""
    largest = max(composition, key=lambda part: len(part.tasks)).candidate
    parts = (largest.backbone, largest.sharing, type(largest.weighting)(), largest.optimizer)
    return Candidate(tree, *parts).composition()


def tested(
    dataset: Dataset, within: SearchSpace, compositions: Sequence[Composition], seeds: int
) -> list[Scores]:
    """The test scores of each composition on each of so many fresh seeds."""
    data = TrainingData(dataset, 0, torch.device("cpu"))
    trainings = [
        TrainingJob(number * seeds + seed, each, FRESH + seed, 0, test=True)
        for number, each in enumerate(compositions)
        for seed in range(seeds)
    ]
    outcomes = [
        each
        for each in Engine(data, within.training, FOREST.trainer, FOREST.chunk).train(trainings)
        if each
    ]
    found = [each.test_scores for each in sorted(outcomes, key=lambda each: each.number)]
    return [found[number * seeds : (number + 1) * seeds] for number in range(len(compositions))]


def same_groups(composition: Composition, groups: Sequence[Sequence[int]]) -> bool:
    """Whether the components are exactly these groups of tasks."""
    return {part.tasks for part in composition} == {tuple(group) for group in groups}


def side_by_side(work: Callable[[Case], Answer], cases: Sequence[Case]) -> list[Answer]:
    """The work on all cases, two at a time, each in a process with one thread."""
    with get_context("spawn").Pool(2) as pool:
        return pool.map(partial(_alone, work), cases, chunksize=1)


def _alone(work: Callable[[Case], Answer], case: Case) -> Answer:
    torch.set_num_threads(1)
    return work(case)


def ratio(parts: np.ndarray, wholes: np.ndarray) -> tuple[float, float, float]:
    """The ratio of sums over problems with its 95% bootstrap interval."""
    drawn = np.random.default_rng(0).integers(len(parts), size=(2000, len(parts)))
    low, high = np.quantile(parts[drawn].sum(1) / wholes[drawn].sum(1), [0.025, 0.975])
    return float(parts.sum() / wholes.sum()), float(low), float(high)


def share(values: Sequence[bool]) -> tuple[float, float, float]:
    """The share of true values with Wilson's 95% interval."""
    low, high = stats.binomtest(sum(values), len(values)).proportion_ci(method="wilson")
    return sum(values) / len(values), float(low), float(high)
