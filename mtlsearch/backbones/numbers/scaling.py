"""Scalings of numbers: fixed functions whose constants are fitted to the training rows."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from mtlsearch.arrays import Array
from mtlsearch.backbones.numbers.training_numbers import KNOTS, TrainingNumbers

Scaling = Literal["standard", "robust", "quantile"]

CLIP = 3.0
"""The magnitude that a robustly scaled number stays below."""

SMALLEST_GAP = 1e-30
"""What a gap of 0 between two knots is taken for."""


class RobustScaling(nn.Module):
    """Scales numbers by their quartiles and clips them smoothly.

    See Holzmueller et al. 2024 (arXiv:2407.04491): z / sqrt(1 + (z / 3)^2), where z = (x - median)
    / (distance between the quartiles).
    """

    elementwise = True
    stacks_buffers = True
    centre: Tensor
    factor: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.register_buffer("centre", torch.zeros(numbers))
        self.register_buffer("factor", torch.ones(numbers))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, numbers] to the same shape."""
        centred = x - self.centre.unsqueeze(-2)
        scaled = centred * self.factor.unsqueeze(-2)
        ratio = scaled / CLIP
        return scaled / torch.sqrt(1 + ratio * ratio)


class QuantileScaling(nn.Module):
    """Maps numbers so that those of the training rows are normally distributed.

    At the knots it is `lowest`, `lowest + distance`, and so on. Between them it interpolates
    linearly, and beyond them it is constant.
    """

    elementwise = True
    stacks_buffers = True
    knots: Tensor
    lowest: Tensor
    distance: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.register_buffer("knots", torch.zeros(numbers, KNOTS))
        self.register_buffer("lowest", torch.zeros(numbers))
        self.register_buffer("distance", torch.zeros(numbers))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, numbers] to the same shape."""
        x = torch.maximum(x, self.knots[..., 0].unsqueeze(-2))
        x = torch.minimum(x, self.knots[..., -1].unsqueeze(-2))
        # All knots as one row, in which each number has the place of its first one.
        knots = self.knots.flatten()
        first = torch.arange(0, len(knots), KNOTS, device=x.device)
        first = first.reshape(self.lowest.shape).unsqueeze(-2)
        lower = torch.zeros_like(x, dtype=torch.int64) + first
        step = KNOTS // 2
        while step:
            middle = lower + step
            lower = torch.where(x >= knots[middle], middle, lower)
            step //= 2
        left = knots[lower]
        gap = knots[lower + 1] - left
        share = (x - left) / gap.clamp(min=SMALLEST_GAP)
        place = (lower - first) + share
        return self.lowest.unsqueeze(-2) + place * self.distance.unsqueeze(-2)


def _standard(training: TrainingNumbers) -> nn.Module:
    """Return a module that leaves numbers as the preparation makes them."""
    return nn.Identity()


def _robust(training: TrainingNumbers) -> nn.Module:
    scaling = RobustScaling(len(training.places))
    _fill(scaling.centre, training.spread.centre)
    _fill(scaling.factor, training.spread.factor)
    return scaling


def _quantile(training: TrainingNumbers) -> nn.Module:
    scaling = QuantileScaling(len(training.places))
    _fill(scaling.knots, training.quantiles.knots)
    _fill(scaling.lowest, training.quantiles.lowest)
    _fill(scaling.distance, training.quantiles.distance)
    return scaling


def _fill(buffer: Tensor, numbers: Array) -> None:
    buffer.copy_(torch.from_numpy(numbers))


SCALINGS: dict[Scaling, Callable[[TrainingNumbers], nn.Module]] = {
    "standard": _standard,
    "robust": _robust,
    "quantile": _quantile,
}
