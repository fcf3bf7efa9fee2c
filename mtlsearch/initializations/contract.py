"""What a start is: the share of the epochs that goes into a donor, what the donor learns, and how."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field
from torch import Tensor

Pretraining = Annotated[float, Field(ge=0.0, lt=1.0)]
Frozen = Annotated[float, Field(ge=0.0, le=1.0)]


class Initialization:
    """How the stems and stages of a component begin, its trunk. Shapes: N branches, P parameter axes.

    A start is a frozen dataclass that inherits from this class, which draws weights at random, and whose fields are its YAML
    keys. `pretraining` is the share of the candidate's epochs that trains a donor, a network of the same backbone and
    optimizer whose trunk the component begins with; `frozen` is the share of the other epochs in which only heads move.

    With `steps_apart` 0 a donor is one trunk that all its tasks share. Else each of its tasks has a branch of its own from
    the first level on, all begin alike, and after so many steps, and at the end of each epoch, the branches `meet`.
    """

    pretraining: float = 0.0
    frozen: float = 0.0

    @property
    def steps_apart(self) -> int:
        """Steps between two meetings of the donor's branches; 0: it has none."""
        return 0

    def teachers(self, own: Sequence[int], tasks: int) -> tuple[int, ...]:
        """The numbers of the tasks, of so many, that the donor of a component with the tasks `own` is trained on."""
        return tuple(range(tasks))

    def meet(self, common: Tensor, branches: Tensor) -> Tensor:
        """With what weights [*P] all branches go on that began with `common` [*P] and are now at `branches` [N, *P].

        The order of the branches must not matter, and every number counts by itself: the engines ask for pieces of their own.
        """
        return branches.mean(0)
