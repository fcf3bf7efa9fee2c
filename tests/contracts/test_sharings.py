"""What every soft-sharing mechanism must do.

Parametrised over the table: a new one is tested without an edit here.
"""

import dataclasses
import itertools
import json

import pytest
import torch

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate
from mtlsearch.sharing import SHARINGS, Attention, CrossStitch, Gate, Sluice
from mtlsearch.sharing.l2_sharing import L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS

NODES, ROWS, WIDTH = 3, 4, 5
TYING = sorted(name for name, kind in SHARINGS.items() if kind().levels(1))


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


def tensors(sharing, nodes):
    """All that ties one level: the constants, and what is learned as it begins."""
    edges = pairs(nodes)
    learned = {
        name: torch.stack([x] * edges.shape[1])
        for name, x in sharing.trainable_state((nodes, nodes), WIDTH).items()
        if edges.numel()
    }
    return {**sharing.initial_state(nodes, edges), **learned}


def trained(sharing, nodes, seed=0):
    """As if something had been learned."""
    draw = torch.Generator().manual_seed(seed)
    learned = sharing.trainable_state((nodes, nodes), WIDTH)
    return {
        name: x + torch.randn(x.shape, generator=draw) if name in learned else x
        for name, x in tensors(sharing, nodes).items()
    }


def both_directions(nodes):
    """Who takes, from whom, and where what the edge learns for it is found."""
    return [
        (*ends, edge, way)
        for edge, (n, m) in enumerate(pairs(nodes).T.tolist())
        for way, ends in enumerate([(m, n), (n, m)])
    ]


def stack(states):
    return {name: torch.cat([state[name] for state in states]) for name in states[0]}


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen


def test_state_leads_with_the_edges(sharing):
    for nodes in (1, 2, NODES):
        edges = pairs(nodes)
        assert all(tensor.shape[0] == edges.shape[1] for tensor in tensors(sharing, nodes).values())
        assert (
            not sharing.initial_state(nodes, edges).keys()
            & sharing.trainable_state((nodes, nodes), WIDTH).keys()
        )


def test_penalty_is_finite_not_negative_and_one_for_each_edge(sharing):
    edges = pairs(NODES)
    penalty = sharing.penalty(weights(), edges, tensors(sharing, NODES))
    assert penalty.shape == (edges.shape[1],)
    assert penalty.isfinite().all()
    assert (penalty >= 0).all()


def mix(sharing, h, edges, state, feature_axis=-1):
    return sharing.mix(h, edges, state, feature_axis)


def test_without_edges_nothing_is_tied(sharing):
    edges = pairs(1)
    state = {
        name: x.new_zeros(0, *x.shape) for name, x in sharing.trainable_state((1, 1), WIDTH).items()
    } | sharing.initial_state(1, edges)
    h = torch.randn(1, ROWS, WIDTH)
    assert sharing.penalty(weights(1), edges, state).sum() == 0
    assert torch.equal(mix(sharing, h, edges, state), h)


def test_untied_means_no_penalty_and_no_mixing(kind):
    untied = (
        kind(strength=0.0)
        if "strength" in {field.name for field in dataclasses.fields(kind)}
        else kind()
    )
    assert not any(untied.levels(depth) for depth in (1, 2, 5))
    edges, h = pairs(NODES), torch.randn(NODES, ROWS, WIDTH)
    assert untied.penalty(weights(), edges, tensors(untied, NODES)).sum() == 0
    assert torch.equal(mix(untied, h, edges, tensors(untied, NODES)), h)


def influence(sharing, nodes):
    """How much the branches depend on each other, in activations and in weights."""
    h = torch.randn(nodes, 2, WIDTH, generator=torch.Generator().manual_seed(1))
    slopes = torch.autograd.functional.jacobian(
        lambda x: mix(sharing, x, pairs(nodes), tensors(sharing, nodes)), h
    )
    between = sum(
        slopes[n, :, :, m].abs().sum() for n in range(nodes) for m in range(nodes) if n != m
    )
    return float(
        between + sharing.penalty(weights(nodes), pairs(nodes), tensors(sharing, nodes)).sum()
    )


@pytest.mark.parametrize("nodes", [2, 3, 5])
@pytest.mark.parametrize("name", TYING)
def test_the_tie_grows_with_the_strength(name, nodes):
    found = [
        influence(SHARINGS[name](strength=strength), nodes)
        for strength in (0.0, 1e-3, 0.1, 0.3, 0.6, 1.0)
    ]
    assert found[0] == 0.0
    assert all(weak < strong for weak, strong in itertools.pairwise(found))


@pytest.mark.parametrize("name", TYING)
def test_the_levels_that_are_tied_can_be_chosen(name):
    kind = SHARINGS[name]
    assert [*kind().levels(3)] == [0, 1, 2]
    assert [*kind(first_level=2).levels(3)] == [1, 2]
    assert [*kind(last_level=2).levels(3)] == [0, 1]
    assert [*kind(first_level=2, last_level=2).levels(3)] == [1]
    assert [*kind(first_level=3, last_level=2).levels(3)] == [*kind(first_level=4).levels(3)] == []


