"""Many modules of one make as one module: parameters and inputs get a leading axis N.

Layers of `torch.nn` that make up most stages have a stacked form of their own; any other module runs under `torch.vmap`.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from mtlsearch.training.dropout import SeededDropout, noise

ELEMENTWISE = (
    nn.ReLU,
    nn.GELU,
    nn.SiLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.ELU,
    nn.LeakyReLU,
    nn.Softplus,
    nn.Identity,
)


class NotStackableError(Exception):
    """Modules of this kind have no batched form; they are trained one after another."""


class StackedLinear(nn.Module):
    """N linear layers, one batched matrix product: h[N, *B, in] -> [N, *B, out]."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = _stack([layer.weight for layer in layers])
        self.bias = _stack([layer.bias for layer in layers]) if layers[0].bias is not None else None

    def forward(self, h: Tensor) -> Tensor:
        """Each of the N inputs through its own layer."""
        if h.dim() > 3:
            return self(h.flatten(1, -2)).reshape(*h.shape[:-1], -1)  # type: ignore[no-any-return]
        rows, weight = h, cast("Tensor", self.weight)
        lone = weight.shape[:2] == (1, 1)  # torch has another kernel for this, with other last bits
        if lone:
            rows, weight = torch.cat([rows, rows]), torch.cat([weight, weight])
        out = (
            torch.bmm(rows, weight.mT)
            if self.bias is None
            else torch.baddbmm(self.bias[:, None], rows, weight.mT)
        )
        return out[:1].clone() if lone else out


class StackedLayerNorm(nn.Module):
    """N layer norms: h[N, *B, *F] -> the same."""

    def __init__(self, layers: Sequence[nn.LayerNorm]) -> None:
        super().__init__()
        self.shape, self.eps = layers[0].normalized_shape, layers[0].eps
        self.weight = (
            _stack([layer.weight for layer in layers]) if layers[0].weight is not None else None
        )
        self.bias = _stack([layer.bias for layer in layers]) if layers[0].bias is not None else None

    def forward(self, h: Tensor) -> Tensor:
        """Normalise over the last axes, then scale and shift each of the N inputs by its own numbers."""
        out = functional.layer_norm(h, self.shape, eps=self.eps)
        between = (1,) * (h.dim() - 1 - len(self.shape))
        if self.weight is not None:
            out = out * self.weight.reshape(-1, *between, *self.shape)
        return out if self.bias is None else out + self.bias.reshape(-1, *between, *self.shape)


class StackedGroupNorm(nn.Module):
    """N group norms: h[N, B, C, *F] -> the same."""

    def __init__(self, layers: Sequence[nn.GroupNorm]) -> None:
        super().__init__()
        self.groups, self.eps, self.affine = layers[0].num_groups, layers[0].eps, layers[0].affine
        self.weight = _stack([layer.weight for layer in layers]) if self.affine else None
        self.bias = _stack([layer.bias for layer in layers]) if self.affine else None

    def forward(self, h: Tensor) -> Tensor:
        """Normalise each group of channels, then scale and shift each of the N inputs by its own numbers."""
        out = functional.group_norm(h.flatten(0, 1), self.groups, eps=self.eps).reshape(h.shape)
        if self.weight is None or self.bias is None:
            return out
        weight, bias = (
            each.reshape(len(h), 1, -1, *(1,) * (h.dim() - 3)) for each in (self.weight, self.bias)
        )
        return out * weight + bias


