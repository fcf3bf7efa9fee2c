"""Dynamic weight average (Liu, Johns & Davison 2019, arXiv:1803.10704)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import LEAST, State, Weighting


@dataclass(frozen=True)
class DynamicAverage(Weighting):
    """Tasks whose loss falls slowly weigh more: T * softmax(rate / temperature), where a task's rate is its mean loss in
    the last epoch over that in the one before. Equal weights until both are known.

    The rates have no scale, but the losses are expected to have about the same: at equal rates they weigh equally.
    """

    temperature: Annotated[float, Field(gt=0.0)] = 2.0

    def state(self, seeds: Sequence[int]) -> State:
        """`temperature[T]`, `last[T]` (the mean losses of the last epoch) and `rate[T]`."""
        tasks = len(seeds)
        temperature, last = (torch.full((tasks,), value) for value in (self.temperature, torch.inf))
        return {"temperature": temperature, "last": last, "rate": torch.zeros(tasks)}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """The weights of this epoch, [K, T], mean 1."""
        logits = state["rate"].double() / state["temperature"]
        return losses.shape[-1] * logits.softmax(-1).to(losses.dtype)

    def after_epoch(self, losses: Tensor, state: State) -> State:
        """The new rates: all 0 after the first epoch, before which the loss counts as infinite."""
        return {"last": losses, "rate": losses / state["last"].clamp(min=LEAST)}
