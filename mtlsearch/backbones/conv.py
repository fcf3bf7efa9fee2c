"""A small residual network for images: pre-activated blocks (He et al. 2016) with group norm (Wu & He 2018)."""

import math
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from mtlsearch.inputs.schema import Images, InputKind

LARGE = 32  # pixels a side, from which on the stem halves an image at once
SMALL = 8  # pixels a side, under which a stage leaves the size as it is


def halved(h: Tensor) -> Tensor:
    """[..., H, W] -> [..., H / 2, W / 2]: the means of 2 x 2 pixels; an odd last row or column is left out."""
    h = h[..., : h.shape[-2] // 2 * 2, : h.shape[-1] // 2 * 2]
    return (h[..., ::2, ::2] + h[..., ::2, 1::2] + h[..., 1::2, ::2] + h[..., 1::2, 1::2]) / 4


class ConvBlock(nn.Module):
    """Adds what `body` computes to its input, then halves the image unless it is small already."""

    elementwise = True

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, h: Tensor) -> Tensor:
        """[B, F, H, W] -> [B, F, H / 2, W / 2], or the same."""
        out = h + self.body(h)
        return halved(out) if min(out.shape[-2:]) >= SMALL else out


class PooledHead(nn.Module):
    """The mean over the image, then `linear`."""

    elementwise = True

    def __init__(self, norm: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.norm, self.linear = norm, linear

    def forward(self, h: Tensor) -> Tensor:
        """[B, F, H, W] -> [B, outputs]."""
        out: Tensor = self.linear(self.norm(h).relu().mean((-2, -1)))
        return out


@dataclass(frozen=True)
class Conv:
    """A stage is h + Conv(ReLU(GroupNorm(Conv(ReLU(GroupNorm(h)))))), 3 x 3 each, then the means of 2 x 2 pixels while there
    are 8 a side.
    """

    takes: ClassVar[tuple[InputKind, ...]] = ("images",)

    width: Annotated[int, Field(ge=1, le=4096)] = 32
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )

    def stem(self, features: Images) -> nn.Module:
        """[B, C, H, W] -> [B, width, H, W], or half of that for an image of 32 pixels a side and more."""
        stride = 2 if min(features.height, features.width) >= LARGE else 1
        return nn.Conv2d(features.channels, self.width, 3, stride=stride, padding=1)

    def stage(self, level: int) -> nn.Module:
        """[B, width, H, W] -> [B, width, H / 2, W / 2], or the same of a small image."""
        drop = [nn.Dropout(self.dropout)] if self.dropout else []
        first, second = (
            nn.Conv2d(self.width, self.width, 3, padding=1, bias=False) for _ in range(2)
        )
        return ConvBlock(
            nn.Sequential(self._norm(), nn.ReLU(), first, self._norm(), nn.ReLU(), *drop, second)
        )

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, width, H, W] -> [B, outputs]."""
        return PooledHead(self._norm(), nn.Linear(self.width, outputs))

    def _norm(self) -> nn.Module:
        return nn.GroupNorm(math.gcd(self.width, 8), self.width)
