"""Dynamic weight average (Liu, Johns & Davison 2019, arXiv:1803.10704)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import LEAST, Weighting, WeightingState


@dataclass(frozen=True)
class DynamicAverage(Weighting):
    """Weights T * softmax(rate / temperature): tasks whose loss falls slowly weigh more.

    The rate of a task is its mean loss in the last epoch over that in the epoch before. Weights are
    equal until both are known. Rates have no scale, but losses are expected to have about the same:
    at equal rates they weigh equally.
    """

    temperature: Annotated[float, Field(gt=0.0)] = 2.0

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return `temperature[T]`, `last[T]` (the mean losses of the last epoch) and `rate[T]`."""
        tasks = len(seeds)
        return {
            "temperature": torch.full((tasks,), self.temperature),
            "last": torch.full((tasks,), torch.inf),
            "rate": torch.zeros(tasks),
        }

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return the weights [K, T] of this epoch, with mean 1."""
        tasks = losses.shape[-1]
        logits = state["rate"].double() / state["temperature"]
        shares = logits.softmax(-1)
        return tasks * shares.to(losses.dtype)

    def after_epoch(self, losses: Tensor, state: WeightingState) -> WeightingState:
        """Return the new rates; 0 after the first epoch, as the loss before counts as infinite."""
        previous = state["last"].clamp(min=LEAST)
        return {"last": losses, "rate": losses / previous}
