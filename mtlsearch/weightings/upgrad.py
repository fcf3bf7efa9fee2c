"""UPGrad (Quinton & Rey 2024, arXiv:2406.16232)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.dual_cone import project
from mtlsearch.weightings.gramian import scaled_torchjd_solver, solve_each


@dataclass(frozen=True)
class UPGrad(Weighting):
    """The mean of the gradients, each projected to where it harms no task."""

    needs_gramian = True

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T] of at least 1."""
        solver = scaled_torchjd_solver("UPGrad", projector=project)
        return solve_each(solver, losses, gramian)
