"""Static loss weights that the search tunes, a strong baseline.

See Kurin et al. 2022 (arXiv:2201.04122) and Xin et al. 2022 (arXiv:2209.11379).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState


@dataclass(frozen=True)
class Fixed(Weighting):
    """Constant weights, one per task, normalised to mean 1. No weights mean equal weights."""

    weights: tuple[Annotated[float, Field(gt=0.0)], ...] = field(
        default=(), metadata={"per": "task"}
    )

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return `weights[T]` with mean 1."""
        equal_weights = (1.0,) * len(seeds)
        weights = torch.tensor(self.weights or equal_weights)
        return {"weights": weights / weights.mean()}

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return the constant weights [K, T]."""
        return state["weights"].expand_as(losses)
