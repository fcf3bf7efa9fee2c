"""Fast adaptive multitask optimization (Liu, Feng, Stone & Liu 2023, NeurIPS, arXiv:2306.03792)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import LEAST, Weighting, WeightingState

# Settings of Adam, by which the logits move.
BETA1 = 0.9
BETA2 = 0.999
EPSILON = 1e-8


@dataclass(frozen=True)
class FAMO(Weighting):
    """Weights under which all losses fall at the same relative rate.

    After each step, tasks whose logarithm of the loss fell least gain weight. A loss must be
    positive but may have any scale, which cancels out.
    """

    learning_rate: Annotated[float, Field(gt=0.0)] = 0.025
    decay: Annotated[float, Field(ge=0.0)] = 1e-3

    needs_updated_losses = True

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return the settings and, at zero, `logits[T]` with Adam's moments and number of steps."""
        tasks = len(seeds)
        return {
            "learning_rate": torch.full((tasks,), self.learning_rate),
            "decay": torch.full((tasks,), self.decay),
            "logits": torch.zeros(tasks),
            "first": torch.zeros(tasks),
            "second": torch.zeros(tasks),
            "steps": torch.zeros(tasks),
        }

    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T], mean 1: those of the sum of log losses under softmax(logits)."""
        tasks = losses.shape[-1]
        shares = state["logits"].softmax(-1)
        slopes = shares / losses.detach().clamp(min=LEAST)
        return tasks * slopes / slopes.sum(-1, keepdim=True)

    def after_step(
        self,
        losses: Tensor,
        updated_losses: Tensor | None,
        state: WeightingState,
    ) -> WeightingState:
        """Return the state after a step of Adam on the logits, along the change of log losses."""
        assert updated_losses is not None
        gradient = _gradient_of_logits(losses, updated_losses, state)
        steps = state["steps"] + 1
        first = torch.lerp(gradient, state["first"], BETA1)
        second = torch.lerp(gradient**2, state["second"], BETA2)

        size = (second / (1 - BETA2**steps)).sqrt() + EPSILON
        change = state["learning_rate"] * first / (1 - BETA1**steps) / size
        return {
            "logits": state["logits"] - change,
            "first": first,
            "second": second,
            "steps": steps,
        }


def _gradient_of_logits(losses: Tensor, updated_losses: Tensor, state: WeightingState) -> Tensor:
    """Return [K, T]: the derivative of the weighted decrease of log losses, plus weight decay."""
    before = losses.clamp(min=LEAST).log()
    after = updated_losses.clamp(min=LEAST).log()
    decrease = before - after
    shares = state["logits"].softmax(-1)
    mean_decrease = (shares * decrease).sum(-1, keepdim=True)
    return shares * (decrease - mean_decrease) + state["decay"] * state["logits"]
