"""A residual network for tables: pre-normalised two-layer blocks (Gorishniy et al. 2021, arXiv:2106.11959)."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from mtlsearch.inputs.schema import InputKind


class ResidualBlock(nn.Module):
    """Adds what `body` computes to its input."""

    elementwise = True

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, h: Tensor) -> Tensor:
        """[B, F] -> [B, F]."""
        out: Tensor = h + self.body(h)
        return out


@dataclass(frozen=True)
class Residual:
    """A stage is h + Linear(Dropout(ReLU(Linear(LayerNorm(h))))), the inner layer `expansion` times as wide."""

    takes: ClassVar[tuple[InputKind, ...]] = ("table",)

    width: Annotated[int, Field(ge=1, le=65536)] = 64
    expansion: Annotated[int, Field(ge=1, le=16)] = 2
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )

    def stem(self, features: int) -> nn.Module:
        """[B, features] -> [B, width]."""
        return nn.Linear(features, self.width)

    def stage(self, level: int) -> nn.Module:
        """[B, width] -> [B, width]."""
        inner = self.width * self.expansion
        drop = [nn.Dropout(self.dropout)] if self.dropout else []
        return ResidualBlock(
            nn.Sequential(
                nn.LayerNorm(self.width),
                nn.Linear(self.width, inner),
                nn.ReLU(),
                *drop,
                nn.Linear(inner, self.width),
            )
        )

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, width] -> [B, outputs]."""
        return nn.Sequential(nn.LayerNorm(self.width), nn.ReLU(), nn.Linear(self.width, outputs))
