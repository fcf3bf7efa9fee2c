"""Rows that an epoch reads more often: which, how often, and that nobody else notices."""

import dataclasses

import numpy as np
import pytest
import torch

from mtlsearch.candidate import OptimizerSettings, TrainingSettings
from mtlsearch.data import TEST, load
from mtlsearch.records import TrainingJob
from mtlsearch.seeding import derive_seed
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import TASK_KINDS
from mtlsearch.training.batches import batches
from mtlsearch.training.engine import Engine
from mtlsearch.training.sampling import draw_rows, row_weights
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.training.training_data import TrainingData
from tests.support.replicates import searched

SHORT = TrainingSettings(epochs=3, batch_size=64, patience=3)
BALANCED = OptimizerSettings(sampling="balanced")
SCARCE = OptimizerSettings(sampling_temperature=2.0)
APART = SharingTree.decode([0, 1], [0, 2], 2)  # the first task alone, the others together
SEPARATE = SharingTree.separate(3, 2)


@pytest.fixture(scope="module")
def scarce():
    """The penguins; one row in three has a label of the second task, one in four of none."""
    dataset = load("penguins")
    species, sex, mass = (task.name for task in dataset.tasks)
    rows = np.arange(len(dataset.targets[species]))
    targets = dict(dataset.targets)
    targets[sex] = np.where(rows % 3 == 0, targets[sex], np.nan)
    for name in (species, sex, mass):
        targets[name] = np.where(rows % 4 == 1, np.nan, targets[name])
    changed = dataclasses.replace(dataset, targets=targets)
    return TrainingData(changed, 0, torch.device("cpu"))


def read_rows(fold, weights, epochs):
    """How often each row of the penguins is read in an epoch."""
    counts = torch.zeros(len(fold.targets["species"]), dtype=torch.float64)
    for epoch in range(epochs):
        for batch in batches(fold, SHORT, 0, epoch, weights):
            counts += torch.bincount(batch["penguins"], minlength=len(counts))
    return counts / epochs


def test_without_sampling_an_epoch_is_a_permutation_as_ever(scarce):
    fold = scarce.fold(searched(0))
    weights = row_weights(fold, scarce.dataset.tasks, OptimizerSettings())
    assert weights == {}
    seed = derive_seed(7, "batches", "penguins", 3)
    rows = fold.train["penguins"]
    expected = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))]
    read = [batch["penguins"] for batch in batches(fold, SHORT, 7, 3, weights)]
    assert torch.equal(torch.cat(read), expected)


def test_rows_are_drawn_as_their_weights_say():
    weights = torch.tensor([0.0, 1.0, 1.0, 2.0, 6.0, 0.5], dtype=torch.float64)
    expected = weights * 6 / weights.sum()
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(6)
    for _ in range(2000):
        counts = torch.bincount(draw_rows(weights, generator), minlength=6)
        assert (counts >= expected.floor()).all()
        assert (counts <= expected.ceil()).all()
        total += counts
    deviation = (0.25 / 2000) ** 0.5
    assert ((total / 2000 - expected).abs() < 4 * deviation).all()


def test_rows_are_drawn_in_random_order_and_in_random_company():
    weights = torch.cat([torch.ones(300), torch.full((10,), 30.0)]).double()
    generator = torch.Generator().manual_seed(0)
    drawn = [draw_rows(weights, generator) for _ in range(200)]
    in_first_half = torch.stack([(rows[:155] >= 300).float().mean() for rows in drawn])
    assert abs(in_first_half.mean() - 0.5) < 0.02
    repeats = torch.stack([(rows[1:] == rows[:-1]).float().mean() for rows in drawn])
    assert abs(repeats.mean() - 10 * 15.5 * 14.5 / (310 * 309)) < 0.005
    both = torch.tensor([bool((rows == 0).any() and (rows == 1).any()) for rows in drawn])
    assert 0.15 < both.float().mean() < 0.35  # each in half of the epochs


def test_balanced_sampling_reads_all_classes_alike(penguins):
    tasks = penguins.dataset.tasks[:1]
    fold = penguins.fold(searched(0))
    counts = read_rows(fold, row_weights(fold, tasks, BALANCED), 30)
    labels = fold.targets["species"][fold.train["penguins"]].long()
    read = torch.bincount(labels, weights=counts[fold.train["penguins"]])
    assert read.numpy() == pytest.approx(len(labels) / 3, abs=1)
    assert read.numpy() != pytest.approx(torch.bincount(labels).numpy(), abs=10)


def test_weights_are_means_over_the_tasks_that_label_a_row(scarce):
    fold = scarce.fold(searched(0))
    weights = row_weights(fold, scarce.dataset.tasks, BALANCED)["penguins"]
    rows = fold.train["penguins"]
    for weight, row in zip(weights.tolist(), rows, strict=True):
        of_row = []
        for name in ("species", "sex"):
            label = fold.targets[name][row]
            if not label.isnan():
                of_row.append(float(fold.class_weights[name][int(label)]))
        assert weight == pytest.approx(np.mean(of_row) if of_row else 1.0)


