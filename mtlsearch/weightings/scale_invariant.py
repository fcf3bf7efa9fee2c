"""The sum of the losses' logarithms, which no scale touches: the geometric loss (Chennupati et al. 2019, arXiv:1904.08492)."""

from dataclasses import dataclass

from torch import Tensor

from mtlsearch.weightings.contract import LEAST, State, Weighting


@dataclass(frozen=True)
class ScaleInvariant(Weighting):
    """sum_t log(loss_t), by its gradient. A loss may have any scale, which cancels out, but must be positive."""

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """1 / loss, [K, T]."""
        return 1 / losses.detach().clamp(min=LEAST)
