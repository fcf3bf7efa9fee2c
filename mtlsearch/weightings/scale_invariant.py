"""Scale-invariant loss weighting: the geometric loss (Chennupati et al. 2019, arXiv:1904.08492)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import LEAST, Weighting, WeightingState


@dataclass(frozen=True)
class ScaleInvariant(Weighting):
    """The sum of the losses' logarithms, sum_t log(loss_t), by its gradient.

    A loss must be positive but may have any scale, which cancels out.
    """

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return 1 / loss, [K, T]."""
        positive = losses.detach().clamp(min=LEAST)
        return 1 / positive
