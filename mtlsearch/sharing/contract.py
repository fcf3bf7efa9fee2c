"""What a soft-sharing mechanism is: it acts along the edges between the nodes of one level, never elsewhere."""

from typing import Protocol

from torch import Tensor

State = dict[str, Tensor]


class Sharing(Protocol):
    """Ties the branches of one candidate on one level. Shapes: N nodes, E edges, B batch rows, F features, P parameter axes.

    Every unordered pair of nodes of a level is one edge. What differs between candidates lives in the state's tensors
    (leading axis E), so that many candidates can run as one program; the methods themselves read no settings.
    """

    @property
    def ties(self) -> bool:
        """False when the branches do not influence each other at all."""
        ...

    def state(self, nodes: int, edges: Tensor) -> State:
        """The mechanism's tensors for one level with this many nodes and `edges[2, E]`."""
        ...

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """Mix the activations h[N, B, F] of a level along its edges."""
        ...

    def penalty(self, weights: Tensor, edges: Tensor, state: State) -> Tensor:
        """The loss [E] that ties one stacked parameter weights[N, *P]."""
        ...
