"""The plain multi-layer perceptron: linear, optional layer norm, ReLU, dropout on every level."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field
from torch import nn

from mtlsearch.inputs.schema import InputKind


@dataclass(frozen=True)
class Mlp:
    """A stage is Linear - [LayerNorm] - ReLU - Dropout, of the same width on every level."""

    takes: ClassVar[tuple[InputKind, ...]] = ("table",)

    width: Annotated[int, Field(ge=1, le=65536)] = 64
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )
    layer_norm: bool = False

    def stem(self, features: int) -> nn.Module:
        """[B, features] -> [B, width]."""
        return nn.Sequential(nn.Linear(features, self.width), nn.ReLU())

    def stage(self, level: int) -> nn.Module:
        """[B, width] -> [B, width]."""
        norm = [nn.LayerNorm(self.width)] if self.layer_norm else []
        drop = [nn.Dropout(self.dropout)] if self.dropout else []
        return nn.Sequential(nn.Linear(self.width, self.width), *norm, nn.ReLU(), *drop)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, width] -> [B, outputs]."""
        return nn.Linear(self.width, outputs)
