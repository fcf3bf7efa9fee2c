"""The modules of an ensemble's networks as one module, which can be written as code.

It computes what they do. Layers that make up most networks are stacked, so that each is one
operation for all networks; what else there is runs one after another.
"""

import copy
from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from mtlsearch.export.mixing import Mixing, stack_mixings
from mtlsearch.export.stacked_layers import (
    OneByOne,
    StackedEmbedding,
    StackedLayerNorm,
    StackedLinear,
    StackedParameters,
)
from mtlsearch.training.dropout import SeededDropout
from mtlsearch.training.stacked.stacking import ELEMENTWISE

CONTAINERS = (nn.Sequential, nn.ModuleList)
STACKED = (StackedLinear, StackedLayerNorm, StackedEmbedding, StackedParameters)


def stack(modules: Sequence[nn.Module]) -> nn.Module:
    """Return one module for those of S networks, which differ in their numbers only.

    Its arguments and its output are theirs with an axis S in front. What `Backbone` asks a module
    to say of itself, so that trainers may stack it, holds here as well.
    """
    first = modules[0]
    if isinstance(first, Mixing):
        return stack_mixings(cast("Sequence[Mixing]", modules))
    if type(first) in (SeededDropout, *ELEMENTWISE):
        return first
    rule = RULES.get(type(first))
    if rule is not None:
        return rule(modules)
    if _is_stacked_by_child(first):
        stacked = _stack_children(modules)
        if _holds(stacked, *STACKED) or not runs_one_by_one(stacked):
            return stacked
    return OneByOne(*modules)


def runs_one_by_one(module: nn.Module) -> bool:
    """Whether a part of a stacked module is run network by network."""
    return _holds(module, OneByOne)


def _holds(module: nn.Module, *kinds: type[nn.Module]) -> bool:
    return any(isinstance(part, kinds) for part in module.modules())


def _is_stacked_by_child(module: nn.Module) -> bool:
    if module._buffers:
        return False
    if module._parameters:
        return getattr(module, "stacks_parameters", False)
    return type(module) in CONTAINERS or getattr(module, "elementwise", False)


def _stack_children(modules: Sequence[nn.Module]) -> nn.Module:
    """Return a copy of the first module with stacks of the children and the parameters of all."""
    first = modules[0]
    stacked = copy.deepcopy(first)
    for name, _ in first.named_children():
        children = [module.get_submodule(name) for module in modules]
        stacked._modules[name] = stack(children)
    if not first._parameters:
        return stacked
    with_networks = StackedParameters(len(modules), stacked)
    for name, parameter in stacked.named_parameters(recurse=False):
        _fill(parameter, [module.get_parameter(name) for module in modules])
    return with_networks


def _stack_linear(modules: Sequence[nn.Module]) -> nn.Module:
    layers = cast("Sequence[nn.Linear]", modules)
    first = layers[0]
    biases = [layer.bias for layer in layers if layer.bias is not None]
    stacked = StackedLinear(len(layers), first.in_features, first.out_features, bool(biases))
    _fill(stacked.weight, [layer.weight.T for layer in layers])
    if stacked.bias is not None:
        _fill(stacked.bias, [bias[None] for bias in biases])
    return stacked


def _stack_layer_norm(modules: Sequence[nn.Module]) -> nn.Module:
    layers = cast("Sequence[nn.LayerNorm]", modules)
    first = layers[0]
    is_usual = first.elementwise_affine and first.bias is not None
    if not is_usual or len(first.normalized_shape) > 1:
        return OneByOne(*layers)
    stacked = StackedLayerNorm(len(layers), first.normalized_shape[0], first.eps)
    _fill(stacked.weight, [layer.weight for layer in layers])
    _fill(stacked.bias, [layer.bias for layer in layers])
    return stacked


def _stack_embedding(modules: Sequence[nn.Module]) -> nn.Module:
    layers = cast("Sequence[nn.Embedding]", modules)
    first = layers[0]
    if first.max_norm is not None:  # it changes the table as it is read
        return OneByOne(*layers)
    stacked = StackedEmbedding(len(layers), first.num_embeddings, first.embedding_dim)
    _fill(stacked.weight, [layer.weight for layer in layers])
    return stacked


@torch.no_grad()
def _fill(parameter: nn.Parameter, values: Sequence[Tensor]) -> None:
    parameter.copy_(torch.stack(list(values)))


Rule = Callable[[Sequence[nn.Module]], nn.Module]

RULES: dict[type[nn.Module], Rule] = {
    nn.Linear: _stack_linear,
    nn.LayerNorm: _stack_layer_norm,
    nn.Embedding: _stack_embedding,
}
