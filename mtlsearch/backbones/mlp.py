"""The plain multi-layer perceptron."""

from dataclasses import dataclass, field

from torch import nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.settings import PER_MEMBER, EmbeddingFactor, Rate, Width, dropout_layers
from mtlsearch.inputs import TableSchema


@dataclass(frozen=True)
class Mlp(Backbone):
    """A stage is Linear - [LayerNorm] - ReLU - Dropout, of the same width on every level."""

    takes = (TableSchema,)

    width: Width = 64
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)
    layer_norm: bool = False
    embedding_factor: EmbeddingFactor = 1.0

    def stem(self, schema: TableSchema) -> nn.Module:
        """Return a module that maps [B, features] to [B, width]."""
        linear = nn.Linear(schema.features, self.width)
        return nn.Sequential(linear, nn.ReLU())

    def stage(self, level: int) -> nn.Module:
        """Return a module that maps [B, width] to [B, width]."""
        linear = nn.Linear(self.width, self.width)
        norm = [nn.LayerNorm(self.width)] if self.layer_norm else []
        dropout = dropout_layers(self.dropout)
        return nn.Sequential(linear, *norm, nn.ReLU(), *dropout)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Return a module that maps [B, width] to [B, outputs]."""
        return nn.Linear(self.width, outputs)
