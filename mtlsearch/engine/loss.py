"""The loss of each kind of task, with missing labels masked."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mtlsearch.data import Kind

Loss = Callable[[Tensor, Tensor], Tensor]


def _squared(output: Tensor, target: Tensor) -> Tensor:
    return (output[:, 0] - target).square()


def _binary(output: Tensor, target: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(output[:, 0], target, reduction="none")


def _multiclass(output: Tensor, target: Tensor) -> Tensor:
    return functional.cross_entropy(output, target.long(), reduction="none")


LOSSES: dict[Kind, Loss] = {"regression": _squared, "binary": _binary, "multiclass": _multiclass}


def task_loss(kind: Kind, output: Tensor, target: Tensor) -> Tensor:
    """Mean loss over the labelled rows, a scalar; 0 when no row is labelled. output[B, C], target[B] (NaN: missing)."""
    labelled = ~torch.isnan(target)
    each = LOSSES[kind](output, torch.where(labelled, target, torch.zeros_like(target)))
    return torch.where(labelled, each, torch.zeros_like(each)).sum() / labelled.sum().clamp(min=1)
