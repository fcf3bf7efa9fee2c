"""Homoscedastic uncertainty weighting (Kendall, Gal & Cipolla 2018, arXiv:1705.07115)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.weightings.contract import State, Weighting


@dataclass(frozen=True)
class Uncertainty(Weighting):
    """Learns one log variance s per task: sum_t exp(-s_t) * loss_t + s_t / 2."""

    def state(self, seeds: Sequence[int]) -> State:
        """`log_variance[T]`, learned, starting at 0 (weight 1)."""
        return {"log_variance": torch.zeros(len(seeds), requires_grad=True)}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """exp(-s), [K, T]."""
        return torch.exp(-state["log_variance"]).expand_as(losses)

    def penalty(self, state: State) -> Tensor:
        """Half the sum of the log variances, [K]."""
        return state["log_variance"].sum(-1) / 2
