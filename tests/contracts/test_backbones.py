"""What every backbone must do. Parametrised over the table: a new backbone is tested without an edit here."""

import dataclasses
import inspect
import json

import pytest
import torch

from mtlsearch.backbones import BACKBONES
from mtlsearch.candidate import Candidate
from mtlsearch.sharing import SHARINGS
from mtlsearch.tree import SharingTree
from mtlsearch.weightings import WEIGHTINGS

FEATURES, OUTPUTS, ROWS = 5, 3, 16


@pytest.fixture(params=sorted(BACKBONES))
def kind(request):
    return BACKBONES[request.param]


@pytest.fixture(params=[8, 24, 64])
def backbone(kind, request):
    return kind(width=request.param) if "width" in {field.name for field in dataclasses.fields(kind)} else kind()


def modules(backbone):
    torch.manual_seed(0)
    return backbone.stem(FEATURES), backbone.stage(0), backbone.stage(1), backbone.head(OUTPUTS)


def test_defaults_and_frozen(kind):
    assert kind() == kind()
    assert hash(kind()) == hash(kind())
    assert kind.__dataclass_params__.frozen


def test_shapes(backbone):
    stem, first, second, head = modules(backbone)
    h = stem(torch.randn(ROWS, FEATURES))
    assert h.shape[0] == ROWS
    assert first(h).shape == h.shape
    assert second(first(h)).shape == h.shape
    assert head(second(first(h))).shape == (ROWS, OUTPUTS)


def test_gradients_reach_every_parameter(backbone):
    network = torch.nn.Sequential(*modules(backbone)).train()
    network(torch.randn(ROWS, FEATURES)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_each_call_makes_new_modules_of_one_shape(backbone):
    first, second = backbone.stage(0), backbone.stage(0)
    assert first is not second
    assert {n: p.shape for n, p in first.named_parameters()} == {n: p.shape for n, p in second.named_parameters()}
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}


def test_evaluation_is_deterministic(backbone):
    network = torch.nn.Sequential(*modules(backbone)).eval()
    x = torch.randn(ROWS, FEATURES)
    assert torch.equal(network(x), network(x))


def test_rows_do_not_influence_each_other_in_evaluation(backbone):
    network = torch.nn.Sequential(*modules(backbone)).eval()
    x = torch.randn(ROWS, FEATURES)
    torch.testing.assert_close(network(x)[:3], network(x[:3]))


def test_modules_of_our_own_keep_their_children_under_the_arguments_name(backbone):
    for module in modules(backbone):
        for own in module.modules():
            if not type(own).__module__.startswith("torch.nn"):
                assert list(inspect.signature(type(own)).parameters) == [name for name, _ in own.named_children()]


def test_json_round_trip(backbone):
    candidate = Candidate(SharingTree.shared(2, 2), backbone, SHARINGS["none"](), WEIGHTINGS["fixed"]())
    assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate
