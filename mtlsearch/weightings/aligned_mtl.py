"""Aligned-MTL (Senushkin et al. 2023, CVPR)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.gramian import scaled_torchjd_solver, solve_each


@dataclass(frozen=True)
class AlignedMTL(Weighting):
    """The mean gradient, with all principal components at the length of the shortest."""

    needs_gramian = True

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T] of either sign. They are smaller, the more the gradients agree."""
        solver = scaled_torchjd_solver("AlignedMTL")
        return solve_each(solver, losses, gramian)
