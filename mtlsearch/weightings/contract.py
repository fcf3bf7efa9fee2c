"""The contract of loss weightings: from the losses of K candidates on T tasks to their weights."""

import abc
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

WeightingState = dict[str, Tensor]
LEAST = 1e-8
"""The lower bound of a loss that is divided by, or whose logarithm would be too steep."""


class Weighting(abc.ABC):
    """A rule that weighs the losses of tasks.

    A weighting is a frozen dataclass that derives from this class; its fields are its keys in YAML.
    `weigh` alone makes one without settings and memory. Candidates with different settings are
    weighed in one call, so the methods `weigh`, `penalty`, `after_step` and `after_epoch` read no
    settings: these live in the state.

    A field with one value per task is declared with metadata `{"per": "task"}`. The search space
    expands it, and a component keeps the values of its own tasks.
    """

    needs_gramian: ClassVar[bool] = False
    """Whether `weigh` reads the Gramian of the tasks' gradients: a backward pass per task.

    Such weights hold only for parameters that tasks share. Parameters of one task are trained on
    its plain loss, so weights may be zero or negative.
    """

    needs_updated_losses: ClassVar[bool] = False
    """Whether `after_step` reads the losses after the step: another forward pass."""

    def initial_state(self, seeds: Sequence[int]) -> WeightingState:
        """Return the tensors [T] of one candidate that no gradient changes, as they begin.

        `seeds` holds one number for each task. A random tensor begins with them, so that what a
        task draws depends on no other task.
        """
        return {}

    def trainable_state(self, tasks: int) -> WeightingState:
        """Return the tensors [T] of one candidate that are trained as well, as they begin."""
        return {}

    @abc.abstractmethod
    def weigh(
        self,
        losses: Tensor,
        gramian: Tensor | None,
        state: WeightingState,
    ) -> Tensor:
        """Return weights [K, T] for losses[K, T].

        `gramian[K, T, T]` holds the inner products of the tasks' gradients on shared parameters, if
        this weighting needs them. `state` holds the tensors [K, T] of both kinds.
        """

    def penalty(self, state: WeightingState) -> Tensor:
        """Return what is added to the weighted sum of losses: [K], or one scalar for all."""
        return torch.zeros(())

    def after_step(
        self,
        losses: Tensor,
        updated_losses: Tensor | None,
        state: WeightingState,
    ) -> WeightingState:
        """Return the tensors of the initial state that a step changes.

        `losses[K, T]` are those of the step, detached.

        `updated_losses[K, T]`, if this weighting needs them, are the losses of the same rows and
        dropout masks with the parameters after the step.
        """
        return {}

    def after_epoch(self, losses: Tensor, state: WeightingState) -> WeightingState:
        """Return the tensors of the initial state that an epoch changes.

        The detached losses[K, T] are means over the epoch's steps.
        """
        return {}
