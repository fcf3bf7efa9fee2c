"""A small residual network for images, of pre-activated blocks with group norm.

See He et al. 2016 (arXiv:1603.05027) and Wu & He 2018 (arXiv:1803.08494).
"""

import math
from dataclasses import dataclass, field

from torch import Tensor, nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.settings import PER_MEMBER, PositionWidth, Rate, dropout_layers
from mtlsearch.inputs import ImageSchema

LARGE = 32
"""The pixels a side from which on the stem halves an image at once."""

SMALL = 8
"""The pixels a side under which a stage leaves the size as it is."""

GROUPS = 8
"""The number of groups of channels that are normalised, where it divides the width."""


def halved(h: Tensor) -> Tensor:
    """Return the means [..., H / 2, W / 2] of 2 x 2 pixels of h[..., H, W].

    An odd last row or column is left out.
    """
    height = h.shape[-2] // 2 * 2
    width = h.shape[-1] // 2 * 2
    h = h[..., :height, :width]
    upper_left = h[..., ::2, ::2]
    upper_right = h[..., ::2, 1::2]
    lower_left = h[..., 1::2, ::2]
    lower_right = h[..., 1::2, 1::2]
    return (upper_left + upper_right + lower_left + lower_right) / 4


class ConvBlock(nn.Module):
    """Adds what `body` computes to its input, then halves the image unless it is small already."""

    elementwise = True

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, F, H, W] to [B, F, H / 2, W / 2], or to the same shape."""
        out: Tensor = h + self.body(h)
        if min(out.shape[-2:]) < SMALL:
            return out
        return halved(out)


class PooledHead(nn.Module):
    """Shows `linear` the mean over the image."""

    elementwise = True

    def __init__(self, norm: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.linear = linear

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, F, H, W] to [B, outputs]."""
        active = self.norm(h).relu()
        mean = active.mean((-2, -1))
        out: Tensor = self.linear(mean)
        return out


@dataclass(frozen=True)
class Conv(Backbone):
    """A stage is h + Conv(ReLU(GroupNorm(Conv(ReLU(GroupNorm(h)))))), 3 x 3 each.

    Then it takes the means of 2 x 2 pixels, as long as there are 8 a side.
    """

    takes = (ImageSchema,)
    feature_axis = -3

    width: PositionWidth = 32
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)

    def stem(self, schema: ImageSchema) -> nn.Module:
        """Return a module that maps [B, C, H, W] to [B, width, H, W], or large images to half."""
        is_large = min(schema.height, schema.width) >= LARGE
        stride = 2 if is_large else 1
        return nn.Conv2d(schema.channels, self.width, 3, stride=stride, padding=1)

    def stage(self, level: int) -> nn.Module:
        """Return a module that maps [B, width, H, W] to half the size, or to the same if small."""
        first = self._convolution()
        second = self._convolution()
        body = nn.Sequential(
            self._norm(),
            nn.ReLU(),
            first,
            self._norm(),
            nn.ReLU(),
            *dropout_layers(self.dropout),
            second,
        )
        return ConvBlock(body)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Return a module that maps [B, width, H, W] to [B, outputs]."""
        return PooledHead(self._norm(), nn.Linear(self.width, outputs))

    def _convolution(self) -> nn.Module:
        return nn.Conv2d(self.width, self.width, 3, padding=1, bias=False)

    def _norm(self) -> nn.Module:
        groups = math.gcd(self.width, GROUPS)
        return nn.GroupNorm(groups, self.width)
