"""Batches, steps, weightings, early stopping."""

import math

import pytest
import torch

from mtlsearch.candidate import Component, TrainingSettings
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import task_loss
from mtlsearch.training.batches import batches
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.step import Fitting, Step, losses_of
from mtlsearch.weightings import Fixed, Uncertainty
from tests.support.replicates import searched

SEED, DEPTH = 3, 2


def network(data, candidate):
    return Network(
        Component(tuple(range(candidate.tree.tasks)), candidate), data.signature(searched(0)), SEED
    )


def one_step(data, candidate):
    fold, net = data.fold(searched(0)), network(data, candidate)
    step = Step(net, data.dataset.tasks, fold)
    step.run(iter([dict(fold.train)]), 0)
    return step, net


@pytest.mark.parametrize("problem", ["penguins", "two_sources"])
@pytest.mark.parametrize("size", [7, 64, 1000])
def test_an_epoch_holds_every_training_row_of_every_source_once(request, problem, size):
    fold = request.getfixturevalue(problem).fold(searched(0))
    steps = list(batches(fold, TrainingSettings(1, size), SEED, 0))
    longest = max(len(rows) for rows in fold.train.values())
    assert len(steps) == math.ceil(longest / size)
    for source, rows in fold.train.items():
        chunks = [step[source] for step in steps]
        assert torch.equal(torch.cat(chunks).sort().values, rows.sort().values)
        assert max(map(len, chunks)) <= size
        assert max(map(len, chunks)) - min(map(len, chunks)) <= 1


def test_the_order_of_the_rows_depends_on_the_seed_and_the_epoch_only(penguins):
    def order(seed, epoch):
        return torch.cat(
            [
                step["penguins"]
                for step in batches(
                    penguins.fold(searched(0)), TrainingSettings(1, 32), seed, epoch
                )
            ]
        )

    assert torch.equal(order(0, 0), order(0, 0))
    assert not torch.equal(order(0, 0), order(0, 1))
    assert not torch.equal(order(0, 0), order(1, 0))


def test_fixed_weights_scale_the_gradients(penguins, make):
    tree, weights = SharingTree.shared(3, DEPTH), (6.0, 2.0, 1.0)
    _, plain = one_step(penguins, make(tree))
    _, weighed = one_step(penguins, make(tree, weighting=Fixed(weights)))
    for task, weight in enumerate(weights):
        gradient = plain.heads[task].weight.grad
        assert gradient.abs().sum() > 0
        assert torch.allclose(
            weighed.heads[task].weight.grad, weight / 3 * gradient, rtol=1e-4, atol=1e-7
        )


def test_the_trunk_receives_the_weighted_sum_of_the_tasks_gradients(penguins, make):
    weights, fold = (6.0, 2.0, 1.0), penguins.fold(searched(0))
    candidate = make(SharingTree.shared(3, DEPTH), weighting=Fixed(weights))
    _, stepped = one_step(penguins, candidate)
    fresh = network(penguins, candidate)
    losses = losses_of(fresh, penguins.dataset.tasks, fold, dict(fold.train))[0]
    by_hand = torch.autograd.grad(
        sum(w / 3 * loss for w, loss in zip(weights, losses, strict=True)),
        fresh.stages[0][0][0].weight,
    )
    assert torch.allclose(stepped.stages[0][0][0].weight.grad, by_hand[0], atol=1e-6)


def test_the_log_variances_of_uncertainty_are_learned(penguins, make):
    step, net = one_step(penguins, make(SharingTree.shared(3, DEPTH), weighting=Uncertainty()))
    learned, fold = step.weighting.state["log_variance"], penguins.fold(searched(0))
    before = losses_of(
        network(penguins, net.component.candidate), penguins.dataset.tasks, fold, dict(fold.train)
    )
    assert torch.allclose(learned.grad, 0.5 - before.detach(), atol=1e-5)
    assert torch.equal(learned.detach().sign(), -learned.grad.sign())


def test_two_steps_of_different_candidates_keep_their_own_log_variances(penguins, make):
    candidate = make(SharingTree.shared(3, DEPTH), weighting=Uncertainty())
    one_step(penguins, candidate)
    step = Step(network(penguins, candidate), penguins.dataset.tasks, penguins.fold(searched(0)))
    assert step.weighting.state["log_variance"].tolist() == [[0.0, 0.0, 0.0]]


def relative_validation_loss(net, data):
    fold = data.fold(searched(0))
    with torch.no_grad():
        outputs = net(
            {source: x.take(fold.validation[source]) for source, x in fold.inputs.items()}
        )
    tasks = [data.dataset.tasks[task] for task in net.component.tasks]
    parts = [
        task_loss(task.kind, output, fold.targets[task.name][fold.validation[task.source]]).item()
        / fold.prepared.baseline_loss[task.name]
        for task, output in zip(tasks, outputs, strict=True)
    ]
    return sum(parts) / len(parts)


def test_the_network_counts_its_steps_so_that_each_draws_its_own_dropout(penguins, make):
    net = network(penguins, make(SharingTree.shared(3, DEPTH), dropout=0.5))
    Step(net, penguins.dataset.tasks, penguins.fold(searched(0))).run(
        batches(penguins.fold(searched(0)), TrainingSettings(1, 64), SEED, 0), 0
    )
    assert net.step == math.ceil(len(penguins.fold(searched(0)).train["penguins"]) / 64) > 1


def test_early_stopping_keeps_the_weights_of_the_best_epoch(penguins, make):
    schedule = TrainingSettings(epochs=60, batch_size=64, patience=4)
    candidate = make(SharingTree.shared(3, DEPTH), rate=0.05)
    fitting = Fitting(
        network(penguins, candidate), penguins.dataset.tasks, penguins.fold(searched(0)), schedule
    )
    fitting.advance(schedule.epochs)
    history = fitting.history.losses
    best = history.index(min(history))
    assert 0 < best < len(history) - 1 < schedule.epochs - 1
    assert len(history) == best + 1 + schedule.patience
    assert relative_validation_loss(fitting.best(), penguins) == pytest.approx(
        min(history), rel=1e-5
    )
    assert not fitting.best().training


def test_the_rows_of_the_validation_are_not_trained_on(penguins, make):
    """Weights after training do not change when the labels of all other rows do."""
    fold, candidate = penguins.fold(searched(0)), make(SharingTree.shared(3, DEPTH))
    trained = {name: torch.full_like(y, math.nan) for name, y in fold.targets.items()}
    for name, y in fold.targets.items():
        trained[name][fold.train["penguins"]] = y[fold.train["penguins"]]
    nets = []
    for targets in (fold.targets, trained):
        net = network(penguins, candidate)
        step = Step(net, penguins.dataset.tasks, type(fold)(**{**vars(fold), "targets": targets}))
        step.run(batches(fold, TrainingSettings(1, 64), SEED, 0), 0)
        nets.append(net)
    assert all(
        torch.equal(a, b) for a, b in zip(nets[0].parameters(), nets[1].parameters(), strict=True)
    )
