"""Static loss weights, tuned by the search: a strong baseline (Kurin et al. 2022; Xin et al. 2022)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from mtlsearch.weightings.contract import State, Weighting


@dataclass(frozen=True)
class Fixed(Weighting):
    """Constant weights, one per task, normalised to mean 1; none given means equal weights."""

    weights: tuple[Annotated[float, Field(gt=0.0)], ...] = field(
        default=(), metadata={"per": "task"}
    )

    def state(self, seeds: Sequence[int]) -> State:
        """`weights[T]`, mean 1."""
        weights = torch.tensor(self.weights or (1.0,) * len(seeds))
        return {"weights": weights / weights.mean()}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """The constant weights [K, T]."""
        return state["weights"].expand_as(losses)
