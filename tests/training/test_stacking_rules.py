"""Stacked modules compute what a loop over them computes, forwards and backwards."""

import pytest
import torch
from torch import nn

from mtlsearch.backbones.residual import ResidualBlock
from mtlsearch.training.dropout import seed_dropouts
from mtlsearch.training.stacked.module_stack import ModuleStack
from mtlsearch.training.stacked.stacking import (
    ELEMENTWISE,
    NotStackableError,
    Vmapped,
    dropouts,
    stack,
)

N, ROWS, WIDTH, DROPOUT_KEY = 3, 5, 4, 99


class Doubling(nn.Module):
    """Says that it is elementwise, with children of two kinds."""

    elementwise = True

    def __init__(self, one, other):
        super().__init__()
        self.one, self.other = one, other

    def forward(self, h):
        return 2 * self.one(h) * torch.sigmoid(self.other(h))


class Scaling(nn.Module):
    """Says that it is elementwise, but has a number of its own."""

    elementwise = True

    def __init__(self, number, kind):
        super().__init__()
        if kind == "weight":
            self.number = nn.Parameter(torch.tensor(number))
        else:
            self.register_buffer("number", torch.tensor(number), persistent=False)

    def forward(self, h):
        return h * self.number


class Unknown(nn.Module):
    """Of no kind that the engine knows: children, weights and a buffer, in a forward of its own."""

    def __init__(self, body, number):
        super().__init__()
        self.weight, self.body = nn.Parameter(torch.randn(WIDTH)), body
        self.register_buffer("offset", torch.tensor(number), persistent=False)

    def forward(self, h):
        return self.body(h.flip(-1) * self.weight) + self.offset


def unknown(k):
    return Unknown(
        nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.2 + 0.2 * k), nn.Tanh()), float(k)
    )


def normed(norm):
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    return norm


MODULES = {
    "linear": lambda k: nn.Linear(WIDTH, 7),
    "linear of one output": lambda k: nn.Linear(WIDTH, 1),
    "linear without bias": lambda k: nn.Linear(WIDTH, 7, bias=False),
    "layer norm": lambda k: normed(nn.LayerNorm(WIDTH, eps=0.1)),
    "layer norm without bias": lambda k: normed(nn.LayerNorm(WIDTH, bias=False)),
    "layer norm of no weights": lambda k: nn.Sequential(
        nn.LayerNorm(WIDTH, elementwise_affine=False), nn.Linear(WIDTH, 2)
    ),
    "sequential": lambda k: nn.Sequential(
        nn.Linear(WIDTH, 9), nn.Sequential(nn.ReLU(), nn.Linear(9, 2)), nn.GELU()
    ),
    "dropout": lambda k: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.2 + 0.2 * k)),
    "elementwise": lambda k: ResidualBlock(
        nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Dropout(0.1 + 0.3 * k))
    ),
    "elementwise of two": lambda k: Doubling(
        nn.Linear(WIDTH, 3), nn.Sequential(nn.Linear(WIDTH, 3), nn.Tanh())
    ),
    "elementwise with a weight": lambda k: Scaling(float(k + 1), "weight"),
    "elementwise with a buffer": lambda k: nn.Sequential(
        nn.Linear(WIDTH, 2), Scaling(float(k + 1), "buffer")
    ),
    "unknown": unknown,
    "unknown within": lambda k: nn.Sequential(
        nn.Linear(WIDTH, WIDTH), nn.PReLU(), unknown(k), nn.Linear(WIDTH, 2)
    ),
    "unknown of no weights": lambda k: nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Softmax(-1)),
    "multi-head": lambda k: nn.Sequential(
        nn.Linear(WIDTH, WIDTH), nn.Unflatten(-1, (2, 2)), nn.LayerNorm((2, 2)), nn.Flatten(-2)
    ),
}


def instances(make):
    torch.manual_seed(0)
    return [seed_dropouts(make(k), 11 + k).train() for k in range(N)]


def test_a_stack_of_embeddings_looks_up_each_in_its_own():
    torch.manual_seed(0)
    tables = [nn.Embedding(6, WIDTH) for _ in range(N)]
    codes = torch.randint(0, 6, (N, ROWS, 3))
    stacked = stack(tables)
    found = stacked(codes)
    expected = torch.stack([table(rows) for table, rows in zip(tables, codes, strict=True)])
    assert not isinstance(stacked, Vmapped)
    assert torch.equal(found, expected)
    slope = torch.randn(expected.shape)
    found.backward(slope)
    expected.backward(slope)
    [gradient] = [parameter.grad for parameter in stacked.parameters()]
    assert torch.equal(gradient, torch.stack([table.weight.grad for table in tables]))


def with_dropout_key(module):
    for each in dropouts(module):
        each.dropout_key = DROPOUT_KEY
    return module


@pytest.fixture(params=MODULES)
def modules(request):
    return instances(MODULES[request.param])


@pytest.fixture(params=[(ROWS, WIDTH), (ROWS, 6, WIDTH)], ids=["2-D", "3-D"])
def h(request):
    return torch.randn(
        N, *request.param, generator=torch.Generator().manual_seed(1), requires_grad=True
    )


