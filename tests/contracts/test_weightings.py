"""What every loss weighting must do.

Parametrised over the table: a new one is tested without an edit here.
"""

import dataclasses
import json
import math

import pytest
import torch
from torchjd import scalarization

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS
from mtlsearch.weightings.dwa import DynamicAverage
from mtlsearch.weightings.famo import FAMO
from mtlsearch.weightings.fixed import Fixed
from mtlsearch.weightings.random import RandomWeights
from mtlsearch.weightings.scale_invariant import ScaleInvariant
from mtlsearch.weightings.uncertainty import Uncertainty

LOSSES = torch.tensor([[0.5, 2.0, 1.0], [3.0, 0.1, 0.7]])  # [K, T]
K, T = LOSSES.shape
GRADIENTS = torch.randn(K, T, 7, generator=torch.Generator().manual_seed(0))
GRADIENTS[1, 0] -= GRADIENTS[1, 1:].sum(0)  # a conflict
GRAMIAN = GRADIENTS @ GRADIENTS.mT
SEEDS = (11, 22, 33)  # one for each task


@pytest.fixture(params=sorted(WEIGHTINGS))
def kind(request):
    return WEIGHTINGS[request.param]


@pytest.fixture(params=sorted(name for name, kind in WEIGHTINGS.items() if not kind.needs_gramian))
def loss_based(request):
    return WEIGHTINGS[request.param]


@pytest.fixture(params=sorted(name for name, kind in WEIGHTINGS.items() if kind.needs_gramian))
def gradient_based(request):
    return WEIGHTINGS[request.param]


def per_task(kind, order=(0, 1, 2)):
    """One instance with a different value for each task in every field that holds one value per
    task.
    """
    values = [1.0, 2.0, 3.0]
    names = [
        field.name for field in dataclasses.fields(kind) if field.metadata.get("per") == "task"
    ]
    return kind(**{name: tuple(values[task] for task in order) for name in names})


def begin(weighting, seeds):
    """The tensors [T] of one candidate, trainable ones included."""
    return weighting.initial_state(seeds) | weighting.trainable_state(len(seeds))


def stack(weighting, candidates=K, seeds=SEEDS):
    state = begin(weighting, seeds)
    return {name: torch.stack([tensor] * candidates) for name, tensor in state.items()}


def lived(weighting, losses=LOSSES, seeds=SEEDS):
    """The state [K, T] after three epochs of two steps each, with losses that fall at rates of
    their own.
    """
    state = stack(weighting, len(losses), seeds)
    for epoch in range(3):
        now = losses ** (1 + epoch)
        for _ in range(2):
            state |= weighting.after_step(now, now**1.1, state)
        state |= weighting.after_epoch(now, state)
    return state


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_state_is_one_value_per_task(kind, tasks):
    state = begin(kind(), range(tasks))
    assert all(tensor.shape == (tasks,) for tensor in state.values())


def test_trainable_state_is_apart_from_the_initial_state(kind):
    trainable = kind().trainable_state(len(SEEDS))
    assert not trainable.keys() & kind().initial_state(SEEDS).keys()
    assert all(tensor.is_floating_point() for tensor in trainable.values())


def test_weights_are_finite_and_sum_to_more_than_nothing(kind):
    weighting = per_task(kind)
    for state in (stack(weighting), lived(weighting)):
        weights = weighting.weigh(LOSSES, GRAMIAN, state)
        assert (weights.shape, weights.dtype) == ((K, T), LOSSES.dtype)
        assert weights.isfinite().all()
        assert (weights.sum(1) > 0).all()


def test_weights_of_losses_are_positive_and_need_no_gradients(loss_based):
    weighting = per_task(loss_based)
    assert (weighting.weigh(LOSSES, None, lived(weighting)) > 0).all()


def test_a_gramian_of_nobody_s_gradients_or_of_orthonormal_ones_weighs_equally(gradient_based):
    weighting = gradient_based()
    for size in (0.0, 1.0, 1e-12, 1e12):
        gramian = (size * torch.eye(T, dtype=torch.float64)).expand(K, T, T)
        torch.testing.assert_close(
            weighting.weigh(LOSSES, gramian, lived(weighting)), torch.ones(K, T)
        )


