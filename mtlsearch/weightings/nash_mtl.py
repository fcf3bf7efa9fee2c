"""Nash-MTL (Navon et al. 2022, arXiv:2202.01017)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.gramian import solve_each, torchjd_solver


@dataclass(frozen=True)
class NashMTL(Weighting):
    """The bargaining solution G w = 1 / w for a Gramian G. The losses' scales cancel out.

    It is that of FairGrad with alpha 1 and solved as such: TorchJD's own way needs cvxpy and its
    solvers.
    """

    needs_gramian = True

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return positive weights [K, T]."""
        solver = torchjd_solver("FairGrad", alpha=1.0)
        return solve_each(solver, losses, gramian)
