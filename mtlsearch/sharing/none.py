"""No soft sharing: branches are independent."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.sharing.contract import State


@dataclass(frozen=True)
class NoSharing:
    """Branches are independent after they part."""

    @property
    def ties(self) -> bool:
        """Never."""
        return False

    def state(self, nodes: int, edges: Tensor) -> State:
        """Empty."""
        return {}

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """h[N, B, F], unchanged."""
        return h

    def penalty(self, weights: Tensor, edges: Tensor, state: State) -> Tensor:
        """Zeros [E]."""
        return weights.new_zeros(edges.shape[1])
