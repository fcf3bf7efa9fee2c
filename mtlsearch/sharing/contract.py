"""What a soft-sharing mechanism is: it acts along the edges between the nodes of one level, never elsewhere."""

from itertools import combinations
from typing import Annotated

from pydantic import Field
from torch import Tensor

State = dict[str, Tensor]
Level = Annotated[int, Field(ge=1, le=64)]
Experts = Annotated[int, Field(ge=0, le=64)]


class Sharing:
    """Ties the branches of one candidate on one level. Shapes: N nodes, E edges, B batch rows, F features, P parameter axes.

    A mechanism is a frozen dataclass that inherits from this class, which ties nothing, and whose fields are its YAML keys.
    It has `strength` (0: the branches are independent; the tie grows with it) and the first and last level that it ties,
    counted from 1 at the inputs (None: to the last there is). The nodes of a level are the tasks' branches and after them its
    `experts`, branches that no task owns; `pairs` says which are edges. What differs between candidates lives in the tensors
    of `state` and `learned`, so that many candidates run as one program: `mix` and `penalty` read no settings, and the shapes
    of the tensors follow from their arguments alone.
    """

    strength: float = 0.0
    first_level: int = 1
    last_level: int | None = None
    rate_factor: float = 1.0  # the learning rate of what is learned is the candidate's times this
    experts: int = 0  # on each tied level, and below it as far down as the tasks have parted
    private: bool = False  # the tasks' branches are tied to experts only, not to each other

    def levels(self, depth: int) -> range:
        """The levels, numbered from 0, that are tied in a tree of so many."""
        ties = self.strength > 0 and not (self.private and not self.experts)
        return (
            range(self.first_level - 1, min(self.last_level or depth, depth)) if ties else range(0)
        )

    @property
    def mixes(self) -> bool:
        """Whether the tie is one between activations."""
        return type(self).mix is not Sharing.mix

    @property
    def pulls(self) -> bool:
        """Whether the tie is one between weights."""
        return type(self).penalty is not Sharing.penalty

    def state(self, nodes: int, edges: Tensor) -> State:
        """The constant tensors for one level with this many nodes and `edges[2, E]`, each [E, ...]."""
        return {}

    def learned(self, nodes: tuple[int, int], features: int) -> State:
        """How the tensors begin that an edge between nodes of F `features` learns.

        An edge n, m has two directions. Where they differ, a tensor is [2, ...]: what m takes from n, then the reverse.
        `nodes` are, in this order, how many m and n are tied with, themselves included.
        (In this order: the optimizer of torch's ONNX exporter mistakes an `index_add` to rows 0, 1, ... for a copy.)
        """
        return {}

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """Mix the activations h[N, B, *F] of a level along its edges; `state` holds both kinds of tensors, each [E, ...].

        Nodes without edges must be left untouched, and no number may depend on which other edges there are: add what each
        edge contributes by `index_add`. Written in terms of torch alone, as the export copies the method.
        """
        return h

    def penalty(self, weights: Tensor, edges: Tensor, state: State) -> Tensor:
        """The loss [E] that ties one stacked parameter weights[N, *P]."""
        return weights.new_zeros(edges.shape[1])


def pooled(h: Tensor) -> Tensor:
    """The features [N, B, F] of h[N, B, F], tokens [N, B, L, F] or images [N, B, F, H, W]: means over positions."""
    return h.mean(2) if h.dim() == 4 else h.flatten(3).mean(3) if h.dim() > 4 else h


def pairs(branches: int, experts: int, private: bool) -> list[tuple[int, int]]:
    """All pairs of the branches and experts of a level; not those of two branches when these are `private`."""
    everyone = combinations(range(branches + experts), 2)
    return [(n, m) for n, m in everyone if m >= branches or not private]
