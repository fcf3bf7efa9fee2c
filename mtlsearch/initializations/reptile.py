"""Reptile (Nichol, Achiam & Schulman 2018, arXiv:1803.02999): a start from which each task is a few steps away."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor

from mtlsearch.initializations.contract import Frozen, Initialization, Pretraining


@dataclass(frozen=True)
class Reptile(Initialization):
    """The paper's batched version: every task goes `inner_steps` from the common trunk, with a head of its own, and the
    common trunk goes `step_size` of the way to their mean. A round ends with the epoch at the latest.

    The inner steps are those of the candidate's optimizer, whose moments each task keeps from round to round. The step
    size is constant, where the paper lets it fall to 0: the best epoch is what is handed on.
    """

    pretraining: Pretraining = 0.5
    inner_steps: Annotated[int, Field(ge=1)] = 8
    step_size: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    frozen: Frozen = 0.0

    @property
    def steps_apart(self) -> int:
        """The inner steps."""
        return self.inner_steps

    def meet(self, common: Tensor, branches: Tensor) -> Tensor:
        """The common weights, moved by `step_size` times the mean of the branches' ways from there."""
        return common + self.step_size * (branches - common).mean(0)
