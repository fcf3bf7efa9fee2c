"""IMTL-G, impartial multi-task learning by gradients (Liu et al. 2021, ICLR)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.gramian import scaled_torchjd_solver, solve_each


@dataclass(frozen=True)
class IMTLG(Weighting):
    """The direction that goes equally far along each gradient. The losses' scales cancel out."""

    needs_gramian = True

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T] of either sign, with mean 1."""
        solver = scaled_torchjd_solver("IMTLG")
        return solve_each(solver, losses, gramian)
