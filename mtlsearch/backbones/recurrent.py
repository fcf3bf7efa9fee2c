"""Recurrent networks for sequences and texts: one LSTM (Hochreiter & Schmidhuber 1997) or GRU (Cho et al. 2014) per level.

torch cannot batch these over networks, so they are trained one after another. What flows between levels is [B, S, F + 1], of
which the last number is not 0 for the steps that a sequence has. They are read forwards: what lies beyond the end reaches none.
"""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.masking import marked, mean_over
from mtlsearch.inputs.schema import InputKind, Sequences, Tokens


class StepEmbedding(nn.Module):
    """Embeds every token."""

    def __init__(self, embedding: nn.Module) -> None:
        super().__init__()
        self.embedding = embedding

    def forward(self, tokens: Tensor) -> Tensor:
        """[B, S] -> [B, S, F + 1]."""
        vectors: Tensor = self.embedding(tokens)
        there = marked(tokens, vectors)
        return torch.cat([vectors * there, there], -1)


class StepLinear(nn.Module):
    """Maps every step."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear

    def forward(self, x: Tensor) -> Tensor:
        """[B, S, channels + 1] -> [B, S, F + 1]."""
        there = x[..., -1:]
        return torch.cat([self.linear(x[..., :-1]) * there, there], -1)


class RecurrentBlock(nn.Module):
    """Adds what the recurrent `layer` makes of its layer-normalised input."""

    def __init__(self, norm: nn.Module, layer: nn.Module, dropout: nn.Module) -> None:
        super().__init__()
        self.norm, self.layer, self.dropout = norm, layer, dropout

    def forward(self, h: Tensor) -> Tensor:
        """[B, S, F + 1] -> the same."""
        steps, mark = h[..., :-1], h[..., -1:]
        out = steps + self.dropout(self.layer(self.norm(steps))[0])
        return torch.cat([out * (mark != 0), mark], -1)


class LastAndMean(nn.Module):
    """Shows `linear` the last step there is, and the mean of all."""

    def __init__(self, norm: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.norm, self.linear = norm, linear

    def forward(self, h: Tensor) -> Tensor:
        """[B, S, F + 1] -> [B, outputs]."""
        there = (h[..., -1:] != 0).to(h.dtype)
        steps = self.norm(h[..., :-1]) * there
        last = there - torch.cat([there[..., 1:, :], torch.zeros_like(there[..., :1, :])], -2)
        both = torch.cat([(steps * last).sum(-2), mean_over(steps, there)], -1)
        out: Tensor = self.linear(both)
        return out


@dataclass(frozen=True)
class Recurrent:
    """A stage is h + Dropout(LSTM(LayerNorm(h))), or with `cell: gru` a GRU. A head reads the last step and the mean."""

    takes: ClassVar[tuple[InputKind, ...]] = ("sequences", "tokens")

    width: Annotated[int, Field(ge=1, le=4096)] = 32
    cell: Literal["lstm", "gru"] = "lstm"
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = field(
        default=0.0, metadata={"per": "member"}
    )

    def stem(self, features: Sequences | Tokens) -> nn.Module:
        """[B, S, channels + 1], or [B, S] of tokens -> [B, S, width + 1]."""
        if isinstance(features, Tokens):
            return StepEmbedding(nn.Embedding(features.vocabulary + 1, self.width))
        return StepLinear(nn.Linear(features.channels, self.width))

    def stage(self, level: int) -> nn.Module:
        """[B, S, width + 1] -> the same."""
        layer = (nn.LSTM if self.cell == "lstm" else nn.GRU)(
            self.width, self.width, batch_first=True
        )
        return RecurrentBlock(nn.LayerNorm(self.width), layer, nn.Dropout(self.dropout))

    def head(self, outputs: int, levels: int) -> nn.Module:
        """[B, S, width + 1] -> [B, outputs]."""
        return LastAndMean(nn.LayerNorm(self.width), nn.Linear(2 * self.width, outputs))
