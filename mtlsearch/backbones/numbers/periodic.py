"""Periodic embeddings of numbers.

See Gorishniy et al. 2022 (arXiv:2203.05556) and, for `lite`, Gorishniy et al. 2024
(arXiv:2307.14338).
"""

import math
from dataclasses import dataclass, field
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.numbers.contract import Numbers
from mtlsearch.backbones.numbers.scaling import Scaling
from mtlsearch.backbones.separate_linear import separate_linear
from mtlsearch.backbones.settings import PER_MEMBER


class Waves(nn.Module):
    """The cosines and sines of each number times frequencies of its own."""

    elementwise = True
    stacks_parameters = True

    def __init__(self, numbers: int, frequencies: int) -> None:
        super().__init__()
        self.numbers = numbers
        self.frequencies = frequencies
        self.weight = nn.Parameter(torch.zeros(numbers, frequencies))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, numbers] to [B, numbers, 2 * frequencies]."""
        angle = 2 * math.pi * self.weight.unsqueeze(-3) * x.unsqueeze(-1)
        return torch.cat([torch.cos(angle), torch.sin(angle)], -1)


class WaveVectors(nn.Module):
    """A vector of each number, made of its waves, one number after another."""

    elementwise = True

    def __init__(
        self,
        waves: nn.Module,
        linear: nn.Module,
        activation: nn.Module,
    ) -> None:
        super().__init__()
        self.waves = waves
        self.linear = linear
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, numbers] to [B, numbers * size]."""
        vectors: Tensor = self.activation(self.linear(self.waves(x)))
        return vectors.flatten(-2)


@dataclass(frozen=True)
class Periodic(Numbers):
    """Each number is `width` features: ReLU(Linear([cos, sin](2 pi c x))), the paper's PLR.

    Each number has `frequencies` c of its own, which are trained and begin with a standard
    deviation of `sigma`. It has a linear layer of its own as well or, with `lite`, the one that all
    numbers share.
    """

    scaling: Scaling = "standard"
    frequencies: Annotated[int, Field(ge=1, le=1024)] = 16
    width: Annotated[int, Field(ge=1, le=1024)] = 8
    sigma: Annotated[float, Field(gt=0.0, le=1000.0)] = field(default=0.1, metadata=PER_MEMBER)
    lite: bool = False

    @property
    def size(self) -> int:
        """The width of a vector."""
        return self.width

    @property
    def changes(self) -> bool:
        """Always."""
        return True

    def vectors(self, numbers: int) -> nn.Module:
        """Return a module that maps [B, numbers] to [B, numbers * width]."""
        waves = Waves(numbers, self.frequencies)
        bound = 3 * self.sigma
        nn.init.trunc_normal_(
            waves.weight,
            std=self.sigma,
            a=-bound,
            b=bound,
        )
        phases = 2 * self.frequencies
        linear: nn.Module
        if self.lite:
            linear = nn.Linear(phases, self.width)
        else:
            linear = separate_linear(numbers, phases, self.width)
        return WaveVectors(waves, linear, nn.ReLU())
