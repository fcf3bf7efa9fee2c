"""The contract of initializations: how the weights of a component's trunk begin."""

import abc
from typing import Annotated

from pydantic import Field
from torch import Tensor

Pretraining = Annotated[float, Field(ge=0.0, lt=1.0)]
Frozen = Annotated[float, Field(ge=0.0, le=1.0)]


TaskNumbers = tuple[int, ...]
"""Tasks by their numbers within the dataset, ascending."""


class Initialization(abc.ABC):
    """How the trunk of a component begins, its stems and stages.

    Shapes: N branches, P parameter axes.

    An initialization is a frozen dataclass that derives from this class; its fields are its keys in
    YAML. The methods here are those of random weights.

    With `pretraining`, the trunk is copied from a pretraining model: a network of the same backbone
    and optimizer settings that is trained before on the `pretraining_tasks`. It has one trunk that
    all its tasks share. With `local_steps`, each of its tasks has a branch of its own from the
    first level on instead. All branches begin alike, and are averaged after every so many steps and
    at the end of each epoch.
    """

    pretraining: float = 0.0
    """The share of the candidate's epochs that trains the pretraining model."""

    frozen: float = 0.0
    """The share of the other epochs in which only the heads are trained."""

    @property
    def local_steps(self) -> int:
        """Steps between two averages of the pretraining model's branches; 0: it has one trunk."""
        return 0

    @abc.abstractmethod
    def pretraining_tasks(self, component_tasks: TaskNumbers, tasks: int) -> TaskNumbers:
        """Return the tasks, out of 0..tasks-1, of the pretraining model; () if there is none."""

    def average(self, common: Tensor, branches: Tensor) -> Tensor:
        """Return the weights [*P] with which all branches[N, *P] go on.

        All branches began with `common[*P]`.

        The order of the branches must not matter, and each number must depend on its own place in
        `common` and `branches` only: engines pass pieces of different sizes.
        """
        return branches.mean(0)
