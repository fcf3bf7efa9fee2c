"""Homoscedastic uncertainty weighting (Kendall, Gal & Cipolla 2018, arXiv:1705.07115)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState


@dataclass(frozen=True)
class Uncertainty(Weighting):
    """The loss sum_t exp(-s_t) * loss_t + s_t / 2, with a trained log variance s per task."""

    def trainable_state(self, tasks: int) -> WeightingState:
        """Return `log_variance[T]`, which begins at 0 (weight 1)."""
        return {"log_variance": torch.zeros(tasks)}

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return exp(-s), [K, T]."""
        precision = torch.exp(-state["log_variance"])
        return precision.expand_as(losses)

    def penalty(self, state: WeightingState) -> Tensor:
        """Return half the sum of the log variances, [K]."""
        return state["log_variance"].sum(-1) / 2
