"""Reptile: weights from which each task is a few steps away.

See Nichol, Achiam & Schulman 2018 (arXiv:1803.02999).
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor

from mtlsearch.initializations.contract import Frozen, Initialization, Pretraining, TaskNumbers


@dataclass(frozen=True)
class Reptile(Initialization):
    """The paper's batched version.

    Every task goes `inner_steps` from the common trunk, with a head of its own. Then the common
    trunk goes `step_size` of the way to their mean. A round ends with the epoch at the latest.

    The inner steps are those of the candidate's optimizer, whose moments each task keeps from round
    to round. The step size is constant, where the paper lets it fall to 0, because the weights of
    the best epoch are kept.
    """

    pretraining: Pretraining = 0.5
    inner_steps: Annotated[int, Field(ge=1)] = 8
    step_size: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    frozen: Frozen = 0.0

    @property
    def local_steps(self) -> int:
        """The inner steps."""
        return self.inner_steps

    def pretraining_tasks(self, component_tasks: TaskNumbers, tasks: int) -> TaskNumbers:
        """Return all tasks."""
        return tuple(range(tasks))

    def average(self, common: Tensor, branches: Tensor) -> Tensor:
        """Return common + step_size * mean over branches of (branch - common), [*P]."""
        mean_change = (branches - common).mean(0)
        return common + self.step_size * mean_change
