"""Feature masks between the branches, after the multi-task attention network (Liu et al. 2019, CVPR, arXiv:1803.10704)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.sharing.contract import Experts, Level, Sharing, State


@dataclass(frozen=True)
class Attention(Sharing):
    """Each branch looks at the others feature by feature: h_n + sum_m mask_nm (h_m - h_n), of N branches.

    mask_nm = sigmoid(own_nm h_n + other_nm h_m + bias_nm) for every feature. All but the bias begins at 0, and the bias
    such that every branch takes the share `strength` of the mean of all. In the paper the m are one shared trunk.
    """

    strength: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: Annotated[float, Field(gt=0.0)] = 1.0
    experts: Experts = 0
    private: bool = False

    def learned(self, nodes: tuple[int, int], features: int) -> State:
        """`attention[2, 3, F]`: for each direction of the edge `own`, `other` and `bias`."""
        odds = (
            (self.strength / torch.tensor(nodes, dtype=torch.float64))
            .logit()
            .to(torch.get_default_dtype())
        )
        return {
            "attention": torch.stack([torch.zeros(2), torch.zeros(2), odds], 1)[:, :, None].repeat(
                1, 1, features
            )
        }

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """h[N, B, *F] with what each branch takes along its edges added."""
        to, by = (
            edges.flip(0).flatten(),
            edges.flatten(),
        )  # both directions of every edge: who takes, and from whom
        shape = (
            (1, h.shape[2], 1, 1) if h.dim() > 4 else (*(1,) * (h.dim() - 2), h.shape[-1])
        )  # images: F first
        own, other, bias = (
            state["attention"].to(h.dtype).transpose(0, 1).reshape(-1, 3, *shape).unbind(1)
        )
        mine, theirs = h.index_select(0, to), h.index_select(0, by)
        mask = (own * mine + other * theirs + bias).sigmoid()
        return h.index_add(0, to, mask * (theirs - mine))
