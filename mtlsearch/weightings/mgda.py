"""MGDA, the multiple-gradient descent algorithm (Sener & Koltun 2018, arXiv:1810.04650)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.gramian import scaled_torchjd_solver, solve_each


@dataclass(frozen=True)
class MGDA(Weighting):
    """The shortest convex combination of the gradients: small ones weigh most."""

    needs_gramian = True

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T] of at least 0, with mean 1."""
        solver = scaled_torchjd_solver("MGDA")
        return solve_each(solver, losses, gramian)
