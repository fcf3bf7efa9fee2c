"""The loss of each kind of task, with missing labels masked."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mtlsearch.tasks.task import Kind

Loss = Callable[[Tensor, Tensor], Tensor]


def _squared(output: Tensor, target: Tensor) -> Tensor:
    return (output[..., 0] - target).square()


def _binary(output: Tensor, target: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(output[..., 0], target, reduction="none")


def _multiclass(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(
        output.movedim(-1, 1), target.long(), reduction="none"
    )  # far quicker than classes last


LOSSES: dict[Kind, Loss] = {"regression": _squared, "binary": _binary, "multiclass": _multiclass}


def task_loss(kind: Kind, output: Tensor, target: Tensor) -> Tensor:
    """Mean loss over the labelled rows; 0 when no row is labelled. output[*H, B, C], target[*H, B] (NaN: missing) -> [*H].

    Summed in float64: the order in which torch adds depends on H, and a loss must not depend on who is computed with it.
    """
    output = output.to(target.dtype)  # which it is but for the training steps in bfloat16
    labelled = ~torch.isnan(target)
    each = LOSSES[kind](output, torch.where(labelled, target, 0.0))
    total = torch.where(labelled, each, 0.0).sum(-1, dtype=torch.float64)
    return (total / labelled.sum(-1).clamp(min=1)).to(output.dtype)