def test_weights_of_gradients_follow_the_gramian_alone(gradient_based):
    weighting, state = gradient_based(), lived(gradient_based())
    found = weighting.weigh(LOSSES, GRAMIAN, state)
    assert (found[1] - 1).abs().max() > 0.01
    assert torch.equal(weighting.weigh(7 * LOSSES, GRAMIAN, state), found)
    torch.testing.assert_close(weighting.weigh(LOSSES, GRAMIAN / 64, state), found)


def test_a_gramian_that_is_not_finite_is_its_candidates_own(gradient_based):
    weighting, sick = gradient_based(), GRAMIAN.clone()
    sick[1, 0, 1] = torch.nan
    found = weighting.weigh(LOSSES, sick, lived(weighting))
    assert torch.equal(found[0], weighting.weigh(LOSSES, GRAMIAN, lived(weighting))[0])
    assert found[1].isnan().all()


def test_what_has_been_seen_keeps_its_shape_and_type(kind):
    fresh, old = stack(kind()), lived(kind())
    assert {name: (x.shape, x.dtype) for name, x in old.items()} == {
        name: (x.shape, x.dtype) for name, x in fresh.items()
    }


def test_candidates_are_stacked_along_the_first_axis(kind):
    weighting = per_task(kind)
    together = weighting.weigh(LOSSES, GRAMIAN, lived(weighting))
    penalty = weighting.penalty(lived(weighting)).expand(K)
    for k in range(K):
        alone = lived(weighting, LOSSES[k : k + 1])
        torch.testing.assert_close(
            together[k : k + 1], weighting.weigh(LOSSES[k : k + 1], GRAMIAN[k : k + 1], alone)
        )
        torch.testing.assert_close(penalty[k : k + 1], weighting.penalty(alone).expand(1))


def test_permuting_the_tasks_permutes_the_weights(kind):
    order = [2, 0, 1]
    straight, turned = per_task(kind), per_task(kind, order)
    weights = straight.weigh(LOSSES, GRAMIAN, lived(straight))
    state = lived(turned, LOSSES[:, order], [SEEDS[task] for task in order])
    permuted = turned.weigh(LOSSES[:, order], GRAMIAN[:, order][:, :, order], state)
    torch.testing.assert_close(permuted, weights[:, order])


def test_nan_in_one_candidate_leaves_the_others(kind):
    weighting, sick = per_task(kind), LOSSES.clone()
    sick[1] = torch.nan
    found = weighting.weigh(sick, GRAMIAN, lived(weighting, sick))
    assert torch.equal(found[0], weighting.weigh(LOSSES, GRAMIAN, lived(weighting))[0])


def test_losses_and_trainable_state_get_gradients(kind):
    weighting, losses = kind(), LOSSES[:1].clone().requires_grad_()
    state = stack(weighting, 1)
    learned = [state[name].requires_grad_() for name in weighting.trainable_state(len(SEEDS))]
    total = (weighting.weigh(losses, GRAMIAN[:1], state) * losses).sum() + weighting.penalty(
        state
    ).sum()
    total.backward()
    assert all(
        tensor.grad is not None and tensor.grad.isfinite().all() for tensor in [losses, *learned]
    )


def test_json_round_trip(kind):
    candidate = Candidate(
        SharingTree.shared(3, 2), BACKBONES["mlp"](), SHARINGS["none"](), per_task(kind)
    )
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate


def test_fixed_weights_have_mean_one():
    assert Fixed((1.0, 2.0, 6.0)).initial_state(SEEDS)["weights"].tolist() == pytest.approx(
        [1 / 3, 2 / 3, 2.0]
    )
    assert Fixed().initial_state(range(4))["weights"].tolist() == [1.0] * 4


def test_uncertainty_gradient_at_the_start():
    weighting, losses = Uncertainty(), torch.tensor([[0.5, 2.0, 0.1]])
    state = {name: tensor.requires_grad_() for name, tensor in stack(weighting, 1).items()}
    ((weighting.weigh(losses, None, state) * losses).sum() + weighting.penalty(state)).backward()
    torch.testing.assert_close(state["log_variance"].grad, 0.5 - losses)


