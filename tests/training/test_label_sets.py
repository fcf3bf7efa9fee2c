"""Sets of labels in training: both engines do the same, and what is not known does not count."""

import dataclasses

import numpy as np
import pytest
import torch

from mtlsearch.candidate import TrainingSettings
from mtlsearch.data import load
from mtlsearch.records import TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import METRICS, Binary
from mtlsearch.training.engine import Engine
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import Uncertainty
from tests.support.label_sets import write_label_sets
from tests.support.replicates import confirmed, searched

SHARED, SEPARATE = SharingTree.shared(3, 2), SharingTree.separate(3, 2)
SHORT = TrainingSettings(epochs=4, batch_size=48, patience=4)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two sets of three labels each, and a number."""
    dataset = load(str(write_label_sets(tmp_path_factory.mktemp("labels"))))
    return TrainingData(dataset, 0, torch.device("cpu"))


def results(data, candidates, trainer, replicate=None):
    """The results of candidates, in their order."""
    jobs = []
    for number, candidate in enumerate(candidates):
        jobs.append(TrainingJob(number, candidate.composition(), replicate or searched(0), 5))
    ended = [result for result in Engine(data, SHORT, trainer).train(jobs) if result]
    return sorted(ended, key=lambda result: result.number)


def emphasised(candidate, **change):
    optimizer = dataclasses.replace(candidate.optimizer, **change)
    return dataclasses.replace(candidate, optimizer=optimizer)


def test_both_engines_train_alike(data, make):
    plain = make(SHARED)
    candidates = [
        plain,
        make(SEPARATE, dropout=0.2),
        make(SHARED, weighting=Uncertainty()),
        emphasised(plain, class_weight="balanced", focal=1.5),
    ]
    one, other = (results(data, candidates, trainer) for trainer in TRAINERS)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_allclose(first.history, second.history, rtol=1e-4)
        assert first.scores.keys() == {"topics", "weather", "stay"}
        for task, score in first.scores.items():
            assert second.scores[task] == pytest.approx(score, abs=1e-3)
    assert one[0].history != one[3].history


def test_both_engines_predict_alike(data, make):
    one, other = (results(data, [make(SHARED)], trainer, confirmed(0)) for trainer in TRAINERS)
    rows = len(data.test_rows(data.dataset.tasks[0]))
    for task in ("topics", "weather"):
        first, second = (result[0].predictions[task] for result in (one, other))
        assert first.shape == (rows, 3)
        np.testing.assert_allclose(first, second, atol=1e-4)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_set_of_one_label_trains_as_a_binary_task_does(data, make, trainer):
    """Rows where it is not known do not count, as in a task that is alone."""
    topics, _, stay = data.dataset.tasks
    labels = data.dataset.targets["topics"][:, 0]
    one = dataclasses.replace(topics, classes=topics.classes[:1])
    binary = dataclasses.replace(
        topics, kind=Binary(), metric=METRICS["roc_auc"], classes=("0", "1")
    )
    outcomes = []
    for task, codes in ((one, labels[:, None]), (binary, labels)):
        targets = {"topics": codes, "stay": data.dataset.targets["stay"]}
        dataset = dataclasses.replace(data.dataset, tasks=(task, stay), targets=targets)
        alone = TrainingData(dataset, 0, data.device)
        candidate = emphasised(make(SharingTree.shared(2, 2)), class_weight="balanced", focal=0.5)
        [result] = results(alone, [candidate], trainer)
        outcomes.append(result)
    assert outcomes[0].history == outcomes[1].history
    assert outcomes[0].scores == pytest.approx(outcomes[1].scores, rel=1e-12)
