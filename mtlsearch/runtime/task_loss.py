"""The training loss of a task, with missing labels left out and rare or hard rows emphasised.

Needs torch only: an exported folder holds a copy of this file.
"""

from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

LEAST_MISS = 1e-12  # below it a power of the missed probability has no finite slope


class LossKind(Protocol):
    """What is asked of a kind of task."""

    labels_per_class: ClassVar[bool]

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each target for outputs [*H, B, C]."""
        ...

    def loss_of_others(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of the labels that label smoothing goes to."""
        ...


@dataclass(frozen=True)
class Emphasis:
    """How much the rows of a classification task count in its loss.

    Attributes:
        class_weights: The weight of each class, [*H, C]; of a set of C labels [*H, C, 2].
        focal: The exponents gamma of the focal loss, [*H]; 0 for none.
    """

    class_weights: Tensor
    focal: Tensor

    def apply(self, losses: Tensor, smoothed: Tensor, target: Tensor) -> Tensor:
        """Return smoothed losses [*H, B] as they count for rows of classes target[*H, B].

        `losses` are the negative log likelihoods of these classes. All are [*H, C, B] for a set of
        C labels. What is smoothed is multiplied by the weight of the class and by (1 - p)^gamma,
        where p is the likelihood (Lin et al. 2017, arXiv:1708.02002). A weight of 1 and a gamma of
        0 change nothing, to the last bit.
        """
        weights = self.class_weights.gather(-1, target.long())
        missed = -torch.expm1(-losses)
        exponents = _beside(self.focal, losses)
        hardness = missed.clamp(min=LEAST_MISS) ** exponents
        return smoothed * weights * hardness

    def of_members(self, members: int, labels_per_class: bool) -> "Emphasis":
        """Return the same for rows [*H, members], as which an ensemble's outputs are laid."""
        axis = -3 if labels_per_class else -2
        class_weights = _repeated(self.class_weights, members, axis)
        return Emphasis(class_weights, self.focal)


def task_loss(
    kind: LossKind,
    output: Tensor,
    target: Tensor,
    emphasis: Emphasis | None = None,
    smoothing: Tensor | None = None,
) -> Tensor:
    """Return the mean loss [*H] over the labels there are; 0 when there is none.

    `output` is [*H, B, C], or [*H, B, k, C] of an ensemble, whose loss is the mean of its k
    members'. `target` is [*H, B], or [*H, B, C] where a row has a label for each class, NaN where
    one is missing. `smoothing` [*H] is the share of a label's weight that goes to all classes, or
    in classes with an order to its neighbours; 0 changes nothing, to the last bit.

    Losses are summed in float64: the order in which torch adds depends on H, and a loss must not
    depend on who is computed with it.
    """
    output = output.to(target.dtype)  # of another dtype only in training steps in bfloat16
    axes_of_one = target.ndim if kind.labels_per_class else target.ndim + 1
    has_members = output.ndim > axes_of_one
    if has_members:
        members = output.shape[-2]
        output = output.movedim(-2, -3)  # [*H, k, B, C]
        target = _repeated(target, members, -3 if kind.labels_per_class else -2)
        if emphasis is not None:
            emphasis = emphasis.of_members(members, kind.labels_per_class)
    missing = target.isnan()
    filled = target.masked_fill(missing, 0.0)
    losses = kind.loss(output, filled)
    counted = losses
    if smoothing is not None:
        share = _beside(smoothing, losses)
        counted = (1 - share) * losses + share * kind.loss_of_others(output, filled)
    if kind.labels_per_class:
        by_row = (losses, counted, filled, missing)
        losses, counted, filled, missing = (x.transpose(-1, -2) for x in by_row)
    if emphasis is not None:
        counted = emphasis.apply(losses, counted, filled)
    kept = counted.masked_fill(missing, 0.0)
    if kind.labels_per_class:
        kept, missing = kept.flatten(-2), missing.flatten(-2)

    total = kept.sum(-1, dtype=torch.float64)
    count = (~missing).sum(-1)
    mean = total / count.clamp(min=1)
    if has_members:
        mean = mean.mean(-1)
    return mean.to(output.dtype)


def _beside(x: Tensor, losses: Tensor) -> Tensor:
    """Return x [*H] in a shape that goes with losses [*H, ...]."""
    trailing = [1] * (losses.ndim - x.ndim)
    return x.reshape(*x.shape, *trailing)


def _repeated(
    x: Tensor,
    times: int,
    axis: int,
) -> Tensor:
    """Return x with a new axis, counted from the last one, along which it is repeated."""
    widened = x.unsqueeze(axis)
    shape = list(widened.shape)
    shape[axis] = times
    return widened.expand(shape)
