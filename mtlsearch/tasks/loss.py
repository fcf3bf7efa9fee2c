"""The training loss of a task, with missing labels left out and rare or hard rows emphasised."""

from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.tasks.contract import TaskKind

LEAST_MISS = 1e-12  # below it a power of the missed probability has no finite slope


@dataclass(frozen=True)
class Emphasis:
    """How much the rows of a classification task count in its loss.

    Attributes:
        class_weights: The weight of each class, [*H, C].
        focal: The exponents gamma of the focal loss, [*H]; 0 for none.
    """

    class_weights: Tensor
    focal: Tensor

    def apply(self, losses: Tensor, target: Tensor) -> Tensor:
        """Return the losses [*H, B], which are negative log likelihoods of classes target[*H, B].

        They are multiplied by the weight of the class and by (1 - p)^gamma, where p is the
        likelihood (Lin et al. 2017, arXiv:1708.02002). A weight of 1 and a gamma of 0 change
        nothing, to the last bit.
        """
        weights = self.class_weights.gather(-1, target.long())
        missed = -torch.expm1(-losses)
        hardness = missed.clamp(min=LEAST_MISS) ** self.focal[..., None]
        return losses * weights * hardness


def task_loss(
    kind: TaskKind,
    output: Tensor,
    target: Tensor,
    emphasis: Emphasis | None = None,
) -> Tensor:
    """Return the mean loss [*H] over the labelled rows; 0 when no row is labelled.

    `output` is [*H, B, C]; `target` is [*H, B], NaN where a label is missing. The rows are summed
    in float64: the order in which torch adds depends on H, and a loss must not depend on who is
    computed with it.
    """
    output = output.to(target.dtype)  # of another dtype only in training steps in bfloat16
    missing = target.isnan()
    filled = target.masked_fill(missing, 0.0)
    losses = kind.loss(output, filled)
    if emphasis is not None:
        losses = emphasis.apply(losses, filled)
    kept = losses.masked_fill(missing, 0.0)

    total = kept.sum(-1, dtype=torch.float64)
    count = (~missing).sum(-1)
    mean = total / count.clamp(min=1)
    return mean.to(output.dtype)
