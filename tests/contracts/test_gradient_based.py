"""Weightings that look at gradients: by hand, against TorchJD's own backward, and paid for by
nobody else.
"""

import dataclasses
import itertools
import math
import subprocess
import sys
from functools import cache

import pytest
import torch
from torchjd import aggregation
from torchjd.autojac import jac_to_grad, mtl_backward

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, Component
from mtlsearch.data import load
from mtlsearch.sharing import CrossStitch, L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.step import Step, losses_of
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import WEIGHTINGS, Fixed
from mtlsearch.weightings.cagrad import CAGrad
from mtlsearch.weightings.dual_cone import project
from mtlsearch.weightings.fairgrad import FairGrad
from tests.support.replicates import searched

CONFLICT = torch.tensor(
    [[1.0, -2.0], [-2.0, 16.0]], dtype=torch.float64
)  # lengths 1 and 4, an angle of 120 degrees
UNEVEN = torch.diag(torch.tensor([1.0, 4.0], dtype=torch.float64))
BY_HAND = {
    "upgrad": (CONFLICT, (1 + 2, 1 / 8 + 1)),  # g0 + g1 / 8 and 2 g0 + g1
    "pcgrad": (CONFLICT, (1 + 2, 1 / 8 + 1)),
    "dualproj": (CONFLICT, (2, 1)),  # orthogonal to g0
    "mgda": (CONFLICT, (12 / 7, 2 / 7)),
    "imtl_g": (CONFLICT, (8 / 5, 2 / 5)),
    "cagrad": (
        UNEVEN,
        ((1 + 0.8 * math.sqrt(1.25)) / 1.4, 1 / 1.4),
    ),  # the worst off has all the shares, the mean is long sqrt(5/4)
    "aligned_mtl": (UNEVEN, (1, 1 / 2)),  # both as long as the shorter
    "fairgrad": (
        UNEVEN,
        (2.5 ** (2 / 3), (2.5 / 4) ** (2 / 3)),
    ),  # of lengths a and alpha 2: a ** (-2 / 3)
    "nash_mtl": (CONFLICT, (4 * math.sqrt(8.5 / 8), math.sqrt(8.5 / 8))),
}


def weigh(weighting, gramian):
    initial_state = weighting.initial_state(range(len(gramian)))
    state = {name: tensor[None] for name, tensor in initial_state.items()}
    return weighting.weigh(torch.ones(1, len(gramian), dtype=gramian.dtype), gramian[None], state)[
        0
    ]


def test_every_one_has_an_example():
    assert BY_HAND.keys() == {name for name, kind in WEIGHTINGS.items() if kind.needs_gramian}


@pytest.mark.parametrize("name", BY_HAND)
def test_an_example_by_hand(name):
    gramian, expected = BY_HAND[name]
    torch.testing.assert_close(
        weigh(WEIGHTINGS[name](), gramian).tolist(), [float(x) for x in expected], rtol=2e-3, atol=0
    )


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_fairgrad_solves_its_equation(alpha):
    weights = weigh(FairGrad(alpha), CONFLICT)
    torch.testing.assert_close(
        CONFLICT * 2 / 17 @ weights, weights ** (-1 / alpha), rtol=1e-4, atol=1e-6
    )


def test_pcgrad_draws_an_order_for_each_step():
    directions = torch.tensor(
        [[1.0, 0.0], [-0.5, math.sqrt(0.75)], [-0.5, -math.sqrt(0.75) / 2]], dtype=torch.float64
    )
    gramian = directions @ directions.T
    weighting = WEIGHTINGS["pcgrad"]()
    state, found = {"bits": weighting.initial_state((1, 2, 3))["bits"][None]}, set()
    for _ in range(60):
        weights = weighting.weigh(torch.ones(1, 3), gramian[None], state)[0]
        found.add(tuple(round(weight, 3) for weight in weights.tolist()))
        state |= weighting.after_step(torch.ones(1, 3), None, state)
    surgeries = [operated(gramian, task) for task in range(3)]
    expected = {
        tuple(round(float(w), 3) for w in sum(each)) for each in itertools.product(*surgeries)
    }
    assert len(found) > 2
    assert found <= expected


