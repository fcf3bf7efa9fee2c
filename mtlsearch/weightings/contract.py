"""What a loss weighting is: from the losses of K candidates on T tasks to their weights."""

from typing import Protocol

from torch import Tensor

State = dict[str, Tensor]


class Weighting(Protocol):
    """Weighs task losses. What differs between candidates lives in the state, so the methods read no settings.

    A field that holds one value per task is declared with metadata `{"per": "task"}`: the space expands it and a component
    keeps the values of its own tasks.
    """

    def state(self, tasks: int) -> State:
        """The tensors [T] of one candidate; those that require a gradient are learned with the network."""
        ...

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Weights [K, T] for losses[K, T]; `gramian[K, T, T]` holds the inner products of the task gradients."""
        ...

    def penalty(self, state: State) -> Tensor:
        """What is added to the weighted sum of losses, [K]."""
        ...
