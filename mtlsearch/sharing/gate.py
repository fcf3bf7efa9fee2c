"""Input-conditioned mixing of the branches: multi-gate mixture of experts.

See Ma et al. 2018 (KDD, doi:10.1145/3219819.3220007).
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
    pooled,
)


@dataclass(frozen=True)
class Gate(Sharing):
    """Each branch goes on with a mixture of all N branches that depends on the row.

    The weights are a softmax of the branch's own features: sum_m g_nm h_m with
    g_n = softmax_m(w_nm . h_n + b_nm) and w_nn = b_nn = 0. All w begin at 0, and b such that every
    branch takes the share `strength` of the mean of all: 0 leaves all alone, 1 is even.
    """

    strength: Share = 0.5
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: RateFactor = 1.0
    experts: Experts = 0
    private: bool = False

    def trainable_state(self, nodes: tuple[int, int], features: int) -> SharingState:
        """Return `weight[2, F]` and `bias[2]` of both directions of the edge."""
        share_of_each = self.strength / torch.tensor(nodes, dtype=torch.float64)
        share_of_others = (torch.tensor(nodes) - 1) * share_of_each
        bias = (share_of_each / (1.0 - share_of_others)).log()
        return {
            "weight": torch.zeros(2, features),
            "bias": bias.to(torch.get_default_dtype()),
        }

    def mix(
        self,
        h: Tensor,
        edges: Tensor,
        state: SharingState,
        feature_axis: int,
    ) -> Tensor:
        """Return h[N, B, *F], each branch moved towards those it takes from, as its gates say."""
        takers, givers = directions(edges)
        weight = both_directions(state["weight"])
        bias = both_directions(state["bias"])
        features = pooled(h, feature_axis).index_select(0, takers)
        logits = torch.baddbmm(bias[:, None, None], features, weight[:, :, None])
        logits = logits[:, :, 0]

        # The softmax over all branches, where a branch's logit for itself is 0. The largest logit
        # is subtracted from all against overflow.
        rows = takers[:, None].expand_as(logits)
        zeros = logits.new_zeros(h.shape[:2])
        largest = zeros.scatter_reduce(0, rows, logits.detach(), "amax")
        odds = (logits - largest.index_select(0, takers)).exp()
        total = (-largest).exp().index_add(0, takers, odds)
        gates = (odds / total.index_select(0, takers)).to(h.dtype)

        positions = [1] * (h.dim() - 2)
        gates = gates.reshape(*odds.shape, *positions)
        taker = h.index_select(0, takers)
        giver = h.index_select(0, givers)
        return h.index_add(0, takers, gates * (giver - taker))