def operated(gramian, task):
    """The gradient of a task freed from its conflicts with the two others, in both orders."""
    others = [other for other in range(3) if other != task]
    for order in (others, others[::-1]):
        weights = torch.eye(3, dtype=torch.float64)[task].clone()
        for other in order:
            weights[other] -= min(float(gramian[other] @ weights), 0.0) / gramian[other, other]
        yield weights


def test_the_projection_is_optimal():
    """v >= u, G v >= 0, and one of them with equality: that is all there is to the least v' G v."""
    for seed, tasks in itertools.product(range(5), (2, 3, 8)):
        rows = torch.randn(
            tasks, 20, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
        )
        rows[0] -= 2 * rows[1:].sum(0)
        gramian, directions = rows @ rows.T, torch.eye(tasks, dtype=torch.float64)
        ridged = gramian / gramian.trace() + 1e-4 * torch.eye(tasks)
        found = project(directions, gramian)
        moved, slope = found - directions, found @ ridged
        assert moved.max() > 1e-3
        assert moved.min() >= 0
        assert slope.min() > -1e-12
        assert (moved * slope).abs().max() < 1e-12


@pytest.mark.parametrize("c", [0.0, 0.4, 0.9])
def test_cagrad_helps_the_worst_off_most(c):
    """No other direction as near to the mean gradient makes the least progress larger."""
    draw = torch.Generator().manual_seed(1)
    rows = torch.randn(3, 4, generator=draw, dtype=torch.float64)
    rows[0] -= rows[1:].sum(0)
    mean, ours = rows.mean(0), (1 + c) / 3 * weigh(CAGrad(c), rows @ rows.T) @ rows
    assert (ours - mean).norm() <= c * mean.norm() + 1e-6
    away = torch.randn(100_000, 4, generator=draw, dtype=torch.float64)
    others = mean + c * mean.norm() * away / away.norm(dim=1, keepdim=True)
    assert (others @ rows.T).min(1).values.max() <= (rows @ ours).min() + 1e-6


def scaled(power):
    """What the weights of a Gramian of another scale are multiplied by to get ours."""
    return lambda gramian: (len(gramian) / gramian.trace()) ** -power


AGGREGATORS = {
    "upgrad": (aggregation.UPGrad(projector=project), len, (0, 1, 2)),
    "dualproj": (aggregation.DualProj(projector=project), len, (0, 1, 2)),
    "pcgrad": (
        aggregation.PCGrad(),
        lambda gramian: 1,
        (0, 2),
    ),  # of two tasks, so that the order is no matter
    "mgda": (aggregation.MGDA(), len, (0, 1, 2)),
    "imtl_g": (aggregation.IMTLG(), len, (0, 1, 2)),
    "aligned_mtl": (aggregation.AlignedMTL(), len, (0, 1, 2)),
    "fairgrad": (aggregation.FairGrad(alpha=2.0), scaled(2 / 3), (0, 1, 2)),
    "nash_mtl": (aggregation.FairGrad(alpha=1.0), scaled(1 / 2), (0, 1, 2)),
}


@pytest.fixture(autouse=True)
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@cache
def problem(name):
    return TrainingData(load(name), 0, torch.device("cpu"))


def doubled(fold):
    return dataclasses.replace(
        fold,
        inputs={name: x.map(torch.Tensor.double) for name, x in fold.inputs.items()},
        targets={name: y.double() for name, y in fold.targets.items()},
    )


def network(weighting, tasks, tree=None, name="penguins"):
    data, candidate = (
        problem(name),
        Candidate(tree or SharingTree.shared(len(tasks), 2), Mlp(6), NoSharing(), weighting),
    )
    return Network(Component(tasks, candidate), data.signature(searched(0)), 3), [
        data.dataset.tasks[task] for task in tasks
    ]


def stepped(weighting, tasks, tree=None, name="penguins"):
    """A network whose gradients are those of one step on all training rows."""
    net, own = network(weighting, tasks, tree, name)
    fold = doubled(problem(name).fold(searched(0)))
    Step(net, own, fold).run(iter([dict(fold.train)]), 0)
    return net


