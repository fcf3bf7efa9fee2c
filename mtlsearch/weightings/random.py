"""Random loss weighting (Lin et al. 2022, TMLR, arXiv:2111.10603)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.draws import advanced, seeded, uniform


@dataclass(frozen=True)
class RandomWeights(Weighting):
    """In each step the softmax of T standard normal numbers, scaled to mean 1.

    Losses are expected to have like scales.
    """

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return `bits[T]`, the state of a random generator for each task."""
        return {"bits": seeded(seeds)}

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return the weights [K, T] of this step."""
        tasks = losses.shape[-1]
        normal: Tensor = torch.special.ndtri(uniform(state["bits"]))
        shares = normal.softmax(-1)
        return tasks * shares.to(losses.dtype)

    def after_step(
        self,
        losses: Tensor,
        updated_losses: Tensor | None,
        state: WeightingState,
    ) -> WeightingState:
        """Return the generators of the next step."""
        return {"bits": advanced(state["bits"])}
