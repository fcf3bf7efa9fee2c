"""Soft sharing between activations as a plain module, so that an exported model can hold it."""

import torch
from torch import Tensor, nn

from mtlsearch.engine.model import Network
from mtlsearch.sharing import State


class Mixing(nn.Module):
    """Mixes the branches of a level along its edges, all pairs of branches. Each tensor has a row for every edge."""

    edges: Tensor

    def __init__(self, branches: int, shapes: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.branches, self.shapes = branches, shapes
        self.register_buffer("edges", torch.combinations(torch.arange(branches)).T, persistent=False)
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, *h: Tensor) -> tuple[Tensor, ...]:
        """The activations of every branch, mixed."""
        return self.mix(torch.stack(h), self.edges, dict(self.named_parameters())).unbind()

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """h[N, B, *F], mixed along edges[2, E] by tensors [E, ...]."""
        raise NotImplementedError


def mixing(network: Network, level: int, source: str) -> Mixing:
    """The mixing of a network's streams of a source on a level, in a class that is called as the mechanism is."""
    (_, state), kind = network.tie(level, source), type(network.component.candidate.sharing)
    own: type[Mixing] = type(kind.__name__, (Mixing,), {"mix": kind.mix, "__doc__": kind.__doc__, "__module__": kind.__module__})
    module = own(len(network.mixed[level, source]), {name: tuple(value.shape) for name, value in state.items()})
    module.load_state_dict(state)
    return module
