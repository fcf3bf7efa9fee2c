"""A transformer encoder for texts, sequences and images that are cut into patches.

Source: Vaswani et al. (2017), but normalised before each part.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.masking import mean_over_positions, zero_absent
from mtlsearch.backbones.settings import PER_MEMBER, PositionWidth, Rate, dropout_layers
from mtlsearch.inputs import ImageSchema, SequenceSchema, TokenSchema, WordSchema

PATCHES = 8
"""Patches a side, at most, into which an image is cut."""
WAVELENGTH = 10_000.0
"""The longest wave of the position encoding, in positions / (2 pi)."""
NO_WEIGHT = -1e9
"""The logit of a position that attention must not read."""


def position_encoding(vectors: Tensor) -> Tensor:
    """Return sines and cosines [S, F] of the positions of vectors[..., S, F]."""
    steps, width = vectors.shape[-2:]
    position = torch.arange(steps, device=vectors.device, dtype=vectors.dtype)
    feature = torch.arange(width, device=vectors.device, dtype=vectors.dtype)
    even_feature = feature // 2 * 2
    frequency = torch.exp(-math.log(WAVELENGTH) * even_feature / width)
    angle = position[:, None] * frequency
    is_even = feature % 2 == 0
    return torch.where(is_even, angle.sin(), angle.cos())


def attend(
    projections: Tensor,
    mask: Tensor | None,
    heads: int,
) -> Tensor:
    """Return what each position reads of those that are there, [..., S, F].

    `projections` [..., S, 3 F] are queries, keys and values side by side, each of `heads` heads.
    """
    split = projections.reshape(*projections.shape[:-1], 3, heads, -1)
    query, key, value = split.movedim(-2, -4).unbind(-2)
    logits = query @ key.mT / math.sqrt(query.shape[-1])
    if mask is not None:
        absent = ~mask[..., None, None, :]
        logits = logits.masked_fill(absent, NO_WEIGHT)
    weights = logits.softmax(-1)
    read = weights @ value
    return read.movedim(-3, -2).flatten(-2)


class PlacedSteps(nn.Module):
    """Maps each step or token of its own and adds its position."""

    elementwise = True

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Map [B, S, C], or tokens [B, S], to [B, S, F]."""
        vectors = self.encoder(steps)
        placed = vectors + position_encoding(vectors)
        return zero_absent(placed, mask)


class PlacedPatches(nn.Module):
    """Maps each patch of an image, which `convolution` cuts out, and adds its position."""

    elementwise = True

    def __init__(self, convolution: nn.Module) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, pixels: Tensor, mask: None) -> Tensor:
        """Map [B, C, H, W] to [B, patches, F]. Images have no mask: every patch is there."""
        patches = self.convolution(pixels)
        vectors: Tensor = patches.flatten(-2).mT
        return vectors + position_encoding(vectors)


class AttentionBlock(nn.Module):
    """Adds what each position reads of the others, then what `body` makes of every position."""

    elementwise = True

    def __init__(
        self,
        norm: nn.Module,
        projections: nn.Module,
        out: nn.Module,
        body: nn.Module,
        heads: int,
    ) -> None:
        super().__init__()
        self.norm = norm
        self.projections = projections
        self.out = out
        self.body = body
        self.heads = heads

    def forward(self, h: Tensor, mask: Tensor | None) -> Tensor:
        """Map [B, S, F] to [B, S, F]."""
        projections = self.projections(self.norm(h))
        read = attend(projections, mask, self.heads)
        h = h + self.out(read)
        h = h + self.body(h)
        return zero_absent(h, mask)


class MeanHead(nn.Module):
    """Shows `linear` the mean over the positions that are there."""

    elementwise = True

    def __init__(self, norm: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.linear = linear

    def forward(self, h: Tensor, mask: Tensor | None) -> Tensor:
        """Map [B, S, F] to [B, outputs]."""
        mean = mean_over_positions(self.norm(h), mask)
        out: Tensor = self.linear(mean)
        return out


@dataclass(frozen=True)
class Transformer(Backbone):
    """A stage is attention, then two linear layers, of which the inner one is twice as wide.

    There are `heads` heads, or as many of them as divide the width.
    """

    takes = (TokenSchema, WordSchema, SequenceSchema, ImageSchema)
    masked = True

    width: PositionWidth = 32
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)

    def stem(self, schema: TokenSchema | SequenceSchema | ImageSchema) -> nn.Module:
        """Map tokens [B, S], steps [B, S, channels] or pixels [B, C, H, W] to [B, S, width]."""
        if isinstance(schema, TokenSchema):
            embedding = nn.Embedding(schema.vocabulary + 1, self.width)
            return PlacedSteps(embedding)
        if isinstance(schema, SequenceSchema):
            linear = nn.Linear(schema.channels, self.width)
            return PlacedSteps(linear)
        height = math.ceil(schema.height / PATCHES)
        width = math.ceil(schema.width / PATCHES)
        patch = (height, width)
        convolution = nn.Conv2d(schema.channels, self.width, patch, stride=patch)
        return PlacedPatches(convolution)

    def stage(self, level: int) -> nn.Module:
        """Map [B, S, width] to [B, S, width]."""
        width = self.width
        dropout = dropout_layers(self.dropout)
        body = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.ReLU(),
            *dropout,
            nn.Linear(2 * width, width),
        )
        projections = nn.Linear(width, 3 * width, bias=False)
        out = nn.Linear(width, width)
        heads = math.gcd(self.heads, width)
        norm = nn.LayerNorm(width)
        return AttentionBlock(norm, projections, out, body, heads)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Map [B, S, width] to [B, outputs]."""
        norm = nn.LayerNorm(self.width)
        linear = nn.Linear(self.width, outputs)
        return MeanHead(norm, linear)
