"""Random numbers that follow from seeds alone: every engine and device draws the same.

The generator is Knuth's linear congruential one modulo 2**64 (MMIX). The seeds are well mixed, so
its streams are unrelated.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

MULTIPLIER = 6364136223846793005
INCREMENT = 1442695040888963407


def seeded(seeds: Sequence[int]) -> Tensor:
    """Return the int64 states [T] of generators, one for each seed."""
    return advanced(torch.tensor(seeds))


def advanced(bits: Tensor) -> Tensor:
    """Return the states of the generators after one draw; the product wraps around."""
    return bits * MULTIPLIER + INCREMENT


def uniform(bits: Tensor) -> Tensor:
    """Return the numbers that the generators draw: float64 between 0 and 1, neither included."""
    high_bits = (bits >> 32).double()
    return (high_bits + (2**31 + 0.5)) / 2**32
