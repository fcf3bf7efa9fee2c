"""What every loss weighting must do. Parametrised over the table: a new one is tested without an edit here."""

import dataclasses
import json

import pytest
import torch

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate
from mtlsearch.sharing import SHARINGS
from mtlsearch.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS
from mtlsearch.weightings.fixed import Fixed
from mtlsearch.weightings.uncertainty import Uncertainty

LOSSES = torch.tensor([[0.5, 2.0, 1.0], [3.0, 0.1, 0.7]])  # [K, T]
K, T = LOSSES.shape
GRADIENTS = torch.randn(K, T, 7, generator=torch.Generator().manual_seed(0))
GRAMIAN = GRADIENTS @ GRADIENTS.mT


@pytest.fixture(params=sorted(WEIGHTINGS))
def kind(request):
    return WEIGHTINGS[request.param]


def per_task(kind, order=(0, 1, 2)):
    """One instance with a different value for each task in every field that holds one value per task."""
    values = [1.0, 2.0, 3.0]
    names = [field.name for field in dataclasses.fields(kind) if field.metadata.get("per") == "task"]
    return kind(**{name: tuple(values[task] for task in order) for name in names})


def stack(weighting, candidates=K, tasks=T):
    states = [weighting.state(tasks) for _ in range(candidates)]
    return {name: torch.stack([state[name].detach() for state in states]) for name in states[0]}


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen


@pytest.mark.parametrize("tasks", [1, 2, 5])
def test_state_is_one_value_per_task(kind, tasks):
    assert all(tensor.shape == (tasks,) for tensor in kind().state(tasks).values())


def test_weights_are_finite_and_positive(kind):
    weights = per_task(kind).weigh(LOSSES, GRAMIAN, stack(per_task(kind)))
    assert weights.shape == (K, T)
    assert weights.isfinite().all()
    assert (weights > 0).all()


def test_candidates_are_stacked_along_the_first_axis(kind):
    weighting = per_task(kind)
    together = weighting.weigh(LOSSES, GRAMIAN, stack(weighting))
    penalty = weighting.penalty(stack(weighting))
    assert penalty.shape == (K,)
    for k in range(K):
        alone = stack(weighting, 1)
        torch.testing.assert_close(together[k : k + 1], weighting.weigh(LOSSES[k : k + 1], GRAMIAN[k : k + 1], alone))
        torch.testing.assert_close(penalty[k : k + 1], weighting.penalty(alone))


def test_permuting_the_tasks_permutes_the_weights(kind):
    order = [2, 0, 1]
    straight, turned = per_task(kind), per_task(kind, order)
    weights = straight.weigh(LOSSES, GRAMIAN, stack(straight))
    permuted = turned.weigh(LOSSES[:, order], GRAMIAN[:, order][:, :, order], stack(turned))
    torch.testing.assert_close(permuted, weights[:, order])


def test_nan_in_one_candidate_leaves_the_others(kind):
    weighting, sick = per_task(kind), LOSSES.clone()
    sick[1] = torch.nan
    state = stack(weighting)
    assert torch.equal(weighting.weigh(sick, GRAMIAN, state)[0], weighting.weigh(LOSSES, GRAMIAN, state)[0])


def test_losses_and_learned_state_get_gradients(kind):
    state, losses = kind().state(T), LOSSES[:1].clone().requires_grad_()
    weighting, learned = kind(), [tensor for tensor in state.values() if tensor.requires_grad]
    total = (weighting.weigh(losses, GRAMIAN[:1], state) * losses).sum() + weighting.penalty(state).sum()
    total.backward()
    assert all(tensor.grad is not None and tensor.grad.isfinite().all() for tensor in [losses, *learned])


def test_json_round_trip(kind):
    candidate = Candidate(SharingTree.shared(3, 2), BACKBONES["mlp"](), SHARINGS["none"](), per_task(kind))
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate


def test_fixed_weights_have_mean_one():
    assert Fixed((1.0, 2.0, 6.0)).state(3)["weights"].tolist() == pytest.approx([1 / 3, 2 / 3, 2.0])
    assert Fixed().state(4)["weights"].tolist() == [1.0] * 4


def test_uncertainty_gradient_at_the_start():
    weighting, losses = Uncertainty(), torch.tensor([[0.5, 2.0, 0.1]])
    state = weighting.state(3)
    ((weighting.weigh(losses, None, state) * losses).sum() + weighting.penalty(state)).backward()
    torch.testing.assert_close(state["log_variance"].grad, 0.5 - losses[0])
