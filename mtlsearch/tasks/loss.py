"""The training loss of a task, with missing labels left out."""

import torch
from torch import Tensor

from mtlsearch.tasks.contract import TaskKind


def task_loss(kind: TaskKind, output: Tensor, target: Tensor) -> Tensor:
    """Return the mean loss [*H] over the labelled rows; 0 when no row is labelled.

    `output` is [*H, B, C]; `target` is [*H, B], NaN where a label is missing. The rows are summed
    in float64: the order in which torch adds depends on H, and a loss must not depend on who is
    computed with it.
    """
    output = output.to(target.dtype)  # of another dtype only in training steps in bfloat16
    missing = target.isnan()
    filled = target.masked_fill(missing, 0.0)
    losses = kind.loss(output, filled)
    kept = losses.masked_fill(missing, 0.0)

    total = kept.sum(-1, dtype=torch.float64)
    count = (~missing).sum(-1)
    mean = total / count.clamp(min=1)
    return mean.to(output.dtype)
