"""Positions that a sequence or text does not have. An exported model holds copies of these
functions.

A mask is bool [..., S]: the positions that are there. None stands for all of them.
"""

from torch import Tensor


def zero_absent(vectors: Tensor, mask: Tensor | None) -> Tensor:
    """Return the vectors [..., S, F] with zeros at the positions that are not there."""
    if mask is None:
        return vectors
    absent = ~mask[..., None]
    return vectors.masked_fill(absent, 0.0)


def mean_over_positions(vectors: Tensor, mask: Tensor | None) -> Tensor:
    """Return the mean [..., F] of the vectors [..., S, F] that are there; zeros where none is."""
    if mask is None:
        return vectors.mean(-2)
    total = zero_absent(vectors, mask).sum(-2)
    count = mask.sum(-1, keepdim=True)
    return total / count.clamp(min=1).to(vectors.dtype)
