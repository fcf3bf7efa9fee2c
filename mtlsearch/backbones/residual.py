"""A residual network for tables, of pre-normalised blocks with two layers.

See Gorishniy et al. 2021 (arXiv:2106.11959).
"""

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.settings import PER_MEMBER, EmbeddingFactor, Rate, Width, dropout_layers
from mtlsearch.inputs import TableSchema


class ResidualBlock(nn.Module):
    """Adds what `body` computes to its input."""

    elementwise = True

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, F] to [B, F]."""
        out: Tensor = h + self.body(h)
        return out


@dataclass(frozen=True)
class Residual(Backbone):
    """A stage is h + Linear(Dropout(ReLU(Linear(LayerNorm(h))))).

    The inner layer is `expansion` times as wide.
    """

    takes = (TableSchema,)

    width: Width = 64
    expansion: Annotated[int, Field(ge=1, le=16)] = 2
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)
    embedding_factor: EmbeddingFactor = 1.0

    def stem(self, schema: TableSchema) -> nn.Module:
        """Return a module that maps [B, features] to [B, width]."""
        return nn.Linear(schema.features, self.width)

    def stage(self, level: int) -> nn.Module:
        """Return a module that maps [B, width] to [B, width]."""
        inner_width = self.width * self.expansion
        body = nn.Sequential(
            nn.LayerNorm(self.width),
            nn.Linear(self.width, inner_width),
            nn.ReLU(),
            *dropout_layers(self.dropout),
            nn.Linear(inner_width, self.width),
        )
        return ResidualBlock(body)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Return a module that maps [B, width] to [B, outputs]."""
        norm = nn.LayerNorm(self.width)
        linear = nn.Linear(self.width, outputs)
        return nn.Sequential(norm, nn.ReLU(), linear)
