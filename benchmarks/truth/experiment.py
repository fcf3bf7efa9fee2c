"""What the parts have in common: the space, whole searches in this process, and fresh trainings.

Problems are worked on side by side, each in a process of its own.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import torch

from benchmarks.machine import CORES
from mtlsearch.candidate import Candidate, Composition
from mtlsearch.data import Dataset
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.candidate_summary import CandidateSummary, pool
from mtlsearch.evidence.ensemble import Predictions, mean_prediction
from mtlsearch.evidence.scoring import TestScorer
from mtlsearch.evidence.selection import pick, reference_scores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import Replicate, TrainingJob, Trial
from mtlsearch.search.request import Pacing, Request
from mtlsearch.search.runners.local import run_local
from mtlsearch.search.schedules import ArmSchedule
from mtlsearch.search.study import Study
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.engine_choice import Choice
from mtlsearch.training.training_data import TrainingData

GROUPS = ((0, 1, 2), (3, 4), (5,))
REPLICATES = 2  # of a candidate
CONFIRMED_SEEDS = 5  # of whole studies
SEEDS = 16  # fresh trainings of each structure that is compared
FRESH = 1_000  # the first of the seeds that no study confirms with
FOREST = Choice("forest", 32, {})
SEARCHED = "searched"
Case = TypeVar("Case")
Answer = TypeVar("Answer")
Scores = Sequence[dict[str, float]]


@dataclass(frozen=True)
class Budget:
    """So many trainings, proposed by a sampler."""

    trainings: int = 128
    sampler: str = "affinity"


def grouped(groups: Sequence[Sequence[int]], levels: int) -> SharingTree:
    """Return the tree whose tasks share all levels within their group and none beyond."""
    nodes = tuple(tuple(group) for group in groups)
    return SharingTree((nodes,) * levels)


def space(tasks: int, levels: int) -> SearchSpace:
    """Return what the planted problems are searched in: trees, learning rates and dropout."""
    mapping = {
        "tree": {"levels": levels},
        "backbone": {
            "name": "mlp",
            "width": 32,
            "dropout": {"range": [0.0, 0.2]},
        },
        "optimizer": {"learning_rate": {"log": [1e-3, 1e-2]}},
        "training": {
            "epochs": 60,
            "batch_size": 64,
            "patience": 10,
        },
    }
    return SearchSpace.from_mapping(mapping, tasks)


def grouped_problem(seed: int, rows: int = 400) -> Dataset:
    """Make a problem of six tasks in GROUPS, the last one noise."""
    teacher = Teacher(grouped(GROUPS, 1), unrelated=(5,))
    return planted(teacher, rows=rows, seed=seed)


def request(
    dataset: Dataset,
    searched: SearchSpace,
    budget: Budget,
    arms: Sequence[str],
    seed: int,
) -> Request:
    """Return what a user with one worker would ask for."""
    workers = 1
    pacing = Pacing.of(budget.trainings, REPLICATES, workers, len(arms))
    return Request(
        data="",
        task_flags=(),
        space=searched.to_mapping(),
        space_name="",
        digest=dataset.digest,
        created="",
        trainings=budget.trainings,
        replicates=REPLICATES,
        seeds=CONFIRMED_SEEDS,
        cohort=pacing.cohort,
        proposal_delay=pacing.proposal_delay,
        workers=workers,
        sampler=budget.sampler,
        arms=tuple(arms),
        seed=seed,
        runner="local",
        references=False,
        device="cpu",
    )


def search(
    dataset: Dataset,
    searched: SearchSpace,
    budget: Budget,
    seed: int,
) -> list[Trial]:
    """Return the trials of a study with one arm, in their order."""
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        asked = request(dataset, searched, budget, [SEARCHED], seed)
        study = searched_study(Path(folder), dataset, searched, asked)
        return study.trials(SEARCHED)


def searched_study(
    folder: Path,
    dataset: Dataset,
    searched: SearchSpace,
    asked: Request,
) -> Study:
    """Return a study whose arms have spent their budget, and which has confirmed nothing."""
    study = Study.create(folder / "study", asked, None)
    schedules = [ArmSchedule(study, arm, dataset, searched) for arm in asked.arms]
    queue = WorkQueue(schedules, _ignore)
    run_local(queue, WorkerContext(dataset, searched.training, asked.seed, FOREST, "cpu"))
    return study


def _ignore(arm: str, result: Any) -> None:
    """Watch nothing."""


def fitted(trials: Sequence[Trial], dataset: Dataset) -> Affinity:
    """Return the affinities after these trials."""
    affinity = Affinity.fit(trials, SkillScales.on_search_rows(dataset))
    assert affinity is not None
    return affinity


def summarised(trials: Sequence[Trial], dataset: Dataset) -> list[CandidateSummary]:
    """Return the candidates of these trials, as these trials alone estimate them."""
    return pool(trials, fitted(trials, dataset), REPLICATES)


def picked(trials: Sequence[Trial], dataset: Dataset) -> Composition:
    """Return what this project picks after these trials."""
    summaries = summarised(trials, dataset)
    reference = reference_scores([], summaries, dataset.tasks)
    scales = SkillScales.on_search_rows(dataset)
    best = pick(SEARCHED, summaries, scales, reference, must_share=True)
    assert best is not None
    return best.composition


def best_mean_score(trials: Sequence[Trial], dataset: Dataset) -> Composition:
    """Return the candidate with the least mean validation error: a choice without a model."""
    summaries = summarised(trials, dataset)
    return min(summaries, key=_total_error).composition


def _total_error(summary: CandidateSummary) -> float:
    return sum(summary.scores.values())


def tree_of(composition: Composition) -> SharingTree:
    """Return the tree of a model of all tasks."""
    depth = max(component.candidate.tree.depth for component in composition)
    levels = []
    for level in range(depth):
        nodes = []
        for component in composition:
            for node in component.candidate.tree.levels[level]:
                nodes.append(tuple(component.tasks[place] for place in node))
        levels.append(tuple(nodes))
    return SharingTree(tuple(levels))


def with_tree(composition: Composition, tree: SharingTree) -> Composition:
    """Return the tree with the settings of the composition's largest component."""
    largest = max(composition, key=lambda component: len(component.tasks))
    candidate = largest.candidate
    for_all_tasks = Candidate(
        tree,
        candidate.backbone,
        candidate.sharing,
        weighting=type(candidate.weighting)(),
        optimizer=candidate.optimizer,
    )
    return for_all_tasks.composition()