@pytest.mark.parametrize("order", [(2, 0, 1), (0, 2, 1), (1, 0, 2)])
def test_permuting_the_nodes_permutes_what_is_tied(sharing, order):
    """Edges may then name their nodes the other way round: both directions are told apart."""
    h, w, edges, state = (
        torch.randn(NODES, ROWS, WIDTH),
        weights(),
        pairs(NODES),
        trained(sharing, NODES),
    )
    turned = torch.tensor([order.index(node) for node in range(NODES)])[edges]
    torch.testing.assert_close(
        mix(sharing, h[[*order]], turned, state), mix(sharing, h, edges, state)[[*order]]
    )
    torch.testing.assert_close(
        sharing.penalty(w[[*order]], turned, state), sharing.penalty(w, edges, state)
    )
    begun = tensors(sharing, NODES)
    torch.testing.assert_close(
        mix(sharing, h[[*order]], edges, begun), mix(sharing, h, edges, begun)[[*order]]
    )


def test_the_directions_of_an_edge_are_told_apart(sharing):
    """What is learned for n from m is another number than for m from n: turning an edge and its
    tensors changes nothing.
    """
    learned, h = sharing.trainable_state((2, 2), WIDTH), torch.randn(2, ROWS, WIDTH)
    state = trained(sharing, 2)
    turned = {
        name: x.flip(1) if name in learned and learned[name].shape[:1] == (2,) else x
        for name, x in state.items()
    }
    torch.testing.assert_close(
        mix(sharing, h, pairs(2).flip(0), turned), mix(sharing, h, pairs(2), state)
    )


def test_branches_are_mixed_along_edges_only(sharing):
    h, state = (
        torch.randn(NODES, ROWS, WIDTH),
        {name: x[:1] for name, x in trained(sharing, NODES).items()},
    )
    slopes = torch.autograd.functional.jacobian(
        lambda x: mix(sharing, x, pairs(NODES)[:, :1], state), h
    )  # of nodes 0 and 1
    assert torch.equal(slopes[2, :, :, 2].reshape(ROWS * WIDTH, -1), torch.eye(ROWS * WIDTH))
    assert not slopes[2, :, :, :2].any() and not slopes[:2, :, :, 2].any()
    assert torch.equal(mix(sharing, h, pairs(NODES)[:, :1], state)[2], h[2])


def test_mix_keeps_the_shape_and_carries_gradients(sharing):
    edges, h = pairs(NODES), torch.randn(NODES, ROWS, WIDTH, requires_grad=True)
    state = {
        name: x.requires_grad_(name in sharing.trainable_state((NODES, NODES), WIDTH))
        for name, x in tensors(sharing, NODES).items()
    }
    mixed = mix(sharing, h, edges, state)
    assert mixed.shape == h.shape
    mixed.square().sum().backward()
    for x in (h, *(state[name] for name in sharing.trainable_state((NODES, NODES), WIDTH))):
        assert x.grad is not None
        assert x.grad.isfinite().all() and x.grad.any()


SPREAD = {
    "tokens [S, F]": (lambda h: h[:, :, None].repeat(1, 1, 4, 1), -1),
    "images [F, H, W]": (lambda h: h[..., None, None].repeat(1, 1, 1, 4, 6), -3),
    "clips [S, F, H, W]": (lambda h: h[:, :, None, :, None, None].repeat(1, 1, 2, 1, 4, 6), -3),
}


@pytest.mark.parametrize(("spread", "axis"), SPREAD.values(), ids=SPREAD)
def test_features_that_are_alike_at_every_position_are_mixed_as_plain_ones(sharing, spread, axis):
    h = torch.randn(NODES, ROWS, WIDTH)
    state = trained(sharing, NODES)
    expected = spread(mix(sharing, h, pairs(NODES), state))
    torch.testing.assert_close(mix(sharing, spread(h), pairs(NODES), state, axis), expected)


def test_nan_does_not_leak_where_there_is_no_edge(sharing):
    edges = torch.cat([pairs(NODES), pairs(2, NODES)], 1)
    state = stack([trained(sharing, NODES), trained(sharing, 2)])
    sick, sick_h = weights(NODES + 2), torch.randn(NODES + 2, ROWS, WIDTH)
    healthy, healthy_h = sick.clone().requires_grad_(), sick_h.clone()
    sick[-1], sick_h[-1] = torch.nan, torch.nan
    sick.requires_grad_()
    penalty, expected = sharing.penalty(sick, edges, state), sharing.penalty(healthy, edges, state)
    assert torch.equal(penalty[:-1], expected[:-1])
    assert torch.equal(
        mix(sharing, sick_h, edges, state)[:NODES], mix(sharing, healthy_h, edges, state)[:NODES]
    )
    if penalty.requires_grad:
        penalty.sum().backward()
        expected.sum().backward()
        assert torch.equal(sick.grad[:NODES], healthy.grad[:NODES])


def test_the_penalties_of_two_edges_are_independent(sharing):
    edges = pairs(NODES)
    state = tensors(sharing, NODES)
    moved = weights()
    before = sharing.penalty(moved, edges, state)
    moved[2] += 1.0
    after = sharing.penalty(moved, edges, state)
    untouched = (edges != 2).all(0)
    assert torch.equal(before[untouched], after[untouched])


