"""For texts whose order matters little: the mean of the tokens' vectors, then a multi-layer perceptron (Iyyer et al. 2015)."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.masking import marked, mean_over
from mtlsearch.inputs.schema import InputKind, Tokens


class MeanEmbedding(nn.Module):
    """The mean of the vectors of the tokens that are there."""

    elementwise = True

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, S] -> [B, F]; zeros where there is no token at all."""
        vectors: Tensor = self.embedding(tokens)
        return mean_over(vectors, marked(tokens, vectors))


@dataclass(frozen=True)
class EmbeddingBag:
    """A stage is Linear - ReLU - Dropout; before the first, the means are layer-normalised."""

    takes: ClassVar[tuple[InputKind, ...]] = ("tokens",)

    width: Annotated[int, Field(ge=1, le=65536)] = 64
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )

    def stem(self, features: Tokens) -> nn.Module:
        """[B, S] -> [B, width]."""
        embedding = nn.Embedding(features.vocabulary + 1, self.width)
        return nn.Sequential(MeanEmbedding(embedding), nn.LayerNorm(self.width))

    def stage(self, level: int) -> nn.Module:
        """[B, width] -> [B, width]."""
        drop = [nn.Dropout(self.dropout)] if self.dropout else []
        return nn.Sequential(nn.Linear(self.width, self.width), nn.ReLU(), *drop)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, width] -> [B, outputs]."""
        return nn.Linear(self.width, outputs)
