"""The residual network of 18 layers for images, with group norm.

See He et al. 2016 (arXiv:1512.03385) and Wu & He 2018 (arXiv:1803.08494).
"""

import math
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.settings import PER_MEMBER, Rate, dropout_layers
from mtlsearch.inputs import ImageSchema

LARGE = 64
"""The pixels a side from which on the stem makes an image a quarter of its size."""

SMALL = 32
"""The pixels a side under which the stem leaves the size as it is."""

DOUBLINGS = 3
"""The number of levels, after the first, that double the channels and halve the image."""

BLOCKS = 2
"""The number of blocks of a level."""

CHANNELS = 16
"""The number of channels that are normalised together, at least."""


class BasicBlock(nn.Module):
    """The ReLU of what `body` and `shortcut` make of the input together."""

    elementwise = True

    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, F, H, W] to [B, G, H, W], or to half the size."""
        total: Tensor = self.body(h) + self.shortcut(h)
        return total.relu()


class MeanLinear(nn.Module):
    """Shows `linear` the mean over the image."""

    elementwise = True

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, F, H, W] to [B, outputs]."""
        mean = h.mean((-2, -1))
        out: Tensor = self.linear(mean)
        return out


@dataclass(frozen=True)
class ResNet18(Backbone):
    """A stage is two blocks ReLU(h + GroupNorm(Conv(Dropout(ReLU(GroupNorm(Conv(h))))))).

    Convolutions are 3 x 3. Levels 2 to 4 double the channels, of which the first has `width`, and
    halve the image; later ones leave both. Four levels with 64 channels are the paper's network but
    for its batch norm: means over a batch would depend on who else is in it.
    """

    takes = (ImageSchema,)
    feature_axis = -3

    width: Annotated[int, Field(ge=2, le=1024)] = 64
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)

    def stem(self, schema: ImageSchema) -> nn.Module:
        """Return a module that maps [B, C, H, W] to [B, width, H / 4, W / 4].

        It halves the size only from 32 pixels a side on, and leaves it under these.
        """
        side = min(schema.height, schema.width)
        kernel, stride = (7, 2) if side >= SMALL else (3, 1)
        convolution = nn.Conv2d(
            schema.channels,
            self.width,
            kernel,
            stride=stride,
            padding=kernel // 2,
            bias=False,
        )
        layers = [convolution, _norm(self.width), nn.ReLU()]
        if side >= LARGE:
            layers.append(nn.MaxPool2d(3, stride=2, padding=1))
        return nn.Sequential(*layers)

    def stage(self, level: int) -> nn.Module:
        """Return a module that maps [B, F, H, W] to the same shape.

        On the second to the fourth level it maps to [B, 2 F, H / 2, W / 2].
        """
        channels = self._channels(level)
        doubles = 0 < level <= DOUBLINGS
        channels_before = channels // 2 if doubles else channels
        blocks = [self._block(channels_before, channels)]
        for _ in range(BLOCKS - 1):
            blocks.append(self._block(channels, channels))
        return nn.Sequential(*blocks)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Return a module that maps [B, F, H, W] to [B, outputs]."""
        channels = self._channels(levels - 1)
        return MeanLinear(nn.Linear(channels, outputs))

    def _channels(self, level: int) -> int:
        return self.width << min(level, DOUBLINGS)

    def _block(self, channels_before: int, channels: int) -> nn.Module:
        stride = channels // channels_before
        body = nn.Sequential(
            nn.Conv2d(channels_before, channels, 3, stride=stride, padding=1, bias=False),
            _norm(channels),
            nn.ReLU(),
            *dropout_layers(self.dropout),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            _norm(channels),
        )
        if stride == 1:
            return BasicBlock(body, nn.Identity())
        projection = nn.Conv2d(channels_before, channels, 1, stride=stride, bias=False)
        shortcut = nn.Sequential(projection, _norm(channels))
        return BasicBlock(body, shortcut)


def _norm(channels: int) -> nn.Module:
    groups = math.gcd(max(1, channels // CHANNELS), channels)
    return nn.GroupNorm(groups, channels)
