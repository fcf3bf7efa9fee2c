"""Encoders like BERT for texts, with the sizes and the weights of models of Hugging Face.

Source: Devlin et al. (2019, arXiv:1810.04805). The modules are plain torch modules; the
transformers library only reads the files.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.checkpoint import Shape, embedding_weights, layer_weights, shape_of
from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.masking import zero_absent
from mtlsearch.backbones.settings import PER_MEMBER, Rate
from mtlsearch.backbones.transformer import MeanHead, attend
from mtlsearch.errors import SpaceError
from mtlsearch.inputs import TokenSchema

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,
    "gelu_new": partial(nn.GELU, "tanh"),
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}


class PlacedWords(nn.Module):
    """Embeds each token, adds the vector of its position and normalises.

    `project` widens an embedding that is narrower than the encoder.
    """

    def __init__(
        self,
        embedding: nn.Module,
        places: nn.Module,
        norm: nn.Module,
        dropout: nn.Module,
        project: nn.Module,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.places = places
        self.norm = norm
        self.dropout = dropout
        self.project = project

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Map tokens [B, S] to [B, S, F]."""
        places = cast("Tensor", self.places.weight)[: tokens.shape[-1]]
        placed = self.embedding(tokens) + places
        words = self.dropout(self.norm(placed))
        return zero_absent(self.project(words), mask)


class SelfAttention(nn.Module):
    """What each position reads of those that are there."""

    elementwise = True

    def __init__(
        self,
        query: nn.Module,
        key_value: nn.Module,
        out: nn.Module,
        heads: int,
    ) -> None:
        super().__init__()
        self.query = query
        self.key_value = key_value
        self.out = out
        self.heads = heads

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        """Map [B, S, F] to [B, S, F]."""
        projections = torch.cat([self.query(h), self.key_value(h)], -1)
        read = attend(projections, mask, self.heads)
        out: Tensor = self.out(read)
        return out


class EncoderLayer(nn.Module):
    """Adds what attention reads and normalises, then the same with what `body` makes of each
    position.
    """

    elementwise = True

    def __init__(
        self,
        attention: nn.Module,
        norm: nn.Module,
        body: nn.Module,
        last_norm: nn.Module,
        dropout: nn.Module,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.norm = norm
        self.body = body
        self.last_norm = last_norm
        self.dropout = dropout

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        """Map [B, S, F] to [B, S, F]."""
        read = self.attention(h, mask)
        h = self.norm(h + self.dropout(read))
        h = self.last_norm(h + self.body(h))
        return zero_absent(h, mask)


class EncoderLayers(nn.Module):
    """Layers one after another, each of which is told which positions are there."""

    elementwise = True

    def __init__(self, layers: nn.Sequential) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        """Map [B, S, F] to [B, S, F]."""
        for layer in self.layers:
            h = layer(h, mask)
        return h


@dataclass(frozen=True)
class HuggingFace(Backbone):
    """A stage is `layers_per_stage` layers of the encoder, from the first. A head reads the mean
    over the positions.

    `config` is a model's name, or the whole path of a folder with `config.json`; without one, the
    encoder is a tiny BERT that is not trained. The model's weights are taken if it is `pretrained`;
    else they are drawn with its `initializer_range`, and there may be more layers than the model
    has. Attention weights are not dropped.
    """

    takes = (TokenSchema,)
    masked = True

    config: str = ""
    pretrained: bool = False
    layers_per_stage: Annotated[int, Field(ge=1, le=64)] = 1
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)

    def stem(self, schema: TokenSchema) -> nn.Module:
        """Map tokens [B, S] to [B, S, width]. Raises SpaceError."""
        shape = shape_of(self.config)
        if schema.length > shape.places:
            raise SpaceError(
                f"huggingface: the data has texts of {schema.length} places, "
                f"the encoder at most {shape.places}; "
                f"cut them, for a column of text by max_length: {shape.places}"
            )
        embedding = nn.Embedding(schema.vocabulary + 1, shape.embedding)
        places = nn.Embedding(shape.places, shape.embedding)
        if shape.embedding == shape.width:
            project: nn.Module = nn.Identity()
        else:
            project = nn.Linear(shape.embedding, shape.width)
        norm = nn.LayerNorm(shape.embedding, shape.epsilon)
        stem = PlacedWords(embedding, places, norm, self._dropout(), project)
        _draw_weights(stem, shape.spread)
        if self.pretrained:
            ids = list(schema.ids or range(1, schema.vocabulary + 1))
            _copy_weights(stem, embedding_weights(self.config, ids))
        return stem

    def stage(self, level: int) -> nn.Module:
        """Map [B, S, width] to [B, S, width]. Raises SpaceError."""
        first = level * self.layers_per_stage
        numbers = range(first, first + self.layers_per_stage)
        if self.pretrained:
            self._check_layers(numbers.stop, level)
        layers = [self._layer(number) for number in numbers]
        return EncoderLayers(nn.Sequential(*layers))

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Map [B, S, width] to [B, outputs]."""
        shape = shape_of(self.config)
        linear = nn.Linear(shape.width, outputs)
        return MeanHead(nn.Identity(), linear)

    def _check_layers(self, needed: int, level: int) -> None:
        """Raise SpaceError unless there is a pretrained model with so many layers."""
        if not self.config:
            raise SpaceError(
                "huggingface: pretrained: needs a config, the name or the folder of a model"
            )
        layers = shape_of(self.config).layers
        if needed > layers:
            raise SpaceError(
                f"huggingface: {self.config} has {layers} layers, too few for {level + 1} levels "
                "of this backbone"
            )

    def _layer(self, number: int) -> nn.Module:
        """Return one layer of the encoder, numbered from 0."""
        shape = shape_of(self.config)
        layer = EncoderLayer(
            attention=self._attention(shape),
            norm=nn.LayerNorm(shape.width, shape.epsilon),
            body=nn.Sequential(
                nn.Linear(shape.width, shape.inner),
                ACTIVATIONS[shape.activation](),
                nn.Linear(shape.inner, shape.width),
                self._dropout(),
            ),
            last_norm=nn.LayerNorm(shape.width, shape.epsilon),
            dropout=self._dropout(),
        )
        _draw_weights(layer, shape.spread)
        if self.pretrained:
            _copy_weights(layer, layer_weights(self.config, number))
        return layer

    def _attention(self, shape: Shape) -> nn.Module:
        query = nn.Linear(shape.width, shape.width)
        key_value = nn.Linear(shape.width, 2 * shape.width, bias=False)
        out = nn.Linear(shape.width, shape.width)
        return SelfAttention(query, key_value, out, shape.heads)

    def _dropout(self) -> nn.Module:
        return nn.Dropout(self.dropout) if self.dropout else nn.Identity()


@torch.no_grad()
def _copy_weights(module: nn.Module, weights: dict[str, Tensor]) -> None:
    for name, parameter in module.named_parameters():
        parameter.copy_(weights[name])


def _draw_weights(module: nn.Module, spread: float) -> None:
    """Draw the weights that a module begins with where it is not pretrained."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear | nn.Embedding):
            nn.init.normal_(layer.weight, std=spread)
        if isinstance(layer, nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