class StackedConv(nn.Module):
    """N convolutions: h[N, B, C, *F] -> [N, B, D, *G].

    On a CPU one after another: the last bits of one with groups depend on how many there are, and it is hardly faster.
    """

    def __init__(self, layers: Sequence[nn.Conv1d | nn.Conv2d]) -> None:
        super().__init__()
        self.convolve = layers[0]._conv_forward
        self.weight = _stack([layer.weight for layer in layers])
        self.bias = (
            _stack([layer.bias for layer in layers if layer.bias is not None])
            if layers[0].bias is not None
            else None
        )

    def forward(self, h: Tensor) -> Tensor:
        """Each of the N inputs through its own layer."""
        own = (h, self.weight) if self.bias is None else (h, self.weight, self.bias)
        if h.device.type != "cpu":
            return torch.vmap(self._one)(*own)
        return torch.stack([self._one(*each) for each in zip(*own, strict=True)])

    def _one(self, h: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return cast("Tensor", self.convolve(h, weight, bias))


class StackedDropout(nn.Module):
    """N seeded dropouts with rates of their own; the buffers of `SeededDropout`, each [N]."""

    def __init__(self, layers: Sequence[SeededDropout]) -> None:
        super().__init__()
        self.moment = 0
        for name, _ in layers[0].named_buffers():
            self.register_buffer(
                name, torch.stack([layer.get_buffer(name) for layer in layers]), persistent=False
            )

    def forward(self, h: Tensor) -> Tensor:
        """h[N, B, *F], masked; h itself in evaluation."""
        if not self.training:
            return h
        salt, factor, least, scale = (
            each.reshape(-1, *(1,) * (h.dim() - 1)) for each in self.buffers()
        )
        keep = (noise(h.shape[1:], self.moment, h.device) ^ salt) * factor >= least
        return h * (keep.to(h.dtype) * scale.to(h.dtype))


class Vmapped(nn.Module):
    """N modules of any kind, batched by `torch.vmap`."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        first = modules[0]
        self.layout = (
            copy.deepcopy(first),
        )  # in a tuple, so that its weights are not taken for this module's own
        self.names = [name for name, _ in (*first.named_parameters(), *first.named_buffers())]
        self.weights = nn.ParameterList(
            [
                _stack(each)
                for each in zip(*(module.parameters() for module in modules), strict=True)
            ]
        )
        for name, _ in first.named_buffers():
            stacked = torch.stack([module.get_buffer(name) for module in modules])
            self.register_buffer(name.replace(".", "/"), stacked, persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        """h[N, B, *F] -> [N, B, *G]. Raises NotStackableError when torch cannot batch the module."""
        layout = self.layout[0].train(self.training)
        numbers = dict(zip(self.names, (*self.weights, *self.buffers()), strict=True))
        try:
            out: Tensor = torch.vmap(lambda own, x: functional_call(layout, own, (x,)))(numbers, h)
        except RuntimeError as error:
            if "vmap" in str(error) or "batching rule" in str(error).lower():
                raise NotStackableError(
                    f"{type(layout).__name__}: {str(error).splitlines()[0]}"
                ) from error
            raise
        return out


RULES: dict[type[nn.Module], Callable[[Sequence[nn.Module]], nn.Module]] = {
    nn.Linear: StackedLinear,  # type: ignore[dict-item]
    nn.LayerNorm: StackedLayerNorm,  # type: ignore[dict-item]
    nn.GroupNorm: StackedGroupNorm,  # type: ignore[dict-item]
    nn.Conv1d: StackedConv,  # type: ignore[dict-item]
    nn.Conv2d: StackedConv,  # type: ignore[dict-item]
    SeededDropout: StackedDropout,  # type: ignore[dict-item]
    **dict.fromkeys(ELEMENTWISE, lambda modules: copy.copy(modules[0])),
}


def stack(modules: Sequence[nn.Module]) -> nn.Module:
    """One module for N modules that differ in their numbers only; parameters in the same order, each [N, *P].

    A module whose forward only calls its children and elementwise operations may say so by `elementwise = True`; then it
    is kept, with its children stacked. Raises NotStackableError.
    """
    first = modules[0]
    if type(first) in RULES:
        return RULES[type(first)](modules)
    if len(first.state_dict()) > len(list(first.parameters())):
        raise NotStackableError(
            f"{type(first).__name__} keeps statistics between batches, or uses weights twice"
        )
    by_child = type(first) is nn.Sequential or getattr(first, "elementwise", False)
    if by_child and not (first._parameters or first._buffers):
        kept = copy.copy(first)
        kept._modules = {
            name: stack([module.get_submodule(name) for module in modules])
            for name in first._modules
        }
        for before, after in pairwise(kept.children()):
            if (
                type(first) is nn.Sequential
                and isinstance(before, StackedLinear | StackedLayerNorm)
                and isinstance(after, nn.ReLU)
            ):
                after.inplace = True  # nobody else sees what it overwrites
        return kept
    return Vmapped(modules)


def dropouts(module: nn.Module) -> list[SeededDropout | StackedDropout]:
    """The dropouts of a stacked module, each with its `moment`."""
    inside = [
        layout for each in module.modules() if isinstance(each, Vmapped) for layout in each.layout
    ]
    everything = [part for each in (module, *inside) for part in each.modules()]
    return [each for each in everything if isinstance(each, SeededDropout | StackedDropout)]


def _stack(tensors: Iterable[Tensor]) -> nn.Parameter:
    return nn.Parameter(torch.stack([tensor.detach() for tensor in tensors]))
