"""The contract of soft sharing, which acts along the edges between the nodes of one level."""

import abc
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field
from torch import Tensor

SharingState = dict[str, Tensor]
Level = Annotated[int, Field(ge=1, le=64)]
Experts = Annotated[int, Field(ge=0, le=64)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
RateFactor = Annotated[float, Field(gt=0.0)]


class Sharing(abc.ABC):
    """A mechanism that ties the branches of one candidate to each other, level by level.

    Shapes: N nodes, E edges, B batch rows, F features, P parameter axes.

    A mechanism is a frozen dataclass that derives from this class; its fields are its keys in YAML.
    The methods here tie nothing. The nodes of a level are the tasks' branches and after them its
    `experts`, branches that no task owns. The wiring of a network says which pairs of them are
    tied: its edges.

    Candidates with different settings are trained as one program, so `mix` and `penalty` read no
    settings: these live in the tensors of `initial_state` and `trainable_state`, whose shapes
    follow from the arguments of these methods alone.
    """

    strength: float
    """How strongly branches are tied; with 0 they are independent."""

    first_level: int = 1
    """The first level that is tied, counted from 1 at the inputs."""

    last_level: int | None = None
    """The last level that is tied; None: the last of the network."""

    rate_factor: float = 1.0
    """The learning rate of the trainable state as a multiple of the candidate's."""

    experts: int = 0
    """The number of experts on tied levels, and on levels before them where tasks have parted."""

    private: bool = False
    """Whether the tasks' branches are tied to experts only, not to each other."""

    @property
    def mixes_activations(self) -> bool:
        """Whether the mechanism ties activations."""
        return type(self).mix is not Sharing.mix

    @property
    def ties_weights(self) -> bool:
        """Whether the mechanism ties weights."""
        return type(self).penalty is not Sharing.penalty

    def levels(self, depth: int) -> range:
        """Return the levels, numbered from 0, that are tied in a tree of so many levels."""
        has_edges = self.experts > 0 or not self.private
        if self.strength <= 0 or not has_edges:
            return range(0)
        last_level = self.last_level or depth
        return range(self.first_level - 1, min(last_level, depth))

    @classmethod
    def most_tying(cls, choices: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return, of the choices for each setting, the value with which the mechanism ties most.

        Settings that do not decide what is tied are left out.
        """
        settings: dict[str, Any] = {}
        for name, values in choices.items():
            if name in ("strength", "experts"):
                settings[name] = max(values)
            elif name in ("first_level", "private"):
                settings[name] = min(values)
            elif name == "last_level":
                settings[name] = None if None in values else max(values)
        return settings

    def initial_state(self, nodes: int, edges: Tensor) -> SharingState:
        """Return the tensors [E, ...] of a level that no gradient changes.

        The level has so many nodes and `edges[2, E]`.
        """
        return {}

    def trainable_state(self, nodes: tuple[int, int], features: int) -> SharingState:
        """Return the tensors of one edge that are trained, as they begin.

        The nodes of the edge have F `features`.

        An edge n, m has two directions. A tensor that differs between them is [2, ...]: what m
        takes from n, then what n takes from m. `nodes` are, in the same order, the numbers of nodes
        that m and n are tied with, themselves included. (The order matters: the optimizer of
        torch's ONNX exporter mistakes an `index_add` to rows 0, 1, ... for a copy.)
        """
        return {}

    def mix(
        self,
        h: Tensor,
        edges: Tensor,
        state: SharingState,
        feature_axis: int,
    ) -> Tensor:
        """Return the activations h[N, B, *F] of a level, mixed along its edges[2, E].

        `state` holds the tensors [E, ...] of both kinds. `feature_axis` is the axis of h that holds
        the features, counted from the last one, which is -1; other axes are positions.

        Nodes without edges must be left untouched, and no number may depend on which other edges
        there are: add what each edge contributes by `index_add`. The export copies this method, so
        it is written in terms of torch alone.
        """
        return h

    def penalty(
        self,
        weights: Tensor,
        edges: Tensor,
        state: SharingState,
    ) -> Tensor:
        """Return the loss [E] of each edge that ties one stacked parameter weights[N, *P]."""
        return weights.new_zeros(edges.shape[1])


def directions(edges: Tensor) -> tuple[Tensor, Tensor]:
    """Return the nodes that take and those that give, in both directions of every edge: [2 E] each.

    >>> import torch
    >>> directions(torch.tensor([[0], [1]]))
    (tensor([1, 0]), tensor([0, 1]))
    """
    takers = edges.flip(0).flatten()
    givers = edges.flatten()
    return takers, givers


def both_directions(state: Tensor) -> Tensor:
    """Return the tensors [E, 2, ...] of edges in the order of `directions`, [2 E, ...]."""
    return state.transpose(0, 1).flatten(0, 1)


def pooled(h: Tensor, feature_axis: int) -> Tensor:
    """Return the features [N, B, F] of h[N, B, *F]: their means over all positions.

    `feature_axis` is the axis of the features, counted from the last one, which is -1.
    """
    features = h.dim() + feature_axis
    positions = [axis for axis in range(2, h.dim()) if axis != features]
    if not positions:
        return h
    # The last bits of a mean depend on the strides, and these on what mixed h before.
    return h.contiguous().mean(positions)
