"""FairGrad (Ban & Ji 2024, arXiv:2402.15638)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.gramian import solve_each, torchjd_solver


@dataclass(frozen=True)
class FairGrad(Weighting):
    """Alpha-fair progress: weights w with G w = w ** (-1 / alpha) for a Gramian G."""

    alpha: Annotated[float, Field(gt=0.0)] = 2.0

    needs_gramian = True

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return `alpha[T]`."""
        tasks = len(seeds)
        return {"alpha": torch.full((tasks,), self.alpha)}

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return positive weights [K, T]."""
        return solve_each(_solve, losses, gramian, state["alpha"])


def _solve(gramian: Tensor, alpha: Tensor) -> Tensor:
    solver = torchjd_solver("FairGrad", alpha=float(alpha[0]))
    return solver(gramian)
