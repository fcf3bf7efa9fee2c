"""Soft sharing of activations as a plain module, so that an exported model can hold it."""

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

    mixing_class = _mixing_class(candidate.sharing)
    module = mixing_class(
        branches=len(streams) - experts,
        experts=experts,
        private=candidate.sharing.private,
        feature_axis=candidate.backbone.feature_axis,
        shapes=shapes,
    )
    module.load_state_dict(state)
    return module


def _mixing_class(sharing: Sharing) -> type[Mixing]:
    """Return a class of the soft sharing's name whose `mix` is that of the soft sharing."""
    kind = type(sharing)
    members = {
        "mix": kind.mix,
        "__doc__": kind.__doc__,
        "__module__": kind.__module__,
    }
    return type(kind.__name__, (Mixing,), members)
