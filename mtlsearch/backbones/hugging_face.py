"""Encoders like BERT (Devlin et al. 2019, arXiv:1810.04805) for texts, with the sizes and the weights of models of Hugging Face.

They are plain torch modules: the transformers library only reads the files. What flows between levels is [B, S, F + 1], of which
the last number is not 0 for the places that are there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.checkpoint import embedding_weights, layer_weights, shape_of
from mtlsearch.backbones.masking import marked
from mtlsearch.backbones.transformer import MeanHead, attended
from mtlsearch.errors import SpaceError
from mtlsearch.inputs.schema import InputKind, Tokens

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,
    "gelu_new": partial(nn.GELU, "tanh"),
    "relu": nn.ReLU,
    "silu": nn.SiLU,
}


class PlacedWords(nn.Module):
    """Embeds every token, adds what its place adds and normalises. `project` widens an embedding that is narrower."""

    def __init__(
        self,
        embedding: nn.Module,
        places: nn.Module,
        norm: nn.Module,
        dropout: nn.Module,
        project: nn.Module,
    ) -> None:
        super().__init__()
        self.embedding, self.places, self.norm = embedding, places, norm
        self.dropout, self.project = dropout, project

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, S] -> [B, S, F + 1]."""
        places = cast("Tensor", self.places.weight)[: tokens.shape[-1]]
        vectors = self.project(self.dropout(self.norm(self.embedding(tokens) + places)))
        there = marked(tokens, vectors)
        return torch.cat([vectors * there, there], -1)


class EncoderLayer(nn.Module):
    """Adds what each place takes from those there are, normalises, and the same with what `body` makes of each."""

    elementwise = True

    def __init__(
        self,
        query: nn.Module,
        key_value: nn.Module,
        out: nn.Module,
        norm: nn.Module,
        body: nn.Module,
        last_norm: nn.Module,
        dropout: nn.Module,
        heads: int,
    ) -> None:
        super().__init__()
        self.query, self.key_value, self.out, self.norm = query, key_value, out, norm
        self.body, self.last_norm, self.dropout, self.heads = body, last_norm, dropout, heads

    def forward(self, h: Tensor) -> Tensor:
        """[B, S, F + 1] -> the same."""
        x, mark = h[..., :-1], h[..., -1:]
        there = mark != 0
        taken = attended(torch.cat([self.query(x), self.key_value(x)], -1), there, self.heads)
        x = self.norm(x + self.dropout(self.out(taken)))
        return torch.cat([self.last_norm(x + self.body(x)) * there, mark], -1)


@dataclass(frozen=True)
class HuggingFace:
    """A stage is `layers_per_stage` layers of the encoder, from the first; a head reads the mean over the places there are.

    `config` is a model's name, or the whole path of a folder with `config.json` (none: a tiny BERT that is not trained). Its
    weights are taken if it is `pretrained`, and else drawn with its `initializer_range`; then there may be more layers
    than it has. Attention weights are not dropped.
    """

    takes: ClassVar[tuple[InputKind, ...]] = ("tokens",)

    config: str = ""
    pretrained: bool = False
    layers_per_stage: Annotated[int, Field(ge=1, le=64)] = 1
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )

    def stem(self, features: Tokens) -> nn.Module:
        """[B, S] -> [B, S, width + 1]. Raises SpaceError."""
        shape = shape_of(self.config)
        if features.length > shape.places:
            raise SpaceError(
                f"huggingface: the data has texts of {features.length} places, the encoder at most {shape.places}"
            )
        embedding, places = (
            nn.Embedding(features.vocabulary + 1, shape.embedding),
            nn.Embedding(shape.places, shape.embedding),
        )
        narrow = shape.embedding != shape.width
        project = nn.Linear(shape.embedding, shape.width) if narrow else nn.Identity()
        norm = nn.LayerNorm(shape.embedding, shape.epsilon)
        stem = _drawn(PlacedWords(embedding, places, norm, self._dropped(), project), shape.spread)
        if self.pretrained:
            ids = list(features.ids or range(1, features.vocabulary + 1))
            _adopt(stem, embedding_weights(self.config, ids))
        return stem

    def stage(self, level: int) -> nn.Module:
        """[B, S, width + 1] -> the same. Raises SpaceError."""
        first, many = level * self.layers_per_stage, shape_of(self.config).layers
        if self.pretrained and not self.config:
            raise SpaceError(
                "huggingface: pretrained: needs a config, the name or the folder of a model"
            )
        if self.pretrained and first + self.layers_per_stage > many:
            raise SpaceError(
                f"huggingface: {self.config} has {many} layers, too few for {level + 1} levels of this backbone"
            )
        return nn.Sequential(
            *(self._layer(first + number) for number in range(self.layers_per_stage))
        )

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, S, width + 1] -> [B, outputs]."""
        return MeanHead(nn.Identity(), nn.Linear(shape_of(self.config).width, outputs))

    def _layer(self, number: int) -> nn.Module:
        shape = shape_of(self.config)
        width, inner = shape.width, shape.inner
        norm, last_norm = (nn.LayerNorm(width, shape.epsilon) for _ in range(2))
        widen, narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        body = nn.Sequential(widen, ACTIVATIONS[shape.activation](), narrow, self._dropped())
        query, key_value, out = (
            nn.Linear(width, width),
            nn.Linear(width, 2 * width, bias=False),
            nn.Linear(width, width),
        )
        layer = _drawn(
            EncoderLayer(
                query, key_value, out, norm, body, last_norm, self._dropped(), shape.heads
            ),
            shape.spread,
        )
        if self.pretrained:
            _adopt(layer, layer_weights(self.config, number))
        return layer

    def _dropped(self) -> nn.Module:
        return nn.Dropout(self.dropout) if self.dropout else nn.Identity()


@torch.no_grad()
def _adopt(module: nn.Module, weights: dict[str, Tensor]) -> None:
    for name, own in module.named_parameters():
        own.copy_(weights[name])


def _drawn(module: nn.Module, spread: float) -> nn.Module:
    """The module with the weights that it begins with where it is not pretrained."""
    for each in module.modules():
        if isinstance(each, nn.Linear | nn.Embedding):
            nn.init.normal_(each.weight, std=spread)
        if isinstance(each, nn.Linear) and each.bias is not None:
            nn.init.zeros_(each.bias)
    return module
