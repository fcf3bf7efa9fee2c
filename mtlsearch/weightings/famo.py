"""Fast adaptive multitask optimization (Liu, Feng, Stone & Liu 2023, NeurIPS, arXiv:2306.03792)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import LEAST, State, Weighting

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, by which the logits move


@dataclass(frozen=True)
class FAMO(Weighting):
    """All losses fall at the same relative rate: tasks whose logarithm of the loss fell least gain weight after each step.

    A loss may have any scale, which cancels out, but must be positive.
    """

    learning_rate: Annotated[float, Field(gt=0.0)] = 0.025
    decay: Annotated[float, Field(ge=0.0)] = 1e-3

    looks_again = True

    def state(self, seeds: Sequence[int]) -> State:
        """The settings and, at zero, `logits[T]` with Adam's two moments and its number of steps."""
        tasks = len(seeds)
        settings = {
            "learning_rate": torch.full((tasks,), self.learning_rate),
            "decay": torch.full((tasks,), self.decay),
        }
        return settings | {
            name: torch.zeros(tasks) for name in ("logits", "first", "second", "steps")
        }

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Those of the sum of logarithms under softmax(logits), scaled to mean 1, [K, T]."""
        steep = state["logits"].softmax(-1) / losses.detach().clamp(min=LEAST)
        return losses.shape[-1] * steep / steep.sum(-1, keepdim=True)

    def after_step(self, losses: Tensor, after: Tensor | None, state: State) -> State:
        """One step of Adam on the logits, along the change of the logarithms."""
        assert after is not None
        fell = losses.clamp(min=LEAST).log() - after.clamp(min=LEAST).log()
        shares, steps = state["logits"].softmax(-1), state["steps"] + 1
        gradient = (
            shares * (fell - (shares * fell).sum(-1, keepdim=True))
            + state["decay"] * state["logits"]
        )
        first, second = (
            torch.lerp(gradient, state["first"], BETA1),
            torch.lerp(gradient**2, state["second"], BETA2),
        )
        size = (second / (1 - BETA2**steps)).sqrt() + EPSILON
        logits = state["logits"] - state["learning_rate"] * first / (1 - BETA1**steps) / size
        return {"logits": logits, "first": first, "second": second, "steps": steps}
