"""The residual network of 18 layers for images (He et al. 2016, arXiv:1512.03385), with group norm (Wu & He 2018)."""

import math
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from mtlsearch.inputs.schema import Images, InputKind

LARGE = 64  # pixels a side, from which on the stem makes an image a quarter of its size
SMALL = 32  # pixels a side, under which the stem leaves the size as it is
DOUBLINGS = 3  # levels that double the channels and halve the image: those after the first
BLOCKS = 2  # a level
CHANNELS = 16  # that are normalised together, or more


class BasicBlock(nn.Module):
    """The ReLU of what `body` and `shortcut` make of the input together."""

    elementwise = True

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, h: Tensor) -> Tensor:
        """[B, F, H, W] -> [B, G, H, W], or half the size."""
        out: Tensor = (self.body(h) + self.shortcut(h)).relu()
        return out


class MeanLinear(nn.Module):
    """Shows `linear` the mean over the image."""

    elementwise = True

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, h: Tensor) -> Tensor:
        """[B, F, H, W] -> [B, outputs]."""
        out: Tensor = self.linear(h.mean((-2, -1)))
        return out


@dataclass(frozen=True)
class ResNet18:
    """A stage is two blocks ReLU(h + GroupNorm(Conv(Dropout(ReLU(GroupNorm(Conv(h))))))), 3 x 3 each.

    Levels 2 to 4 double the channels, of which the first has `width`, and halve the image; later ones leave both. Four levels
    with 64 channels are the paper's network but for its batch norm: means over a batch would depend on who else is in it.
    """

    takes: ClassVar[tuple[InputKind, ...]] = ("images",)

    width: Annotated[int, Field(ge=2, le=1024)] = 64
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )

    def stem(self, features: Images) -> nn.Module:
        """[B, C, H, W] -> [B, width, H / 4, W / 4]; half the size from 32 pixels a side, the same under these."""
        side = min(features.height, features.width)
        kernel, stride = (7, 2) if side >= SMALL else (3, 1)
        pool = [nn.MaxPool2d(3, stride=2, padding=1)] if side >= LARGE else []
        convolution = nn.Conv2d(
            features.channels, self.width, kernel, stride=stride, padding=kernel // 2, bias=False
        )
        return nn.Sequential(convolution, _norm(self.width), nn.ReLU(), *pool)

    def stage(self, level: int) -> nn.Module:
        """[B, F, H, W] -> [B, F, H, W] on the first level, [B, 2 F, H / 2, W / 2] on the next three."""
        channels = self._channels(level)
        first = self._block(channels // 2 if 0 < level <= DOUBLINGS else channels, channels)
        return nn.Sequential(first, *(self._block(channels, channels) for _ in range(BLOCKS - 1)))

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, F, H, W] -> [B, outputs]."""
        return MeanLinear(nn.Linear(self._channels(levels - 1), outputs))

    def _channels(self, level: int) -> int:
        return self.width << min(level, DOUBLINGS)

    def _block(self, before: int, channels: int) -> nn.Module:
        stride = channels // before
        drop = [nn.Dropout(self.dropout)] if self.dropout else []
        body = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride=stride, padding=1, bias=False),
            *(_norm(channels), nn.ReLU(), *drop),
            *(nn.Conv2d(channels, channels, 3, padding=1, bias=False), _norm(channels)),
        )
        if stride == 1:
            return BasicBlock(body, nn.Identity())
        return BasicBlock(
            body,
            nn.Sequential(
                nn.Conv2d(before, channels, 1, stride=stride, bias=False), _norm(channels)
            ),
        )


def _norm(channels: int) -> nn.Module:
    return nn.GroupNorm(math.gcd(max(1, channels // CHANNELS), channels), channels)