def test_dwa_weighs_by_the_ratio_of_the_last_two_epochs():
    weighting, losses = DynamicAverage(temperature=2.0), torch.ones(1, 2)
    state = stack(weighting, 1, SEEDS[:2])
    epochs = [torch.tensor([[4.0, 1.0]]), torch.tensor([[2.0, 1.0]]), torch.tensor([[2.0, 0.0]])]
    found = [weighting.weigh(losses, None, state)]
    for seen in epochs:
        state |= weighting.after_epoch(seen, state)
        found.append(weighting.weigh(losses, None, state))
    slow, fast = math.exp(1 / 2), math.exp(0.5 / 2)  # rates 1 and 1/2
    stuck, done = math.exp(1 / 2), 1.0  # rates 1 and 0
    expected = [[1, 1], [1, 1], [2 * fast / (slow + fast), 2 * slow / (slow + fast)]]
    torch.testing.assert_close(torch.cat(found[:3]), torch.tensor(expected))
    torch.testing.assert_close(
        found[3], torch.tensor([[2 * stuck / (stuck + done), 2 * done / (stuck + done)]])
    )


def test_random_weights_are_the_softmax_of_normal_numbers_and_drawn_anew_in_each_step():
    weighting, losses, steps = RandomWeights(), torch.ones(1, 4), 4000
    state, drawn = stack(weighting, 1, (1, 2, 3, 4)), []
    for _ in range(steps):
        drawn.append(weighting.weigh(losses, None, state)[0])
        state |= weighting.after_step(losses, None, state)
    weights = torch.stack(drawn)
    torch.testing.assert_close(weights.sum(1), torch.full((steps,), 4.0))
    logs = weights.log()
    normal = logs - logs.mean(
        1, keepdim=True
    )  # of standard normal numbers without their mean: variance 3/4, covariance -1/4
    torch.testing.assert_close(torch.cov(normal.T), torch.eye(4) - 0.25, atol=0.06, rtol=0)
    assert (normal.mean(0).abs() < 0.06).all()
    between = torch.corrcoef(torch.stack([normal[:-1, 0], normal[1:, 0]]))[0, 1]
    assert abs(between) < 0.06


def test_random_weights_differ_with_the_seed_only():
    weighting, losses = RandomWeights(), torch.ones(1, 3)
    first, again, other = (
        weighting.weigh(losses, None, stack(weighting, 1, seeds))
        for seeds in (SEEDS, SEEDS, (1, 2, 3))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_gradient_of_scale_invariant_is_that_of_the_logarithms():
    losses, weighting = torch.tensor([[0.5, 2.0, 100.0]], requires_grad=True), ScaleInvariant()
    (weighting.weigh(losses, None, {}) * losses).sum().backward()
    torch.testing.assert_close(losses.grad, torch.tensor([[2.0, 0.5, 0.01]]))
    assert weighting.weigh(torch.zeros(1, 1), None, {}).isfinite().all()


def test_famo_moves_weight_to_the_loss_that_fell_least():
    """Adam's first step has the size of the learning rate, and the gradients of two logits are
    opposite.
    """
    weighting, losses = FAMO(learning_rate=0.1), torch.tensor([[0.5, 8.0]])
    state = stack(weighting, 1, SEEDS[:2])
    torch.testing.assert_close(
        weighting.weigh(losses, None, state), 2 * torch.tensor([[16 / 17, 1 / 17]])
    )
    state |= weighting.after_step(losses, torch.tensor([[0.4, 8.0]]), state)
    torch.testing.assert_close(state["logits"], torch.tensor([[-0.1, 0.1]]))
    first, second = math.exp(-0.1) / 0.5, math.exp(0.1) / 8
    expected = 2 * torch.tensor([[first, second]]) / (first + second)
    torch.testing.assert_close(weighting.weigh(losses, None, state), expected)


def test_famo_is_that_of_torchjd():
    ours, theirs = FAMO(), scalarization.FAMO(T)
    state = stack(ours, 1)
    for step in range(20):
        values = (
            LOSSES[:1] * (1 + 0.5 * torch.sin(step * torch.arange(1.0, 4.0)))
        ).requires_grad_()
        theirs(values[0]).backward()
        torch.testing.assert_close(ours.weigh(values, None, state), T * values.grad)
        after = values.detach() * torch.tensor([0.9, 1.05, 0.7])
        theirs.update(after[0])
        state |= ours.after_step(values.detach(), after, state)
    assert (state["logits"].abs() > 0.1).all()
