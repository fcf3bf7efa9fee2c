"""Input-conditioned mixing of the branches: multi-gate mixture of experts (Ma et al. 2018, KDD, 10.1145/3219819.3220007)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.sharing.contract import Experts, Level, Sharing, State, pooled


@dataclass(frozen=True)
class Gate(Sharing):
    """Each branch goes on with a mixture of all N branches, whose weights are a softmax of its own features.

    Row by row and branch by branch: sum_m g_nm h_m, g_n = softmax_m(w_nm . h_n + b_nm), w_nn = b_nn = 0. All w begin
    at 0, and b such that every branch takes the share `strength` of the mean of all: 0 leaves all alone, 1 is even.
    """

    strength: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: Annotated[float, Field(gt=0.0)] = 1.0
    experts: Experts = 0
    private: bool = False

    def learned(self, nodes: tuple[int, int], features: int) -> State:
        """`weight[2, F]` and `bias[2]`, one of each for both directions of the edge."""
        others = self.strength / torch.tensor(nodes, dtype=torch.float64)
        odds = (others / (1.0 - (torch.tensor(nodes) - 1) * others)).log()
        return {"weight": torch.zeros(2, features), "bias": odds.to(torch.get_default_dtype())}

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """h[N, B, *F], each branch moved towards those it takes from, by as much as its gates say."""
        to, by = (
            edges.flip(0).flatten(),
            edges.flatten(),
        )  # both directions of every edge: who takes, and from whom
        weight, bias = (state[name].transpose(0, 1).flatten(0, 1) for name in ("weight", "bias"))
        own = pooled(h).index_select(0, to)
        logits = torch.baddbmm(bias[:, None, None], own, weight[:, :, None])[
            :, :, 0
        ]  # those of n itself are 0
        top = logits.new_zeros(h.shape[:2]).scatter_reduce(
            0, to[:, None].expand_as(logits), logits.detach(), "amax"
        )
        odds = (logits - top.index_select(0, to)).exp()
        total = (-top).exp().index_add(0, to, odds)
        gates = (
            (odds / total.index_select(0, to))
            .to(h.dtype)
            .reshape(*odds.shape, *(1,) * (h.dim() - 2))
        )
        return h.index_add(0, to, gates * (h.index_select(0, by) - h.index_select(0, to)))
