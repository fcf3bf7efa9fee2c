"""Random numbers as tensors that follow from their seeds alone, so that every engine and device draws the same.

The generator is Knuth's linear congruential one modulo 2**64 (MMIX); the seeds are well mixed, so its streams are unrelated.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def seeded(seeds: Sequence[int]) -> Tensor:
    """Generators [T], one for each seed."""
    return advanced(torch.tensor(seeds))


def advanced(bits: Tensor) -> Tensor:
    """The generators after one draw; the product wraps around."""
    return bits * 6364136223846793005 + 1442695040888963407


def uniform(bits: Tensor) -> Tensor:
    """What the generators draw: float64 between 0 and 1, neither included."""
    return ((bits >> 32).double() + (2**31 + 0.5)) / 2**32