def test_a_temperature_reads_scarce_tasks_more_often(scarce):
    fold = scarce.fold(searched(0))
    rows = fold.train["penguins"]
    weights = row_weights(fold, scarce.dataset.tasks, SCARCE)["penguins"]
    is_labelled = ~fold.targets["sex"][rows].isnan()
    labels = [int((~fold.targets[task.name][rows].isnan()).sum()) for task in scarce.dataset.tasks]
    expected = torch.where(is_labelled, (max(labels) / labels[1]) ** 0.5, 1.0)
    torch.testing.assert_close(weights, expected.double(), check_dtype=False)
    together = dataclasses.replace(BALANCED, sampling_temperature=2.0)
    product = row_weights(fold, scarce.dataset.tasks, together)["penguins"]
    balanced = row_weights(fold, scarce.dataset.tasks, BALANCED)["penguins"]
    torch.testing.assert_close(product, weights * balanced)


def test_only_training_rows_are_read(scarce):
    both = OptimizerSettings(sampling="balanced", sampling_temperature=5.0)
    for replicate in (0, 1):
        fold = scarce.fold(searched(replicate))
        counts = read_rows(fold, row_weights(fold, scarce.dataset.tasks, both), 5)
        read = counts.nonzero().flatten()
        assert torch.isin(read, fold.train["penguins"]).all()
        assert float(counts.sum()) == pytest.approx(len(fold.train["penguins"]))
        role = scarce.dataset.sources["penguins"].splits.role
        assert not torch.isin(read, torch.from_numpy(np.flatnonzero(role == TEST))).any()
        assert not torch.isin(read, fold.validation["penguins"]).any()


def trained(data, candidates, trainer="serial", replicates=(0,)):
    """The results of candidates."""
    jobs = []
    for candidate in candidates:
        for replicate in replicates:
            jobs.append(TrainingJob(len(jobs), candidate.composition(), searched(replicate), 5))
    results = [result for result in Engine(data, SHORT, trainer).train(jobs) if result]
    return sorted(results, key=lambda result: result.number)


@pytest.mark.parametrize("settings", [{"sampling": "balanced"}, {"temperature": 5.0}])
@pytest.mark.parametrize("trainer", TRAINERS)
def test_what_has_nothing_to_even_out_trains_as_ever(penguins, make, trainer, settings):
    """Separate networks: that of the number has no classes, and no task is scarcer than itself."""
    plain, sampled = trained(penguins, [make(SEPARATE), make(SEPARATE, **settings)], trainer)
    changed = [
        before != after for before, after in zip(plain.history, sampled.history, strict=True)
    ]
    assert changed == ([True, True, False] if "sampling" in settings else [False] * 3)


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_task_that_shares_nothing_trains_the_same_whatever_the_others_do(scarce, make, trainer):
    settings = {"sampling": "balanced", "temperature": 3.0}
    candidates = [make(SEPARATE, **settings), make(APART, **settings)]
    separate, apart = trained(scarce, candidates, trainer)
    assert separate.scores["species"] == apart.scores["species"]
    assert separate.history[0] == apart.history[0]
    assert separate.scores["body_mass_g"] != apart.scores["body_mass_g"]


def test_both_engines_read_the_same_rows(scarce, make):
    candidates = []
    for sampling in ("none", "balanced"):
        for temperature in (1.0, 3.0):
            settings = {"sampling": sampling, "temperature": temperature}
            candidates += [make(APART, **settings), make(SharingTree.shared(3, 2), **settings)]
    serial, forest = (trained(scarce, candidates, name, (0, 1)) for name in ("serial", "forest"))
    for one, other in zip(serial, forest, strict=True):
        for losses, other_losses in zip(one.history, other.history, strict=True):
            np.testing.assert_allclose(losses, other_losses, rtol=1e-4)
    for number, candidate in enumerate(candidates):
        [alone] = trained(scarce, [candidate], "forest")
        assert alone.history == forest[2 * number].history
        assert alone.scores == forest[2 * number].scores


def test_each_label_of_a_set_weighs_as_a_task_of_its_own(scarce):
    """Seen by the same labels as two tasks of two classes."""
    fold = scarce.fold(searched(0))
    sex = next(task for task in scarce.dataset.tasks if task.name == "sex")
    other = dataclasses.replace(sex, name="other")
    both = dataclasses.replace(sex, name="both", kind=TASK_KINDS["label_set"])
    labels = fold.targets["sex"]
    few = torch.where(torch.arange(len(labels)) % 5 == 0, labels, torch.nan)
    class_weights = torch.tensor([[0.5, 2.0], [3.0, 0.25]])
    joined = dataclasses.replace(
        fold,
        targets={"sex": labels, "other": few, "both": torch.stack([labels, few], 1)},
        class_weights={"sex": class_weights[0], "other": class_weights[1], "both": class_weights},
    )
    apart = row_weights(joined, [sex, other], BALANCED)
    together = row_weights(joined, [both], BALANCED)
    assert torch.equal(apart["penguins"], together["penguins"])
    assert len(together["penguins"].unique()) > 3
    assert row_weights(joined, [both], SCARCE) == {}
