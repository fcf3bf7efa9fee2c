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

SMALLEST_DISTANCE = 1e-30
"""What a distance of 0 between two knots is taken for."""


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

    It interpolates linearly between `knots`, at which it is `levels`, and is constant beyond.
    """

    elementwise = True
    stacks_buffers = True
    knots: Tensor
    levels: Tensor

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.register_buffer("knots", torch.zeros(numbers, KNOTS))
        self.register_buffer("levels", torch.zeros(numbers, KNOTS))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, numbers] to the same shape."""
        columns = x.transpose(-2, -1)
        columns = torch.maximum(columns, self.knots[..., :1])
        columns = torch.minimum(columns, self.knots[..., -1:])
        axis = self.knots.dim() - 1
        lower = torch.zeros_like(columns, dtype=torch.int64)
        step = KNOTS // 2
        while step:
            middle = lower + step
            is_above = columns >= self.knots.gather(axis, middle)
            lower = torch.where(is_above, middle, lower)
            step //= 2
        upper = lower + 1
        left = self.knots.gather(axis, lower)
        right = self.knots.gather(axis, upper)
        low = self.levels.gather(axis, lower)
        high = self.levels.gather(axis, upper)
        distance = (right - left).clamp(min=SMALLEST_DISTANCE)
        share = (columns - left) / distance
        scaled = low + share * (high - low)
        return scaled.transpose(-2, -1)


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
    _fill(scaling.levels, training.quantiles.levels)
    return scaling


def _fill(buffer: Tensor, numbers: Array) -> None:
    buffer.copy_(torch.from_numpy(numbers))


SCALINGS: dict[Scaling, Callable[[TrainingNumbers], nn.Module]] = {
    "standard": _standard,
    "robust": _robust,
    "quantile": _quantile,
}
