"""A multi-layer perceptron of the mean of the tokens' vectors: for texts whose order says little.

See Iyyer et al. 2015 (doi:10.3115/v1/P15-1162).
"""

from dataclasses import dataclass, field

from torch import Tensor, nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.masking import mean_over_positions
from mtlsearch.backbones.settings import PER_MEMBER, Rate, Width, dropout_layers
from mtlsearch.inputs import TokenSchema, WordSchema


class MeanEmbedding(nn.Module):
    """The mean of the vectors of a text's tokens."""

    elementwise = True

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding

    def forward(self, tokens: Tensor) -> Tensor:
        """Map [B, S] to [B, F]; zeros for a text without a token."""
        vectors = self.embedding(tokens)
        is_token = tokens > 0
        return mean_over_positions(vectors, is_token)


@dataclass(frozen=True)
class EmbeddingBag(Backbone):
    """A stage is Linear - ReLU - Dropout; before the first, the means are layer-normalised."""

    takes = (TokenSchema, WordSchema)

    width: Width = 64
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)

    def stem(self, schema: TokenSchema) -> nn.Module:
        """Map tokens [B, S] to [B, width]."""
        embedding = nn.Embedding(schema.vocabulary + 1, self.width)
        norm = nn.LayerNorm(self.width)
        return nn.Sequential(MeanEmbedding(embedding), norm)

    def stage(self, level: int) -> nn.Module:
        """Map [B, width] to [B, width]."""
        linear = nn.Linear(self.width, self.width)
        dropout = dropout_layers(self.dropout)
        return nn.Sequential(linear, nn.ReLU(), *dropout)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Map [B, width] to [B, outputs]."""
        return nn.Linear(self.width, outputs)
