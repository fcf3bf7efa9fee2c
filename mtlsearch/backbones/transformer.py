"""A transformer encoder (Vaswani et al. 2017, normalised before each part) for texts, sequences and images cut into patches.

What flows between levels is [B, S, F + 1], of which the last number is not 0 for the places that are there.
"""

import math
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.masking import marked, mean_over
from mtlsearch.inputs.schema import Images, InputKind, Sequences, Tokens

PATCHES = 8  # a side at most, into which an image is cut
WAVELENGTH = 10_000.0  # the longest of the position encoding


def positions(there: Tensor, width: int) -> Tensor:
    """Sines and cosines [S, width] of the places in a sequence: there[..., S, 1] says how many there are."""
    steps = torch.arange(there.shape[-2], device=there.device, dtype=there.dtype)[:, None]
    waves = torch.arange(width, device=there.device, dtype=there.dtype)
    angle = steps * torch.exp(-math.log(WAVELENGTH) * (waves // 2 * 2) / width)
    return torch.where(waves % 2 == 0, angle.sin(), angle.cos())


class PlacedTokens(nn.Module):
    """Embeds every token and adds its place."""

    elementwise = True

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, S] -> [B, S, F + 1]."""
        vectors: Tensor = self.embedding(tokens)
        there = marked(tokens, vectors)
        return torch.cat([(vectors + positions(there, vectors.shape[-1])) * there, there], -1)


class PlacedSteps(nn.Module):
    """Maps every step and adds its place."""

    elementwise = True

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, channels + 1] -> [B, S, F + 1]."""
        there, vectors = x[..., -1:], self.linear(x[..., :-1])
        return torch.cat([(vectors + positions(there, vectors.shape[-1])) * there, there], -1)


class PlacedPatches(nn.Module):
    """Maps every patch of an image and adds its place."""

    elementwise = True

    def __init__(self, cut: nn.Module) -> None:
        super().__init__()
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, patches, F + 1]."""
        vectors = self.cut(x).flatten(-2).mT
        there = torch.ones_like(vectors[..., :1])
        return torch.cat([vectors + positions(there, vectors.shape[-1]), there], -1)


def attended(parts: Tensor, there: Tensor, heads: int) -> Tensor:
    """Queries, keys and values [..., S, 3 F] -> what each takes from those `there` [..., S, 1], [..., S, F]."""
    split = parts.reshape(*parts.shape[:-1], 3, heads, -1)
    query, key, value = split.movedim(-2, -4).unbind(-2)
    likeness = query @ key.mT / math.sqrt(query.shape[-1])
    weights = likeness.masked_fill(~there.mT[..., None, :, :], -1e9).softmax(-1)
    taken: Tensor = (weights @ value).movedim(-3, -2).flatten(-2)
    return taken


class AttentionBlock(nn.Module):
    """Adds what each place takes from those there are, then what `body` makes of every place."""

    elementwise = True

    def __init__(
        self, norm: nn.Module, projections: nn.Module, out: nn.Module, body: nn.Module, heads: int
    ) -> None:
        super().__init__()
        self.norm, self.projections, self.out, self.body, self.heads = (
            norm,
            projections,
            out,
            body,
            heads,
        )

    def forward(self, h: Tensor) -> Tensor:
        """[B, S, F + 1] -> the same."""
        x, mark = h[..., :-1], h[..., -1:]
        there = mark != 0
        x = x + self.out(attended(self.projections(self.norm(x)), there, self.heads))
        return torch.cat([(x + self.body(x)) * there, mark], -1)


class MeanHead(nn.Module):
    """Shows `linear` the mean of the places there are."""

    elementwise = True

    def __init__(self, norm: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.norm, self.linear = norm, linear

    def forward(self, h: Tensor) -> Tensor:
        """[B, S, F + 1] -> [B, outputs]."""
        there = (h[..., -1:] != 0).to(h.dtype)
        out: Tensor = self.linear(mean_over(self.norm(h[..., :-1]), there))
        return out


@dataclass(frozen=True)
class Transformer:
    """A stage is attention of `heads` heads, as many as divide the width, and two linear layers, the inner 2 times as wide."""

    takes: ClassVar[tuple[InputKind, ...]] = ("tokens", "sequences", "images")

    width: Annotated[int, Field(ge=1, le=4096)] = 32
    heads: Annotated[int, Field(ge=1, le=64)] = 4
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )

    def stem(self, features: Tokens | Sequences | Images) -> nn.Module:
        """[B, S], [B, S, channels + 1] or [B, C, H, W] -> [B, S, width + 1]."""
        if isinstance(features, Tokens):
            return PlacedTokens(nn.Embedding(features.vocabulary + 1, self.width))
        if isinstance(features, Sequences):
            return PlacedSteps(nn.Linear(features.channels, self.width))
        side = (-(-features.height // PATCHES), -(-features.width // PATCHES))
        return PlacedPatches(nn.Conv2d(features.channels, self.width, side, stride=side))

    def stage(self, level: int) -> nn.Module:
        """[B, S, width + 1] -> the same."""
        width, drop = self.width, [nn.Dropout(self.dropout)] if self.dropout else []
        body = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 2 * width),
            nn.ReLU(),
            *drop,
            nn.Linear(2 * width, width),
        )
        projections, heads = nn.Linear(width, 3 * width, bias=False), math.gcd(self.heads, width)
        return AttentionBlock(
            nn.LayerNorm(width), projections, nn.Linear(width, width), body, heads
        )

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, S, width + 1] -> [B, outputs]."""
        return MeanHead(nn.LayerNorm(self.width), nn.Linear(self.width, outputs))
