"""Soft sharing between activations as a plain module, so that an exported model can hold it."""

import torch
from torch import Tensor, nn

from mtlsearch.sharing.contract import State, pairs
from mtlsearch.training.plain.network import Network


class Mixing(nn.Module):
    """Mixes the branches and experts of a level along its edges. Each tensor has a row for every edge."""

    edges: Tensor

    def __init__(
        self, branches: int, experts: int, private: bool, shapes: dict[str, tuple[int, ...]]
    ) -> None:
        super().__init__()
        self.branches, self.experts, self.private, self.shapes = branches, experts, private, shapes
        self.register_buffer(
            "edges", torch.tensor(pairs(branches, experts, private)).T, persistent=False
        )
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, *h: Tensor) -> tuple[Tensor, ...]:
        """The activations of every branch and then every expert, mixed."""
        return self.mix(torch.stack(h), self.edges, dict(self.named_parameters())).unbind()

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """h[N, B, *F], mixed along edges[2, E] by tensors [E, ...]."""
        raise NotImplementedError


def mixing(network: Network, level: int, source: str) -> Mixing:
    """The mixing of a network's streams of a source on a level, in a class that is called as the mechanism is."""
    (_, state), sharing = network.tie(level, source), network.component.candidate.sharing
    kind, experts = type(sharing), network.component.candidate.experts[level]
    own: type[Mixing] = type(
        kind.__name__,
        (Mixing,),
        {"mix": kind.mix, "__doc__": kind.__doc__, "__module__": kind.__module__},
    )
    branches, shapes = (
        len(network.wiring.mixed[level, source]) - experts,
        {name: (*x.shape,) for name, x in state.items()},
    )
    module = own(branches, experts, sharing.private, shapes)
    module.load_state_dict(state)
    return module
