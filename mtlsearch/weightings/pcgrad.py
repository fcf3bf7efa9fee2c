"""PCGrad, or projecting conflicting gradients (Yu et al. 2020, arXiv:2001.06782)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.weightings.contract import Weighting, WeightingState
from mtlsearch.weightings.draws import advanced, seeded
from mtlsearch.weightings.gramian import solve_each, torchjd_solver


@dataclass(frozen=True)
class PCGrad(Weighting):
    """The sum of the gradients, each freed from what conflicts with the others.

    The others are taken one by one, in random order.
    """

    needs_gramian = True

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return `bits[T]`, the state of a random generator for each task."""
        return {"bits": seeded(seeds)}

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T] of at least 1."""
        return solve_each(_solve_in_random_order, losses, gramian, state["bits"])

    def after_step(
        self,
        losses: Tensor,
        updated_losses: Tensor | None,
        state: WeightingState,
    ) -> WeightingState:
        """Return the generators of the next step."""
        return {"bits": advanced(state["bits"])}


def _solve_in_random_order(gramian: Tensor, bits: Tensor) -> Tensor:
    """Return the weights [T] for the order of tasks that `bits[T]` say.

    TorchJD draws the order from torch's generator. So that is set to the same state each time, and
    the tasks are shuffled before.
    """
    order = bits.argsort()
    solver = torchjd_solver("PCGrad")
    shuffled = gramian[order][:, order]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        weights = solver(shuffled)
    return weights[order.argsort()]
