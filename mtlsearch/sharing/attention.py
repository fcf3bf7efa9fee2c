"""Feature masks between the branches, after the multi-task attention network.

See Liu et al. 2019 (CVPR, arXiv:1803.10704).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.sharing.contract import (
    Experts,
    Level,
    RateFactor,
    Share,
    Sharing,
    SharingState,
    both_directions,
    directions,
)


@dataclass(frozen=True)
class Attention(Sharing):
    """Each branch looks at the others feature by feature: h_n + sum_m mask_nm (h_m - h_n).

    mask_nm = sigmoid(u_nm h_n + v_nm h_m + bias_nm) for every feature. All but the bias
    begins at 0, and the bias such that every branch takes the share `strength` of the mean of all.
    In the paper the m are one shared trunk.
    """

    strength: Share = 0.5
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: RateFactor = 1.0
    experts: Experts = 0
    private: bool = False

    def trainable_state(self, nodes: tuple[int, int], features: int) -> SharingState:
        """Return `attention[2, 3, F]`: u, v and the bias of each direction of the edge."""
        shares = self.strength / torch.tensor(nodes, dtype=torch.float64)
        bias = shares.logit().to(torch.get_default_dtype())
        zeros = torch.zeros(2)
        start = torch.stack([zeros, zeros, bias], 1)
        return {"attention": start[:, :, None].repeat(1, 1, features)}

    def mix(
        self,
        h: Tensor,
        edges: Tensor,
        state: SharingState,
        feature_axis: int,
    ) -> Tensor:
        """Return h[N, B, *F] with what each branch takes along its edges added."""
        takers, givers = directions(edges)
        # Features lie where those of h do, and are the same for every row and position.
        shape = [1] * (h.dim() - 1)
        shape[feature_axis] = h.shape[feature_axis]
        attention = both_directions(state["attention"]).to(h.dtype)
        u, v, bias = attention.reshape(-1, 3, *shape).unbind(1)
        taker = h.index_select(0, takers)
        giver = h.index_select(0, givers)
        mask = (u * taker + v * giver + bias).sigmoid()
        return h.index_add(0, takers, mask * (giver - taker))
