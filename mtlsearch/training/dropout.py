"""Dropout whose masks are a pure function of a node's seed, the step and the source, so that every engine draws the same.

Masks of torch's own dropout depend on what was drawn before. Here a table of well-mixed 32-bit numbers is made for each
step, shared by all nodes, and each node hashes it once more with its own multiply-xor pair.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn

from mtlsearch.seeding import derive_seed

HALF, MASK = 2**31, 2**32 - 1


class SeededDropout(nn.Module):
    """Stands in for `nn.Dropout(p)` in a network, which sets `moment` before each use."""

    def __init__(self, p: float, seed: int) -> None:
        super().__init__()
        self.p, self.moment = p, 0
        salt, factor, least = (
            (seed & MASK) - HALF,
            ((seed >> 31) & MASK | 1) - HALF,
            min(round(p * 2**32), MASK) - HALF,
        )
        for name, number in (("salt", salt), ("factor", factor), ("least", least)):
            self.register_buffer(name, torch.tensor(number, dtype=torch.int32), persistent=False)
        self.register_buffer(
            "scale", torch.tensor(1.0 / (1.0 - p), dtype=torch.float64), persistent=False
        )

    def forward(self, h: Tensor) -> Tensor:
        """h[B, *F] with a share of `p` set to 0 and the rest scaled by 1 / (1 - p); h itself in evaluation."""
        if not self.training:
            return h
        salt, factor, least, scale = self.buffers()
        keep = (noise(h.shape, self.moment, h.device) ^ salt) * factor >= least
        return h * (keep.to(h.dtype) * scale.to(h.dtype))


def seed_dropouts(module: nn.Module, seed: int) -> nn.Module:
    """The module with each of its `nn.Dropout`s replaced by a seeded one; those of rate 0 are left."""
    for number, (name, each) in enumerate(list(module.named_modules())):
        if isinstance(each, nn.Dropout) and each.p > 0:
            seeded = SeededDropout(each.p, derive_seed(seed, number))
            if not name:
                return seeded
            module.set_submodule(name, seeded)
    return module


def moment(step: int, source: str) -> int:
    """What tells the masks of one step and source from those of another."""
    return derive_seed("dropout", step, source) & MASK


@lru_cache(maxsize=8)
def noise(shape: torch.Size, moment: int, device: torch.device) -> Tensor:
    """Signed 32-bit numbers, murmur3's finaliser of the position and the moment. Rows do not depend on how many there are."""
    x = torch.arange(shape.numel(), device=device) + moment
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = ((x ^ (x >> shift)) * factor) & MASK
    return ((x ^ (x >> 16)) - HALF).to(torch.int32).reshape(shape)
