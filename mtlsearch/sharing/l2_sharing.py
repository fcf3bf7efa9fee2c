"""Soft parameter sharing by an L2 penalty.

See Duong et al. 2015 (ACL) and Yang & Hospedales 2017 (arXiv:1606.04038).
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.sharing.contract import Level, Sharing, SharingState


@dataclass(frozen=True)
class L2Sharing(Sharing):
    """Weights of a level's branches are pulled towards their mean.

    The loss is strength * sum_n ||w_n - mean||^2. It is spelled along edges by the identity
    sum_n ||w_n - mean||^2 = (1 / N) * sum over pairs n, m of ||w_n - w_m||^2.
    """

    strength: Annotated[float, Field(ge=0.0)] = 1e-2
    first_level: Level = 1
    last_level: Level | None = None

    def initial_state(self, nodes: int, edges: Tensor) -> SharingState:
        """Return `strength[E]`, that of each edge."""
        count = edges.shape[1]
        strength = torch.full((count,), self.strength / nodes, device=edges.device)
        return {"strength": strength}

    def penalty(
        self,
        weights: Tensor,
        edges: Tensor,
        state: SharingState,
    ) -> Tensor:
        """Return strength * ||w_n - w_m||^2 for each edge, [E]."""
        first, second = edges
        difference = weights[first] - weights[second]
        squared_norms = difference.square().flatten(1).sum(1)
        return state["strength"].to(weights.dtype) * squared_norms
