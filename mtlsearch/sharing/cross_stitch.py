"""Cross-stitch units: learned linear mixtures of the branches' activations (Misra et al. 2016, CVPR, arXiv:1604.03539)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.sharing.contract import Level, Sharing, State


@dataclass(frozen=True)
class CrossStitch(Sharing):
    """Each branch goes on with h_n + sum_m (own_nm h_n + other_nm h_m); own and other are learned for every n and m.

    They begin at -strength / N and strength / N: every branch takes the share `strength` of the mean of all N
    branches, so that 0 leaves all alone and 1 gives all the same. Of two branches, this is the paper's matrix.
    """

    strength: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: Annotated[float, Field(gt=0.0)] = 10.0

    def learned(self, nodes: tuple[int, int], features: int) -> State:
        """`stitch[2, 2]`: for each direction of the edge `own` and `other`."""
        shares = self.strength / torch.tensor(nodes)
        return {"stitch": torch.stack([-shares, shares], 1)}

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """h[N, B, *F] with what each branch takes along its edges added."""
        to, by = (
            edges.flip(0).flatten(),
            edges.flatten(),
        )  # both directions of every edge: who takes, and from whom
        stitch = state["stitch"].to(h.dtype).transpose(0, 1).reshape(-1, 2, *(1,) * (h.dim() - 1))
        taken = stitch[:, 0] * h.index_select(0, to) + stitch[:, 1] * h.index_select(0, by)
        return h.index_add(0, to, taken)
