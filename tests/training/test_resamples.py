"""Test scores on bootstrap samples of the test rows: the plain metric on each, and the same samples for every network."""

import copy
import dataclasses
import math

import numpy as np
import pytest
import torch

from mtlsearch.candidate import Component
from mtlsearch.data import TEST, resample
from mtlsearch.seeding import derive_seed
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.metrics import score
from mtlsearch.training import TrainingData
from mtlsearch.training.plain.network import Model, Network
from mtlsearch.training.prediction import RESAMPLES, predict, score_network, score_resamples


def network(data, make, tasks, tree=None):
    return Network(
        Component(tasks, make(tree or SharingTree.shared(len(tasks), 2))), data.signature(0), 3
    )


def test_each_value_is_the_metric_on_a_sample(penguins, make):
    net = network(penguins, make, (0, 1, 2))
    found = score_resamples(net, penguins, 0, 7)
    samples = [
        resample(penguins.dataset.sources["penguins"], derive_seed(7, "resample", number))
        for number in range(RESAMPLES)
    ]
    for task in penguins.dataset.tasks:
        target, rows = (
            penguins.dataset.targets[task.name],
            torch.arange(len(penguins.dataset.targets[task.name])),
        )
        prediction = predict(Model((net.component,), [net]), penguins, 0, task, rows)
        expected = [score(task, target[own], prediction[own]) for own in samples]
        assert found[task.name] == pytest.approx(expected, abs=1e-6, nan_ok=True)
        assert len(set(found[task.name])) > 5


def test_their_scatter_is_the_scores_standard_error(penguins, make):
    net = network(penguins, make, (0, 1, 2))
    rows = {"penguins": penguins.test_rows(penguins.dataset.tasks[0])}
    share, values = (
        score_network(net, penguins, 0, rows)["species"],
        score_resamples(net, penguins, 0, 7)["species"],
    )
    error = math.sqrt(share * (1 - share) / len(rows["penguins"]))
    assert 0.1 < share < 0.9
    assert np.mean(values) == pytest.approx(share, abs=error / 2)
    assert np.std(values) == pytest.approx(error, rel=0.25)


def test_networks_are_scored_on_the_same_samples_whatever_else_they_hold(two_sources, make):
    both = network(
        two_sources, make, (0, 1), SharingTree.separate(2, 2)
    )  # its second half has the weights of one alone
    together, alone = (
        score_resamples(net, two_sources, 0, 7) for net in (both, network(two_sources, make, (1,)))
    )
    assert list(together) == ["species", "malignant"]
    assert alone == {"malignant": together["malignant"]}
    assert score_resamples(both, two_sources, 0, 8)["malignant"] != together["malignant"]


def test_a_sample_of_one_class_is_undefined(penguins, make):
    data, sex = copy.copy(penguins), penguins.dataset.targets["sex"].copy()
    [*_, last] = test = np.flatnonzero(penguins.dataset.sources["penguins"].splits.role == TEST)
    sex[test] = 0.0
    sex[last] = 1.0
    data.dataset = dataclasses.replace(
        penguins.dataset, targets={**penguins.dataset.targets, "sex": sex}
    )
    values = score_resamples(network(data, make, (1, 2)), data, 0, 7)
    lacking = [
        last not in resample(data.dataset.sources["penguins"], derive_seed(7, "resample", n))
        for n in range(RESAMPLES)
    ]
    assert np.isnan(values["sex"]).tolist() == lacking
    assert 10 < sum(lacking) < 70  # (1 - 1 / 52)^52 = 36% of them
    assert np.isfinite(values["body_mass_g"]).all()


def test_training_data_made_anew_gives_the_same(penguins, make):
    anew = TrainingData(penguins.dataset, 0, torch.device("cpu"))
    one, other = (
        score_resamples(network(data, make, (2,)), data, 0, 1) for data in (penguins, anew)
    )
    assert one == other
