"""What every backbone must do. Parametrised over the table: a new backbone is tested without an edit here."""

import dataclasses
import inspect
import json

import pytest
import torch

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate
from mtlsearch.inputs.schema import Images, Sequences, Tokens
from mtlsearch.sharing import SHARINGS
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS

OUTPUTS, ROWS = 3, 16
FEATURES = {
    "table": [5],
    "images": [Images(1, 8, 8), Images(3, 9, 14), Images(2, 40, 33)],
    "sequences": [Sequences(1, 1), Sequences(7, 2)],
    "tokens": [Tokens(1, 1), Tokens(7, 11)],
}


@pytest.fixture(params=sorted(BACKBONES))
def kind(request):
    return BACKBONES[request.param]


def inputs(features, rows=ROWS):
    """Inputs as the preparation makes them: sequences and texts of random lengths, with zeros beyond them."""
    draw = torch.Generator().manual_seed(1)
    if isinstance(features, int):
        return torch.randn(rows, features, generator=draw)
    if isinstance(features, Images):
        return torch.randn(rows, features.channels, features.height, features.width, generator=draw)
    steps = features.steps if isinstance(features, Sequences) else features.length
    there = torch.arange(steps) < torch.randint(1, steps + 1, (rows, 1), generator=draw)
    if isinstance(features, Tokens):
        return torch.randint(1, features.vocabulary + 1, (rows, steps), generator=draw) * there
    numbers = torch.randn(rows, steps, features.channels, generator=draw)
    return torch.cat([numbers * there[..., None], there[..., None].float()], 2)


@pytest.fixture(params=[8, 24, 64])
def backbone(kind, request):
    return (
        kind(width=request.param)
        if "width" in {field.name for field in dataclasses.fields(kind)}
        else kind()
    )


@pytest.fixture
def taken(backbone):
    """Every kind and size of input that the backbone takes."""
    return [features for kind in backbone.takes for features in FEATURES[kind]]


def modules(backbone, features):
    torch.manual_seed(0)
    return backbone.stem(features), backbone.stage(0), backbone.stage(1), backbone.head(OUTPUTS, 2)


def test_it_takes_known_kinds_of_input(kind):
    assert set(kind.takes) <= set(FEATURES)
    assert kind.takes


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen


def test_shapes(backbone, taken):
    for features in taken:
        stem, first, second, head = modules(backbone, features)
        h = stem(inputs(features))
        assert h.shape[0] == ROWS
        assert first(h).shape[:2] == h.shape[:2]
        assert first(h).dim() == h.dim()
        assert head(second(first(h))).shape == (ROWS, OUTPUTS)


@pytest.mark.parametrize("levels", [1, 2, 9])
def test_any_number_of_levels(backbone, taken, levels):
    for features in taken:
        h, head = backbone.stem(features)(inputs(features)), backbone.head(OUTPUTS, levels)
        for level in range(levels):
            h = backbone.stage(level)(h)
        assert head(h).shape == (ROWS, OUTPUTS)
        assert head(h).isfinite().all()


def test_gradients_reach_every_parameter(backbone):
    for features in (FEATURES[kind][-1] for kind in backbone.takes):
        network = torch.nn.Sequential(*modules(backbone, features)).train()
        network(inputs(features)).square().sum().backward()
        assert [
            name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()
        ] == []


def test_each_call_makes_new_modules_of_one_shape(backbone):
    first, second = backbone.stage(0), backbone.stage(0)
    assert first is not second
    assert {n: p.shape for n, p in first.named_parameters()} == {
        n: p.shape for n, p in second.named_parameters()
    }
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}


def test_evaluation_is_deterministic(backbone, taken):
    for features in taken:
        network, x = torch.nn.Sequential(*modules(backbone, features)).eval(), inputs(features)
        assert torch.equal(network(x), network(x))


def test_rows_do_not_influence_each_other_in_evaluation(backbone, taken):
    for features in taken:
        network, x = torch.nn.Sequential(*modules(backbone, features)).eval(), inputs(features)
        torch.testing.assert_close(network(x)[:3], network(x[:3]))


def test_what_lies_beyond_the_end_of_a_sequence_or_text_changes_nothing(backbone, taken):
    for features in taken:
        if isinstance(features, Sequences | Tokens):
            network, x = torch.nn.Sequential(*modules(backbone, features)).eval(), inputs(features)
            longer = torch.cat([x, torch.zeros_like(x)], 1)
            torch.testing.assert_close(network(longer), network(x))


def test_sequences_stay_0_beyond_their_end(backbone, taken):
    """So that soft sharing, which adds multiples of features to each other, leaves the marks of the ends as they are."""
    for features in taken:
        if isinstance(features, Sequences | Tokens):
            h = x = inputs(features)
            there = x > 0 if isinstance(features, Tokens) else x[..., -1] > 0
            for module in modules(backbone, features)[:-1]:
                h = module(h)
                assert h.dim() == 2 or not h[~there].any()


def test_modules_of_our_own_keep_their_children_under_the_arguments_name(backbone, taken):
    for module in modules(backbone, taken[0]):
        for own in module.modules():
            if not type(own).__module__.startswith("torch.nn"):
                arguments = {
                    name: getattr(own, name) for name in inspect.signature(type(own)).parameters
                }
                children = [
                    name for name, value in arguments.items() if isinstance(value, torch.nn.Module)
                ]
                assert children == [name for name, _ in own.named_children()]


def test_json_round_trip(backbone):
    candidate = Candidate(
        SharingTree.shared(2, 2), backbone, SHARINGS["none"](), WEIGHTINGS["fixed"]()
    )
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate
