"""Subspace mixing of the branches' activations, as in sluice networks (Ruder et al. 2019, AAAI, arXiv:1705.08142)."""

from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from mtlsearch.sharing.contract import Level, Sharing, State


@dataclass(frozen=True)
class Sluice(Sharing):
    """A cross-stitch between halves: each half of a branch takes from both halves of every branch, its own included.

    Begins as a cross-stitch of this strength, halves being mixed with their like only. The paper's skip connections
    between the layers of a branch and its penalty on halves that resemble each other are left out.
    """

    strength: Annotated[float, Field(ge=0.0, le=1.0)] = 0.2
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: Annotated[float, Field(gt=0.0)] = 10.0

    def learned(self, nodes: tuple[int, int], features: int) -> State:
        """`stitch[2, 2, 2, 2]`: for each direction `own` and `other`, each from half (second axis) to half (first axis)."""
        like = torch.eye(2) * (self.strength / torch.tensor(nodes))[:, None, None]
        return {"stitch": torch.stack([-like, like], 1)}

    def mix(self, h: Tensor, edges: Tensor, state: State) -> Tensor:
        """h[N, B, *F] with what each branch takes along its edges added."""
        to, by = (
            edges.flip(0).flatten(),
            edges.flatten(),
        )  # both directions of every edge: who takes, and from whom
        x = h.movedim(2, -1) if h.dim() > 4 else h  # images have their features first
        halves = functional.pad(x, (0, x.shape[-1] % 2)).reshape(*x.shape[:-1], 2, -1)
        stitch = (
            state["stitch"]
            .to(h.dtype)
            .transpose(0, 1)
            .reshape(-1, 2, *(1,) * (x.dim() - 2), 2, 2, 1)
        )
        mine, theirs = (halves.index_select(0, nodes).unsqueeze(-3) for nodes in (to, by))
        taken = (
            (stitch[:, 0] * mine + stitch[:, 1] * theirs).sum(-2).flatten(-2)[..., : x.shape[-1]]
        )
        return h.index_add(0, to, taken.movedim(-1, 2) if h.dim() > 4 else taken)
