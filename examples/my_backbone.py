"""A backbone of one's own for tables: each level adds what its features make of each other."""

from dataclasses import dataclass, field
from typing import ClassVar

from torch import Tensor, nn

from mtlsearch.backbones import Backbone
from mtlsearch.inputs import TableSchema


class Products(nn.Module):
    """Adds the product of two linear maps to its input."""

    elementwise = (
        True  # only children and elementwise operations: so networks are stacked the fast way
    )

    def __init__(self, first: nn.Module, second: nn.Module, dropout: nn.Module) -> None:
        super().__init__()
        self.first, self.second, self.dropout = (
            first,
            second,
            dropout,
        )  # under the arguments' names: so it can be exported

    def forward(self, h: Tensor) -> Tensor:
        """[B, F] -> [B, F]."""
        return h + self.dropout(self.first(h).tanh() * self.second(h))


@dataclass(frozen=True)
class Crossed(Backbone):
    """Its fields are its keys in the YAML file."""

    takes: ClassVar = (TableSchema,)

    width: int = 32
    dropout: float = field(default=0.0, metadata={"per": "member"})

    def stem(self, schema: TableSchema) -> nn.Module:
        """[B, features] -> [B, width]."""
        return nn.Linear(schema.features, self.width)

    def stage(self, level: int) -> nn.Module:
        """[B, width] -> [B, width]."""
        first, second = nn.Linear(self.width, self.width), nn.Linear(self.width, self.width)
        return Products(first, second, nn.Dropout(self.dropout) if self.dropout else nn.Identity())

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, width] -> [B, outputs]."""
        return nn.Sequential(nn.LayerNorm(self.width), nn.Linear(self.width, outputs))


BACKBONES = {"crossed": Crossed}  # the names for the YAML file