@pytest.mark.parametrize("training", [True, False])
def test_a_stack_equals_the_loop(modules, h, training):
    stacked = with_dropout_key(stack(modules).train(training))
    for each in modules:
        with_dropout_key(each.train(training))
    expected = torch.stack([module(x) for module, x in zip(modules, h, strict=True)])
    found = stacked(h)
    torch.testing.assert_close(found, expected)
    slope = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2))
    own = [list(module.parameters()) for module in modules]
    wanted = torch.autograd.grad((expected * slope).sum(), [h, *(p for each in own for p in each)])
    [of_input, *of_weights] = torch.autograd.grad((found * slope).sum(), [h, *stacked.parameters()])
    torch.testing.assert_close(of_input, wanted[0])
    each = len(own[0])
    assert len(of_weights) == each
    for number, gradient in enumerate(of_weights):
        torch.testing.assert_close(gradient, torch.stack(wanted[1:][number::each]))


@pytest.mark.parametrize("kind", ELEMENTWISE)
def test_elementwise_layers(kind, h):
    torch.testing.assert_close(stack([kind() for _ in range(N)])(h), kind()(h))


def stack_of(modules):
    return ModuleStack([(k, 0) for k in range(N)], lambda network, _: network, modules)


@pytest.mark.parametrize("rows", [[2, 0, 1], [1, 1, 2]])
def test_a_stack_runs_the_modules_of_any_rows(modules, h, rows):
    stacked_modules = stack_of(modules)
    stacked_modules.module.train(True)
    for each in modules:
        with_dropout_key(each)
    found = stacked_modules.run((h,), torch.tensor(rows), DROPOUT_KEY)
    torch.testing.assert_close(
        found, torch.stack([modules[row](x) for row, x in zip(rows, h, strict=True)])
    )
    in_order = stacked_modules.run((h,), None, DROPOUT_KEY)
    torch.testing.assert_close(
        in_order, torch.stack([module(x) for module, x in zip(modules, h, strict=True)])
    )


def test_a_stack_keeps_the_rows_it_is_told_to(modules, h):
    stacked_modules, rows = stack_of(modules), torch.tensor([0, 2])
    stacked_modules.module.train(True)
    before = stacked_modules.run((h,), None, DROPOUT_KEY)[rows]
    stacked_modules.keep([(0, 0), (1, 0)], rows)
    assert torch.equal(stacked_modules.run((h[rows],), None, DROPOUT_KEY), before)
    assert stacked_modules.weights.requires_grad
    assert stacked_modules.weights.is_leaf
    extracted = instances(lambda k: modules[0])[0]
    stacked_modules.extract(1, extracted)
    assert all(
        torch.equal(one, other)
        for one, other in zip(extracted.parameters(), modules[2].parameters(), strict=True)
    )


def test_the_modules_stay_as_they_were(modules, h):
    before = [
        {name: x.clone() for name, x in (*m.named_parameters(), *m.named_buffers())}
        for m in modules
    ]
    stacked_modules = stack_of(modules)
    stacked_modules.run((h,), torch.tensor([2, 1, 0]), DROPOUT_KEY).sum().backward()
    stacked_modules.keep([(0, 0)], torch.tensor([2]))
    stacked_modules.run((h[:1],), None, DROPOUT_KEY)
    for module, own in zip(modules, before, strict=True):
        after = dict((*module.named_parameters(), *module.named_buffers()))
        assert after.keys() == own.keys()
        assert all(torch.equal(after[name], own[name]) for name in own)


def test_a_nan_stays_in_its_row(modules, h):
    stacked_modules = stack_of(modules)
    stacked_modules.module.train(True)
    healthy = stacked_modules.run((h,), None, DROPOUT_KEY)
    healthy.sum().backward()
    gradient, stacked_modules.weights.grad = stacked_modules.weights.grad, None
    with torch.no_grad():
        stacked_modules.weights[1] = torch.nan
    sick = stacked_modules.run((h,), None, DROPOUT_KEY)
    sick.sum().backward()
    assert sick[1].isnan().any()
    assert torch.equal(sick[[0, 2]], healthy[[0, 2]])
    assert torch.equal(stacked_modules.weights.grad[[0, 2]], gradient[[0, 2]])


def test_unknown_modules_run_under_vmap_and_known_ones_do_not():
    kinds = {
        name: any(isinstance(each, Vmapped) for each in stack(instances(make)).modules())
        for name, make in MODULES.items()
    }
    slow = {name for name, vmapped in kinds.items() if vmapped}
    assert {name for name in MODULES if "unknown" in name} < slow
    assert slow.isdisjoint(
        {"linear", "layer norm", "sequential", "dropout", "elementwise", "elementwise of two"}
    )


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(WIDTH), nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH))]
)
def test_layers_with_statistics_are_refused(layer):
    with pytest.raises(NotStackableError, match="statistics"):
        stack([layer, layer])


def test_what_vmap_cannot_run_is_refused_and_other_errors_are_not(h):
    with pytest.raises(NotStackableError, match="GRU"):
        stack([nn.GRU(WIDTH, WIDTH) for _ in range(N)])(h)
    with pytest.raises(RuntimeError, match="channels"):
        stack([nn.Conv1d(9, 2, 1) for _ in range(N)])(h)
