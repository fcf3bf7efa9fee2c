"""What every soft-sharing mechanism must do. Parametrised over the table: a new one is tested without an edit here."""

import dataclasses
import itertools
import json

import pytest
import torch

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate
from mtlsearch.sharing import SHARINGS
from mtlsearch.sharing.pull import Pull
from mtlsearch.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS

NODES, ROWS, WIDTH = 3, 4, 5


@pytest.fixture(params=sorted(SHARINGS))
def kind(request):
    return SHARINGS[request.param]


@pytest.fixture
def sharing(kind):
    return kind()


def pairs(nodes, start=0):
    edges = list(itertools.combinations(range(start, start + nodes), 2))
    return torch.tensor(edges, dtype=torch.long).reshape(-1, 2).T


def weights(nodes=NODES):
    return torch.randn(nodes, WIDTH, 2, generator=torch.Generator().manual_seed(0))


def stack(states):
    return {name: torch.cat([state[name] for state in states]) for name in states[0]}


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen


def test_state_leads_with_the_edges(sharing):
    for nodes in (1, 2, NODES):
        edges = pairs(nodes)
        assert all(tensor.shape[0] == edges.shape[1] for tensor in sharing.state(nodes, edges).values())


def test_penalty_is_finite_not_negative_and_one_for_each_edge(sharing):
    edges = pairs(NODES)
    penalty = sharing.penalty(weights(), edges, sharing.state(NODES, edges))
    assert penalty.shape == (edges.shape[1],)
    assert penalty.isfinite().all()
    assert (penalty >= 0).all()


def test_without_edges_nothing_is_tied(sharing):
    edges = pairs(1)
    state = sharing.state(1, edges)
    h = torch.randn(1, ROWS, WIDTH)
    assert sharing.penalty(weights(1), edges, state).sum() == 0
    torch.testing.assert_close(sharing.mix(h, edges, state), h)


def test_untied_means_no_penalty_and_no_mixing(kind):
    untied = kind(strength=0.0) if "strength" in {field.name for field in dataclasses.fields(kind)} else kind()
    assert not untied.ties
    edges, h = pairs(NODES), torch.randn(NODES, ROWS, WIDTH)
    state = untied.state(NODES, edges)
    assert untied.penalty(weights(), edges, state).sum() == 0
    torch.testing.assert_close(untied.mix(h, edges, state), h)


def test_mix_keeps_the_shape_and_carries_gradients(sharing):
    edges, h = pairs(NODES), torch.randn(NODES, ROWS, WIDTH, requires_grad=True)
    mixed = sharing.mix(h, edges, sharing.state(NODES, edges))
    assert mixed.shape == h.shape
    mixed.square().sum().backward()
    assert h.grad is not None
    assert h.grad.isfinite().all()


def test_nan_does_not_leak_where_there_is_no_edge(sharing):
    edges = torch.cat([pairs(NODES), pairs(2, NODES)], 1)
    state = stack([sharing.state(NODES, pairs(NODES)), sharing.state(2, pairs(2))])
    sick, sick_h = weights(NODES + 2), torch.randn(NODES + 2, ROWS, WIDTH)
    healthy, healthy_h = sick.clone().requires_grad_(), sick_h.clone()
    sick[-1], sick_h[-1] = torch.nan, torch.nan
    sick.requires_grad_()
    penalty, expected = sharing.penalty(sick, edges, state), sharing.penalty(healthy, edges, state)
    assert torch.equal(penalty[:-1], expected[:-1])
    assert torch.equal(sharing.mix(sick_h, edges, state)[:NODES], sharing.mix(healthy_h, edges, state)[:NODES])
    if penalty.requires_grad:
        penalty.sum().backward()
        expected.sum().backward()
        assert torch.equal(sick.grad[:NODES], healthy.grad[:NODES])


def test_the_penalties_of_two_edges_are_independent(sharing):
    edges = pairs(NODES)
    state = sharing.state(NODES, edges)
    moved = weights()
    before = sharing.penalty(moved, edges, state)
    moved[2] += 1.0
    after = sharing.penalty(moved, edges, state)
    untouched = (edges != 2).all(0)
    assert torch.equal(before[untouched], after[untouched])


def test_many_candidates_run_as_one_program(sharing):
    edges = torch.cat([pairs(NODES), pairs(2, NODES)], 1)
    parts = [sharing.state(NODES, pairs(NODES)), sharing.state(2, pairs(2))]
    both = weights(NODES + 2)
    first = sharing.penalty(both[:NODES], pairs(NODES), parts[0])
    second = sharing.penalty(both[NODES:], pairs(2), parts[1])
    torch.testing.assert_close(sharing.penalty(both, edges, stack(parts)), torch.cat([first, second]))


def test_json_round_trip(sharing):
    candidate = Candidate(SharingTree.separate(2, 2), BACKBONES["mlp"](), sharing, WEIGHTINGS["fixed"]())
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_pull_is_the_squared_distance_to_the_mean(nodes):
    pull, w, edges = Pull(strength=0.3), weights(nodes), pairs(nodes)
    expected = 0.3 * sum((row - w.mean(0)).square().sum() for row in w)
    torch.testing.assert_close(pull.penalty(w, edges, pull.state(nodes, edges)).sum(), expected)
