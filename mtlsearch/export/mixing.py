"""Soft sharing of activations as a plain module, so that an exported model can hold it."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from mtlsearch.sharing.contract import Sharing, SharingState
from mtlsearch.structure.wiring import soft_sharing_edges
from mtlsearch.training.plain.network import Network


class Mixing(nn.Module):
    """Mixes the branches and experts of a level along its edges; each tensor has a row per edge."""

    edges: Tensor

    def __init__(
        self,
        branches: int,
        experts: int,
        private: bool,
        feature_axis: int,
        shapes: dict[str, tuple[int, ...]],
    ) -> None:
        super().__init__()
        self.branches = branches
        self.experts = experts
        self.private = private
        self.feature_axis = feature_axis
        self.shapes = shapes
        edges = torch.tensor(soft_sharing_edges(branches, experts, private)).T
        self.register_buffer("edges", edges, persistent=False)
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, *h: Tensor) -> tuple[Tensor, ...]:
        """Return the activations of every branch and then every expert, mixed."""
        state: SharingState = dict(self.named_parameters())
        mixed = self.mix(torch.stack(h), self.edges, state, self.feature_axis)
        return mixed.unbind()

    def mix(
        self,
        h: Tensor,
        edges: Tensor,
        state: SharingState,
        feature_axis: int,
    ) -> Tensor:
        """Return h[N, B, *F], mixed along edges[2, E] by tensors [E, ...]."""
        raise NotImplementedError


class EnsembleMixing(nn.Module):
    """Mixes the branches and experts of a level in each of an ensemble's networks.

    All nodes of all networks are mixed at once, network after network, along edges that never
    lead from one network to another; each tensor has a row per edge.
    """

    edges: Tensor

    def __init__(
        self,
        networks: int,
        branches: int,
        experts: int,
        private: bool,
        feature_axis: int,
        shapes: dict[str, tuple[int, ...]],
    ) -> None:
        super().__init__()
        self.networks = networks
        self.branches = branches
        self.experts = experts
        self.private = private
        self.feature_axis = feature_axis
        self.shapes = shapes
        edges = torch.tensor(soft_sharing_edges(branches, experts, private)).T
        first_nodes = (branches + experts) * torch.arange(networks)
        of_all_networks = edges[:, None] + first_nodes[:, None]
        self.register_buffer("edges", of_all_networks.flatten(1), persistent=False)
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, *h: Tensor) -> tuple[Tensor, ...]:
        """Return the activations [S, B, *F] of every branch and then every expert, mixed."""
        state: SharingState = dict(self.named_parameters())
        nodes = torch.stack(h, 1)
        mixed = self.mix(nodes.flatten(0, 1), self.edges, state, self.feature_axis)
        return mixed.reshape(nodes.shape).unbind(1)

    def mix(
        self,
        h: Tensor,
        edges: Tensor,
        state: SharingState,
        feature_axis: int,
    ) -> Tensor:
        """Return h[N, B, *F], mixed along edges[2, E] by tensors [E, ...]."""
        raise NotImplementedError


def mixing(
    network: Network,
    level: int,
    source: str,
) -> Mixing:
    """Return the mixing of a network's streams of a source on a level."""
    candidate = network.component.candidate
    streams = network.wiring.mixed_streams[level, source]
    experts = candidate.experts[level]
    _, state = network.mixing_state(level, source)
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}

    mixing_class = _mixing_class(Mixing, type(candidate.sharing))
    module = mixing_class(
        branches=len(streams) - experts,
        experts=experts,
        private=candidate.sharing.private,
        feature_axis=candidate.backbone.feature_axis,
        shapes=shapes,
    )
    module.load_state_dict(state)
    return module


def stack_mixings(modules: Sequence[Mixing]) -> EnsembleMixing:
    """Return the mixing of an ensemble of that of each of its networks."""
    first = modules[0]
    state = {}
    for name in first.shapes:
        state[name] = torch.cat([module.get_parameter(name).detach() for module in modules])
    mixing_class = _mixing_class(EnsembleMixing, type(first))
    stacked = mixing_class(
        networks=len(modules),
        branches=first.branches,
        experts=first.experts,
        private=first.private,
        feature_axis=first.feature_axis,
        shapes={name: tuple(tensor.shape) for name, tensor in state.items()},
    )
    stacked.load_state_dict(state)
    return stacked


Base = TypeVar("Base", Mixing, EnsembleMixing)


def _mixing_class(
    base: type[Base],
    kind: type[Sharing] | type[Mixing],
) -> type[Base]:
    """Return a class of the soft sharing's name whose `mix` is that of the soft sharing."""
    members = {
        "mix": kind.mix,
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
    }
    return type(kind.__name__, (base,), members)
