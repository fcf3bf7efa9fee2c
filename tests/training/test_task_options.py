"""Importance in training: both engines do the same, and what is alone trains as ever."""

import dataclasses

import numpy as np
import pytest
import torch

from mtlsearch.candidate import TrainingSettings
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import TaskOptions
from mtlsearch.training.engine import Engine
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.training.training_data import TrainingData
from tests.support.replicates import searched

SHARED, SEPARATE = SharingTree.shared(3, 2), SharingTree.separate(3, 2)
SHORT = TrainingSettings(epochs=4, batch_size=64, patience=4)
OPTIONS = (TaskOptions(importance=5), TaskOptions(), TaskOptions(auxiliary=True))


@pytest.fixture(scope="module")
def weighted(penguins):
    """The penguins: the first task is important, the last one auxiliary."""
    tasks = []
    for task, options in zip(penguins.dataset.tasks, OPTIONS, strict=True):
        tasks.append(dataclasses.replace(task, options=options))
    dataset = dataclasses.replace(penguins.dataset, tasks=tuple(tasks))
    return TrainingData(dataset, 0, torch.device("cpu"))


def histories(data, candidates, trainer):
    """The validation losses of each candidate's components, epoch by epoch."""
    jobs = []
    for number, candidate in enumerate(candidates):
        jobs.append(TrainingJob(number, candidate.composition(), searched(0), 5))
    results = [result for result in Engine(data, SHORT, trainer).train(jobs) if result]
    ordered = sorted(results, key=lambda result: result.number)
    return [np.array(result.history) for result in ordered]


def test_both_engines_weigh_alike(weighted, make):
    plain = make(SHARED)
    emphasis = dataclasses.replace(plain.optimizer, class_weight="balanced", focal=1.5)
    emphasised = dataclasses.replace(plain, optimizer=emphasis)
    candidates = [plain, make(SEPARATE), emphasised]
    one, other = (histories(weighted, candidates, trainer) for trainer in TRAINERS)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-4)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_importance_changes_what_is_trained_together_and_nothing_else(
    penguins, weighted, make, trainer
):
    candidates = [make(SHARED), make(SEPARATE)]
    plain = histories(penguins, candidates, trainer)
    important = histories(weighted, candidates, trainer)
    np.testing.assert_array_equal(plain[1], important[1])
    assert (plain[0] != important[0]).all()


@pytest.mark.parametrize("trainer", TRAINERS)
def test_an_important_task_learns_faster_beside_others(penguins, weighted, make, trainer):
    rate = {"rate": 1e-3}  # too small to learn much in so few epochs
    job = TrainingJob(0, make(SHARED, **rate).composition(), searched(0), 5)
    losses = []
    for data in (penguins, weighted):
        [result] = [result for result in Engine(data, SHORT, trainer).train([job]) if result]
        losses.append(result.scores[data.dataset.tasks[0].name])
    assert losses[1] >= losses[0]


@pytest.mark.parametrize("trainer", TRAINERS)
def test_emphasis_is_of_classification_tasks_alone(penguins, make, trainer):
    """Separate networks: that of the number trains as ever, those of classes do not."""
    plain = make(SEPARATE)
    for change in ({"class_weight": "balanced"}, {"focal": 2.0}):
        optimizer = dataclasses.replace(plain.optimizer, **change)
        emphasised = dataclasses.replace(plain, optimizer=optimizer)
        before, after = histories(penguins, [plain, emphasised], trainer)
        changed = (before != after).any(axis=1)
        kinds = [task.kind.is_classification for task in penguins.dataset.tasks]
        assert changed.tolist() == kinds
