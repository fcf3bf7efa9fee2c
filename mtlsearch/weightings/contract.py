"""What a loss weighting is: from the losses of K candidates on T tasks to their weights."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

State = dict[str, Tensor]
LEAST = 1e-8  # what a loss is taken for at least, where it is divided by or its logarithm would be too steep


class Weighting(Protocol):
    """Weighs task losses. What differs between candidates lives in the state, so the methods read no settings.

    A method derives from this class and overrides what it needs: `weigh` alone makes one without settings and memory.
    A field that holds one value per task is declared with metadata `{"per": "task"}`: the space expands it and a component
    keeps the values of its own tasks.

    With `needs_gramian`, which costs a backward pass per task, the weights hold only for parameters that tasks share; what
    belongs to one task is trained on its plain loss, so weights may be zero or negative. `looks_again` costs a forward pass.
    """

    needs_gramian: ClassVar[bool] = False
    looks_again: ClassVar[bool] = False

    def state(self, seeds: Sequence[int]) -> State:
        """The tensors [T] of one candidate; those that require a gradient are learned with the network.

        `seeds` holds a number for each task, which what is random begins with: then it depends on nobody else.
        """
        return {}

    def weigh(self, losses: Tensor, gramian: Tensor | None, state: State) -> Tensor:
        """Weights [K, T] for losses[K, T].

        `gramian[K, T, T]`, where it is needed, holds the inner products of the task gradients on shared parameters.
        """
        ...

    def penalty(self, state: State) -> Tensor:
        """What is added to the weighted sum of losses: [K], or a scalar for all."""
        return torch.zeros(())

    def after_step(self, losses: Tensor, after: Tensor | None, state: State) -> State:
        """The tensors of the state that a step with these losses [K, T], detached, changes. Never the learned ones.

        `after` [K, T], where it looks again, are the losses of the same rows and dropout masks with the weights after the step.
        """
        return {}

    def after_epoch(self, losses: Tensor, state: State) -> State:
        """The tensors of the state that an epoch changes; `losses` [K, T], detached, are the means over its steps."""
        return {}