def test_many_candidates_run_as_one_program(sharing):
    edges = torch.cat([pairs(NODES), pairs(2, NODES)], 1)
    parts = [trained(sharing, NODES), trained(sharing, 2)]
    both = weights(NODES + 2)
    first = sharing.penalty(both[:NODES], pairs(NODES), parts[0])
    second = sharing.penalty(both[NODES:], pairs(2), parts[1])
    torch.testing.assert_close(
        sharing.penalty(both, edges, stack(parts)), torch.cat([first, second])
    )
    h = torch.randn(NODES + 2, ROWS, WIDTH)
    mixed = [
        mix(sharing, h[:NODES], pairs(NODES), parts[0]),
        mix(sharing, h[NODES:], pairs(2), parts[1]),
    ]
    torch.testing.assert_close(mix(sharing, h, edges, stack(parts)), torch.cat(mixed))


def test_json_round_trip(sharing):
    candidate = Candidate(
        SharingTree.separate(2, 2), BACKBONES["mlp"](), sharing, WEIGHTINGS["fixed"]()
    )
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_pull_is_the_squared_distance_to_the_mean(nodes):
    pull, w, edges = L2Sharing(strength=0.3), weights(nodes), pairs(nodes)
    expected = 0.3 * sum((row - w.mean(0)).square().sum() for row in w)
    torch.testing.assert_close(
        pull.penalty(w, edges, pull.initial_state(nodes, edges)).sum(), expected
    )


@pytest.mark.parametrize("strength", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("kind", [CrossStitch, Sluice, Gate, Attention])
def test_branches_begin_by_taking_a_share_of_their_mean(kind, strength):
    sharing, h = kind(strength=strength), torch.randn(NODES, ROWS, WIDTH)
    expected = (1 - strength) * h + strength * h.mean(0)
    torch.testing.assert_close(mix(sharing, h, pairs(NODES), tensors(sharing, NODES)), expected)


def test_a_cross_stitch_of_two_is_a_matrix_of_four_numbers():
    sharing, h = CrossStitch(), torch.randn(2, ROWS, WIDTH)
    matrix = torch.tensor([[0.7, 0.4], [-0.2, 1.5]])
    stitch = torch.tensor([[[matrix[1, 1] - 1, matrix[1, 0]], [matrix[0, 0] - 1, matrix[0, 1]]]])
    torch.testing.assert_close(
        mix(sharing, h, pairs(2), {"stitch": stitch}), torch.einsum("nm,mbf->nbf", matrix, h)
    )


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_a_gate_is_a_softmax_over_all_branches(nodes):
    sharing, h, state = Gate(), torch.randn(nodes, ROWS, WIDTH), trained(Gate(), nodes)
    logits = torch.zeros(nodes, ROWS, nodes)
    for to, by, edge, way in both_directions(nodes):
        logits[to, :, by] = h[to] @ state["weight"][edge, way] + state["bias"][edge, way]
    expected = torch.einsum("nbm,mbf->nbf", logits.softmax(-1), h)
    torch.testing.assert_close(mix(sharing, h, pairs(nodes), state), expected)


def test_a_gate_that_is_sure_overflows_nowhere():
    h, state = torch.randn(2, ROWS, WIDTH, requires_grad=True), tensors(Gate(), 2)
    state = {**state, "bias": torch.tensor([[1e4, -1e4]], requires_grad=True)}
    mixed = mix(Gate(), h, pairs(2), state)
    torch.testing.assert_close(mixed, h[[0, 0]])
    mixed.sum().backward()
    assert h.grad.isfinite().all() and state["bias"].grad.isfinite().all()


@pytest.mark.parametrize("width", [5, 6])
def test_a_sluice_is_a_cross_stitch_of_halves(width):
    """Of an odd number of features the second half is filled up with a zero."""
    state, h = trained(Sluice(), NODES), torch.randn(NODES, ROWS, width)
    halves = torch.stack([h[..., :3], torch.nn.functional.pad(h[..., 3:], (0, 6 - width))])
    expected = halves.clone()
    for to, by, edge, way in both_directions(NODES):
        own, other = state["stitch"][edge, way]
        expected[:, to] += torch.einsum("xy,ybf->xbf", own, halves[:, to]) + torch.einsum(
            "xy,ybf->xbf", other, halves[:, by]
        )
    torch.testing.assert_close(
        mix(Sluice(), h, pairs(NODES), state), torch.cat([*expected], -1)[..., :width]
    )


def test_attention_weighs_every_feature_of_every_other_branch():
    state, h = trained(Attention(), NODES), torch.randn(NODES, ROWS, WIDTH)
    expected = h.clone()
    for to, by, edge, way in both_directions(NODES):
        own, other, bias = state["attention"][edge, way]
        expected[to] += (own * h[to] + other * h[by] + bias).sigmoid() * (h[by] - h[to])
    torch.testing.assert_close(mix(Attention(), h, pairs(NODES), state), expected)
