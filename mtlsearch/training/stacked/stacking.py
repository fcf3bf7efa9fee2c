"""Many modules of one make as one module: parameters and inputs get a leading axis N.

Layers of `torch.nn` that make up most stages have a stacked form of their own; any other module
runs under `torch.vmap`.
"""

import copy
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from mtlsearch.training.dropout import SeededDropout, drop, random_numbers
from mtlsearch.training.trainer import NotStackableError

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


class StackedLinear(nn.Module):
    """N linear layers, one batched matrix product: h[N, *B, in] -> [N, *B, out]."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = _stack([layer.weight for layer in layers])
        self.bias = _stack_optional([layer.bias for layer in layers])

    def forward(self, h: Tensor) -> Tensor:
        """Each of the N inputs through its own layer."""
        if h.dim() > 3:
            flat: Tensor = self(h.flatten(1, -2))
            return flat.reshape(*h.shape[:-1], -1)
        weight: Tensor = self.weight
        if weight.shape[:2] == (1, 1):
            # Torch has another kernel for a single layer of one output, with other last bits.
            two_inputs = torch.cat([h, h])
            two_layers = torch.cat([weight, weight])
            return self._multiply(two_inputs, two_layers)[:1].clone()
        return self._multiply(h, weight)

    def _multiply(self, h: Tensor, weight: Tensor) -> Tensor:
        if self.bias is None:
            return torch.bmm(h, weight.mT)
        return torch.baddbmm(
            self.bias[:, None],
            h,
            weight.mT,
        )


class StackedEmbedding(nn.Module):
    """N tables of vectors: codes[N, *B] -> [N, *B, F]."""

    def __init__(self, layers: Sequence[nn.Embedding]) -> None:
        super().__init__()
        self.weight = _stack([layer.weight for layer in layers])

    def forward(self, codes: Tensor) -> Tensor:
        """Look each code up in its own table: all tables are one, with codes counted through."""
        weight: Tensor = self.weight
        count, vocabulary, _ = weight.shape
        axes = (1,) * (codes.dim() - 1)
        first = torch.arange(count, device=codes.device) * vocabulary
        return functional.embedding(codes + first.reshape(-1, *axes), weight.flatten(0, 1))


class StackedLayerNorm(nn.Module):
    """N layer norms: h[N, *B, *F] -> the same."""

    def __init__(self, layers: Sequence[nn.LayerNorm]) -> None:
        super().__init__()
        self.shape = layers[0].normalized_shape
        self.eps = layers[0].eps
        self.weight = _stack_optional([layer.weight for layer in layers])
        self.bias = _stack_optional([layer.bias for layer in layers])

    def forward(self, h: Tensor) -> Tensor:
        """Normalise over the last axes, then scale and shift each input by its own numbers."""
        output = functional.layer_norm(
            h,
            self.shape,
            eps=self.eps,
        )
        batch_axes = (1,) * (h.dim() - 1 - len(self.shape))
        shape = (-1, *batch_axes, *self.shape)
        if self.weight is not None:
            output = output * self.weight.reshape(shape)
        if self.bias is not None:
            output = output + self.bias.reshape(shape)
        return output


class StackedGroupNorm(nn.Module):
    """N group norms: h[N, B, C, *F] -> the same."""

    def __init__(self, layers: Sequence[nn.GroupNorm]) -> None:
        super().__init__()
        self.groups = layers[0].num_groups
        self.eps = layers[0].eps
        self.weight = _stack_optional([layer.weight for layer in layers])
        self.bias = _stack_optional([layer.bias for layer in layers])

    def forward(self, h: Tensor) -> Tensor:
        """Normalise each group of channels, then scale and shift each input by its own numbers."""
        flat = functional.group_norm(
            h.flatten(0, 1),
            self.groups,
            eps=self.eps,
        )
        output = flat.reshape(h.shape)
        if self.weight is None or self.bias is None:
            return output
        feature_axes = (1,) * (h.dim() - 3)
        shape = (len(h), 1, -1, *feature_axes)
        return output * self.weight.reshape(shape) + self.bias.reshape(shape)


class StackedConv(nn.Module):
    """N convolutions: h[N, B, C, *F] -> [N, B, D, *G].

    On a CPU one after another: the last bits of one with groups depend on how many there are, and
    it is hardly faster.
    """

    def __init__(self, layers: Sequence[nn.Conv1d | nn.Conv2d]) -> None:
        super().__init__()
        self.convolve_one = layers[0]._conv_forward
        self.weight = _stack([layer.weight for layer in layers])
        self.bias = _stack_optional([layer.bias for layer in layers])

    def forward(self, h: Tensor) -> Tensor:
        """Each of the N inputs through its own layer."""
        arguments: tuple[Tensor, ...] = (h, self.weight)
        if self.bias is not None:
            arguments = (h, self.weight, self.bias)
        if h.device.type != "cpu":
            return torch.vmap(self._convolve)(*arguments)
        layers = zip(*arguments, strict=True)
        return torch.stack([self._convolve(*layer) for layer in layers])

    def _convolve(
        self,
        h: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
    ) -> Tensor:
        return cast("Tensor", self.convolve_one(h, weight, bias))


class StackedDropout(nn.Module):
    """N seeded dropouts with rates of their own; the buffers of `SeededDropout`, each [N]."""

    salt: Tensor
    factor: Tensor
    threshold: Tensor
    scale: Tensor

    def __init__(self, layers: Sequence[SeededDropout]) -> None:
        super().__init__()
        self.dropout_key = 0
        for name, _ in layers[0].named_buffers():
            stacked = torch.stack([layer.get_buffer(name) for layer in layers])
            self.register_buffer(name, stacked, persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        """h[N, B, *F], masked; h itself in evaluation."""
        if not self.training:
            return h
        numbers = random_numbers(
            h.shape[1:],
            self.dropout_key,
            h.device,
        )
        axes = (1,) * (h.dim() - 1)
        buffers = (
            self.salt.reshape(-1, *axes),
            self.factor.reshape(-1, *axes),
            self.threshold.reshape(-1, *axes),
            self.scale.reshape(-1, *axes),
        )
        return drop(h, numbers, buffers)


class Vmapped(nn.Module):
    """N modules of any kind, batched by `torch.vmap`.

    `template` holds one of them, in a tuple so that its weights are not taken for this module's
    own.
    """

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        first = modules[0]
        self.template = (copy.deepcopy(first),)
        parameters = [module.parameters() for module in modules]
        self.weights = nn.ParameterList()
        for tensors in zip(*parameters, strict=True):
            self.weights.append(_stack(tensors))
        self.names = [name for name, _ in first.named_parameters()]
        for name, _ in first.named_buffers():
            stacked = torch.stack([module.get_buffer(name) for module in modules])
            # A dot would name a submodule.
            self.register_buffer(
                name.replace(".", "/"),
                stacked,
                persistent=False,
            )
            self.names.append(name)

    def forward(self, *arguments: Tensor | None) -> Tensor:
        """Map tensors [N, B, ...], the arguments of a module, to [N, B, *G].

        Raises NotStackableError when torch cannot batch the module.
        """
        template = self.template[0].train(self.training)
        values = [*self.weights, *self.buffers()]
        tensors = dict(zip(self.names, values, strict=True))

        def run_one(
            tensors_of_one: dict[str, Tensor],
            *arguments_of_one: Tensor | None,
        ) -> Tensor:
            output: Tensor = functional_call(template, tensors_of_one, arguments_of_one)
            return output

        axes = [None if argument is None else 0 for argument in arguments]
        run = torch.vmap(run_one, in_dims=(0, *axes))
        try:
            return run(tensors, *arguments)
        except RuntimeError as error:
            if not _is_refused_by_vmap(error):
                raise
            reason = str(error).splitlines()[0]
            raise NotStackableError(f"{type(template).__name__}: {reason}") from error


def _is_refused_by_vmap(error: RuntimeError) -> bool:
    """Whether torch says that it has no batched form of an operation.

    It has no class of errors for that.
    """
    message = str(error)
    return "vmap" in message or "batching rule" in message.lower()


def _copy_elementwise(modules: Sequence[nn.Module]) -> nn.Module:
    return copy.copy(modules[0])


Stack = Callable[[Sequence[nn.Module]], nn.Module]  # makes one module of N

RULES: dict[type[nn.Module], Stack] = {
    nn.Linear: StackedLinear,  # type: ignore[dict-item]
    nn.Embedding: StackedEmbedding,  # type: ignore[dict-item]
    nn.LayerNorm: StackedLayerNorm,  # type: ignore[dict-item]
    nn.GroupNorm: StackedGroupNorm,  # type: ignore[dict-item]
    nn.Conv1d: StackedConv,  # type: ignore[dict-item]
    nn.Conv2d: StackedConv,  # type: ignore[dict-item]
    SeededDropout: StackedDropout,  # type: ignore[dict-item]
    **dict.fromkeys(ELEMENTWISE, _copy_elementwise),
}


def stack(modules: Sequence[nn.Module]) -> nn.Module:
    """One module for N modules that differ in their numbers only.

    Its parameters are in the same order, each [N, *P]. A module whose forward only calls its
    children and elementwise operations may say so by `elementwise = True`; then it is kept, with
    its children stacked. One with parameters of its own must also say `stacks_parameters = True`,
    and one with buffers that nothing changes `stacks_buffers = True`. Raises NotStackableError.
    """
    first = modules[0]
    if type(first) in RULES:
        return RULES[type(first)](modules)
    if _keeps_statistics(first):
        raise NotStackableError(
            f"{type(first).__name__} keeps statistics between batches, or uses weights twice"
        )
    if _is_stacked_by_child(first):
        return _stack_children(modules)
    if any(isinstance(part, nn.RNNBase) for part in first.modules()):
        raise NotStackableError(f"{type(first).__name__}: torch cannot batch recurrent layers")
    return Vmapped(modules)


def _keeps_statistics(module: nn.Module) -> bool:
    """Whether there is more in the state than weights, each used once, and constants."""
    expected = len(list(module.parameters()))
    for part in module.modules():
        if _has_constants(part):
            expected += len(part._buffers)
    return len(module.state_dict()) > expected


def _has_constants(module: nn.Module) -> bool:
    return getattr(module, "stacks_buffers", False)


def _is_stacked_by_child(module: nn.Module) -> bool:
    if module._buffers and not _has_constants(module):
        return False
    if module._parameters and not getattr(module, "stacks_parameters", False):
        return False
    is_container = type(module) in (nn.Sequential, nn.ModuleList)
    return is_container or getattr(module, "elementwise", False)


def _stack_children(modules: Sequence[nn.Module]) -> nn.Module:
    """A copy of the first module, with stacks of the children, parameters and buffers of all."""
    stacked = copy.copy(modules[0])
    stacked._parameters = {}
    for name in modules[0]._parameters:
        parameters = [module._parameters[name] for module in modules]
        stacked._parameters[name] = _stack_optional(parameters)
    stacked._buffers = {}
    for name in modules[0]._buffers:
        buffers = [module.get_buffer(name) for module in modules]
        stacked._buffers[name] = torch.stack(buffers)
    stacked._modules = {}
    for name in modules[0]._modules:
        children = [module.get_submodule(name) for module in modules]
        stacked._modules[name] = stack(children)
    if type(stacked) is nn.Sequential:
        for before, after in pairwise(stacked.children()):
            if isinstance(before, StackedLinear | StackedLayerNorm) and isinstance(after, nn.ReLU):
                after.inplace = True  # nobody else sees what it overwrites
    return stacked


def dropouts(module: nn.Module) -> list[SeededDropout | StackedDropout]:
    """The dropouts of a stacked module, each with its `dropout_key`."""
    roots = [module]
    for part in module.modules():
        if isinstance(part, Vmapped):
            roots.extend(part.template)
    layers = []
    for root in roots:
        for part in root.modules():
            if isinstance(part, SeededDropout | StackedDropout):
                layers.append(part)
    return layers


def _stack(tensors: Iterable[Tensor]) -> nn.Parameter:
    detached = [tensor.detach() for tensor in tensors]
    return nn.Parameter(torch.stack(detached))


def _stack_optional(tensors: Sequence[Tensor | None]) -> nn.Parameter | None:
    """The stack of parameters that layers of one make have, or have not."""
    present = [tensor for tensor in tensors if tensor is not None]
    return _stack(present) if present else None