def test_scores(
    dataset: Dataset,
    searched: SearchSpace,
    compositions: Sequence[Composition],
    seeds: int,
    members: int = 1,
) -> list[Scores]:
    """Return per composition the test scores on each of so many fresh seeds.

    With several members, those of the ensembles of so many seeds, which have no seed in common.
    """
    trainings: list[TrainingJob] = []
    for composition in compositions:
        for seed in range(seeds):
            number = len(trainings)
            replicate = Replicate("confirmation", FRESH + seed)
            trainings.append(TrainingJob(number, composition, replicate, seed=0))

    data = TrainingData(dataset, 0, torch.device("cpu"))
    engine = Engine(data, searched.training, FOREST.trainer, FOREST.chunk)
    scorer = TestScorer(dataset, 0)
    predictions: dict[int, Predictions] = {}
    for result in engine.train(trainings):
        if result:
            predictions[result.number] = result.predictions

    per_composition: list[Scores] = []
    for first in range(0, len(trainings), seeds):
        scores = []
        for start in range(first, first + seeds, members):
            ensemble = [predictions[number] for number in range(start, start + members)]
            scores.append(dict(scorer.score_all_rows(mean_prediction(ensemble))))
        per_composition.append(scores)
    return per_composition


def has_groups(composition: Composition, groups: Sequence[Sequence[int]]) -> bool:
    """Tell whether the components are exactly these groups of tasks."""
    components = {component.tasks for component in composition}
    return components == {tuple(group) for group in groups}


def side_by_side(
    work: Callable[[Case], Answer],
    cases: Sequence[Case],
) -> list[Answer]:
    """Do the work on all cases, one per core at a time, each in a process with one thread."""
    with get_context("spawn").Pool(CORES) as processes:
        return processes.map(partial(_on_one_thread, work), cases, chunksize=1)


def _on_one_thread(
    work: Callable[[Case], Answer],
    case: Case,
) -> Answer:
    torch.set_num_threads(1)
    return work(case)
