"""Subspace mixing of the branches' activations, as in sluice networks.

See Ruder et al. 2019 (AAAI, arXiv:1705.08142).
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

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
class Sluice(Sharing):
    """A cross-stitch between halves: each takes from both halves of every branch, its own too.

    It begins as a cross-stitch of this strength, where halves are mixed with their like only. The
    paper's skip connections between the layers of a branch and its penalty on halves that resemble
    each other are left out.
    """

    strength: Share = 0.2
    first_level: Level = 1
    last_level: Level | None = None
    rate_factor: RateFactor = 10.0

    def trainable_state(self, nodes: tuple[int, int], features: int) -> SharingState:
        """Return `stitch[2, 2, 2, 2]`: u and v of each direction of the edge.

        Each is a matrix to halves (first axis) from halves (second axis).
        """
        shares = self.strength / torch.tensor(nodes)
        like_halves = torch.eye(2) * shares[:, None, None]
        return {"stitch": torch.stack([-like_halves, like_halves], 1)}

    def mix(
        self,
        h: Tensor,
        edges: Tensor,
        state: SharingState,
        feature_axis: int,
    ) -> Tensor:
        """Return h[N, B, *F] with what each branch takes along its edges added."""
        takers, givers = directions(edges)
        x = h.movedim(feature_axis, -1)
        features = x.shape[-1]
        padded = functional.pad(x, (0, features % 2))
        halves = padded.reshape(*x.shape[:-1], 2, -1)

        shape = [1] * (x.dim() - 2)
        stitch = both_directions(state["stitch"]).to(h.dtype)
        u, v = stitch.reshape(-1, 2, *shape, 2, 2, 1).unbind(1)
        taker = halves.index_select(0, takers).unsqueeze(-3)
        giver = halves.index_select(0, givers).unsqueeze(-3)
        taken = (u * taker + v * giver).sum(-2)

        taken = taken.flatten(-2)[..., :features]
        return h.index_add(0, takers, taken.movedim(-1, feature_axis))