def changed(modules, others):
    """For each module whether any of its gradients differs."""
    pairs = [
        zip(one.parameters(), other.parameters(), strict=True)
        for one, other in zip(modules, others, strict=True)
    ]
    return [any((p.grad - q.grad).abs().max() > 1e-4 for p, q in each) for each in pairs]


@pytest.mark.parametrize("name", AGGREGATORS)
def test_gradients_are_those_of_torchjd(name):
    aggregator, scale, tasks = AGGREGATORS[name]
    ours, fold = stepped(WEIGHTINGS[name](), tasks), doubled(problem("penguins").fold(searched(0)))
    theirs, own = network(Fixed(), tasks)
    shared = [*theirs.stems.parameters(), *theirs.stages.parameters()]
    features = []
    theirs.stages[-1][0].register_forward_hook(
        lambda module, inputs, output: features.append(output)
    )
    losses = losses_of(theirs, own, fold, dict(fold.train))[0]
    heads = [list(head.parameters()) for head in theirs.heads]
    mtl_backward(
        list(losses), features=features, shared_params=shared, tasks_params=heads, retain_graph=True
    )
    jacobian = torch.cat([each.jac.flatten(1) for each in shared], 1)
    jac_to_grad(shared, aggregator)
    factor = scale(jacobian @ jacobian.T)
    trunk = [*ours.stems.parameters(), *ours.stages.parameters()]
    assert max(p.grad.abs().max() for p in trunk) > 1e-3
    for found, expected in zip(trunk, shared, strict=True):
        torch.testing.assert_close(found.grad, factor * expected.grad, rtol=1e-4, atol=1e-7)
    for found, expected in zip(ours.heads.parameters(), theirs.heads.parameters(), strict=True):
        torch.testing.assert_close(found.grad, expected.grad)


def test_what_belongs_to_one_task_learns_from_its_plain_loss():
    tree = SharingTree((((0, 1, 2),), ((0, 1), (2,))))
    weighed, plain = (
        stepped(weighting, (0, 1, 2), tree) for weighting in (WEIGHTINGS["imtl_g"](), Fixed())
    )
    assert changed(weighed.stems, plain.stems) == [True]
    assert changed(weighed.levels[0], plain.levels[0]) == [True]
    assert changed(weighed.levels[1], plain.levels[1]) == [True, False]
    assert changed(weighed.heads, plain.heads) == [False] * 3


def test_the_stem_of_a_source_with_one_task_is_its_own():
    weighed, plain = (
        stepped(each, (0, 1), name="iris+breast_cancer")
        for each in (WEIGHTINGS["imtl_g"](), Fixed())
    )
    assert changed(weighed.stems, plain.stems) == [False] * 2
    assert (
        changed(weighed.levels[0], plain.levels[0])
        == changed(weighed.levels[1], plain.levels[1])
        == [True]
    )


def test_members_whose_gradients_are_looked_at_are_trained_apart_from_others():
    def shape(weighting, tree, sharing=None):
        return Member(
            Component((0, 1, 2), Candidate(tree, Mlp(6), sharing or NoSharing(), weighting)),
            searched(0),
            0,
            1,
        ).shape

    shared, separate = SharingTree.shared(3, 2), SharingTree.separate(3, 2)
    dear, cheap, double = WEIGHTINGS["upgrad"](), WEIGHTINGS["dwa"](), WEIGHTINGS["famo"]()
    assert len({shape(each, shared) for each in (dear, cheap, double)}) == 3
    assert shape(dear, separate) == shape(cheap, separate) == shape(cheap, shared)
    assert shape(dear, separate, CrossStitch()) == shape(dear, shared)  # what is mixed is shared
    assert (
        shape(dear, separate, L2Sharing())
        == shape(cheap, separate, CrossStitch())
        == shape(cheap, separate)
    )


def test_torchjd_is_imported_when_it_is_used_only():
    code = "import sys, mtlsearch.candidate, mtlsearch.space; print('torchjd' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
