"""L2 ties between branches: soft parameter sharing (Duong et al. 2015, ACL; Yang & Hospedales 2017)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.sharing.contract import Level, Sharing, State


@dataclass(frozen=True)
class L2Sharing(Sharing):
    """Pulls the weights of a level's branches towards their mean: strength * sum_n ||w_n - mean||^2.

    Spelled along edges by the identity sum_n ||w_n - mean||^2 = (1/N) * sum over pairs ||w_n - w_m||^2.
    """

    strength: Annotated[float, Field(ge=0.0)] = 1e-2
    first_level: Level = 1
    last_level: Level | None = None

    def state(self, nodes: int, edges: Tensor) -> State:
        """`strength[E]`: the strength of each edge."""
        return {
            "strength": torch.full((edges.shape[1],), self.strength / nodes, device=edges.device)
        }

    def penalty(self, weights: Tensor, edges: Tensor, state: State) -> Tensor:
        """Strength * ||w_n - w_m||^2 for each edge, [E]."""
        difference = weights[edges[0]] - weights[edges[1]]
        return state["strength"].to(weights.dtype) * difference.square().flatten(1).sum(1)
