"""Dropout whose masks are a pure function of a module's seed, the step and the source.

Every engine thus draws the same masks. Masks of torch's own dropout depend on what was drawn
before. Here a table of well-mixed 32-bit numbers is made for each step, shared by all modules, and
each module hashes it once more with a multiply-xor pair of its own.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn

from mtlsearch.seeding import derive_seed

UINT32_MAX = 2**32 - 1
SIGNED_OFFSET = (
    2**31
)  # unsigned minus signed 32-bit numbers; torch has no products of unsigned ones

# The multipliers and shifts of murmur3's finaliser (Appleby 2011).
MIX_ROUNDS = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))
LAST_SHIFT = 16


class SeededDropout(nn.Module):
    """Stands in for `nn.Dropout(p)` in a network, which sets `dropout_key` before each use.

    Its buffers are scalars: `salt` and `factor` hash the table of numbers, those below `threshold`
    are dropped, and `scale` makes up for them.
    """

    salt: Tensor
    factor: Tensor
    threshold: Tensor
    scale: Tensor

    def __init__(self, p: float, seed: int) -> None:
        super().__init__()
        self.p = p
        self.dropout_key = 0
        salt = seed & UINT32_MAX
        factor = (seed >> 31) & UINT32_MAX | 1  # odd, so that multiplying loses no bit
        threshold = min(round(p * 2**32), UINT32_MAX)
        self._register("salt", _signed(salt))
        self._register("factor", _signed(factor))
        self._register("threshold", _signed(threshold))
        scale = 1.0 / (1.0 - p)
        self._register("scale", torch.tensor(scale, dtype=torch.float64))

    def _register(self, name: str, number: Tensor) -> None:
        self.register_buffer(name, number, persistent=False)

    def forward(self, h: Tensor) -> Tensor:
        """Set a share of `p` of h[B, *F] to 0 and scale the rest by 1 / (1 - p).

        In evaluation h is left as it is.
        """
        if not self.training:
            return h
        numbers = random_numbers(h.shape, self.dropout_key, h.device)
        return drop(
            h,
            numbers,
            (self.salt, self.factor, self.threshold, self.scale),
        )


def drop(
    h: Tensor,
    numbers: Tensor,
    buffers: tuple[Tensor, Tensor, Tensor, Tensor],
) -> Tensor:
    """Return h with zeros where the hashed numbers lie below a threshold, scaled elsewhere.

    `buffers` are those of `SeededDropout` in their order, shaped so that they broadcast against h.
    """
    salt, factor, threshold, scale = buffers
    keep = (numbers ^ salt) * factor >= threshold
    factors = keep.to(h.dtype) * scale.to(h.dtype)
    return h * factors


def seed_dropouts(
    module: nn.Module,
    seed: int,
) -> nn.Module:
    """The module with its `nn.Dropout`s replaced by seeded ones; those of rate 0 are left."""
    layers = list(module.named_modules())
    for number, (name, layer) in enumerate(layers):
        if not isinstance(layer, nn.Dropout) or layer.p == 0:
            continue
        seeded = SeededDropout(layer.p, derive_seed(seed, number))
        if name == "":
            return seeded
        module.set_submodule(name, seeded)
    return module


def dropout_key(step: int, source: str) -> int:
    """The number that tells the masks of one step and source from those of another."""
    return derive_seed("dropout", step, source) & UINT32_MAX


@lru_cache(maxsize=8)
def random_numbers(
    shape: torch.Size,
    key: int,
    device: torch.device,
) -> Tensor:
    """Signed 32-bit numbers, each a hash of its position and the key.

    A row does not depend on how many follow.
    """
    x = torch.arange(shape.numel(), device=device) + key
    for shift, factor in MIX_ROUNDS:
        x = ((x ^ (x >> shift)) * factor) & UINT32_MAX
    x = x ^ (x >> LAST_SHIFT)
    return (x - SIGNED_OFFSET).to(torch.int32).reshape(shape)


def _signed(number: int) -> Tensor:
    """An unsigned 32-bit number as a signed one, in the same order."""
    return torch.tensor(number - SIGNED_OFFSET, dtype=torch.int32)
