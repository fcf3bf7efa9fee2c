"""DualProj, or gradient episodic memory (Lopez-Paz & Ranzato 2017, arXiv:1706.08840)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.dual_cone import project
from mtlsearch.weightings.gramian import scaled_torchjd_solver, solve_each


@dataclass(frozen=True)
class DualProj(Weighting):
    """The mean gradient, projected to where it harms no task."""

    needs_gramian = True

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T] of at least 1."""
        solver = scaled_torchjd_solver("DualProj", projector=project)
        return solve_each(solver, losses, gramian)
