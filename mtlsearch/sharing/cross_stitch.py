"""Cross-stitch units: trained linear mixtures of the branches' activations.

See Misra et al. 2016 (CVPR, arXiv:1604.03539).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.sharing.contract import (
    Level,
    RateFactor,
    Share,
    Sharing,
    SharingState,
    both_directions,
    directions,
)


@dataclass(frozen=True)
class CrossStitch(Sharing):
    """Each branch goes on with h_n + sum_m (u_nm h_n + v_nm h_m).

    The numbers u and v are trained for every n and m. They begin at -strength / N and
    strength / N: every branch takes the share `strength` of the mean of all N branches, so that 0
    leaves all alone and 1 gives all the same. Of two branches, this is the paper's matrix.
    """

    strength: Share = 0.2
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: RateFactor = 10.0

    def trainable_state(self, nodes: tuple[int, int], features: int) -> SharingState:
        """Return `stitch[2, 2]`: u and v of each direction of the edge."""
        shares = self.strength / torch.tensor(nodes)
        return {"stitch": torch.stack([-shares, shares], 1)}

    def mix(
        self,
        h: Tensor,
        edges: Tensor,
        state: SharingState,
        feature_axis: int,
    ) -> Tensor:
        """Return h[N, B, *F] with what each branch takes along its edges added."""
        takers, givers = directions(edges)
        shape = [1] * (h.dim() - 1)
        stitch = both_directions(state["stitch"]).to(h.dtype)
        u, v = stitch.reshape(-1, 2, *shape).unbind(1)
        taker = h.index_select(0, takers)
        giver = h.index_select(0, givers)
        taken = u * taker + v * giver
        return h.index_add(0, takers, taken)
