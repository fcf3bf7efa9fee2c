"""Random loss weighting (Lin et al. 2022, TMLR, arXiv:2111.10603)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.weightings.contract import State, Weighting
from mtlsearch.weightings.draws import advanced, seeded, uniform


@dataclass(frozen=True)
class RandomWeights(Weighting):
    """In each step the softmax of T standard normal numbers, scaled to mean 1. Expects losses of like scale."""

    def state(self, seeds: Sequence[int]) -> State:
        """`bits[T]`: each task has a generator of its own."""
        return {"bits": seeded(seeds)}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """The weights of this step, [K, T]."""
        normal: Tensor = torch.special.ndtri(uniform(state["bits"]))
        return losses.shape[-1] * normal.softmax(-1).to(losses.dtype)

    def after_step(self, losses: Tensor, after: Tensor | None, state: State) -> State:
        """The next draw."""
        return {"bits": advanced(state["bits"])}
