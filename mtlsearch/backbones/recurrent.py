"""Recurrent networks for sequences and texts: an LSTM or GRU per level.

Sources: Hochreiter & Schmidhuber (1997) for the LSTM, Cho et al. (2014) for the GRU. torch cannot
batch these over networks, so they are trained one after another. They read forwards: what lies
beyond the end of a sequence reaches none of its steps.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.masking import mean_over_positions, zero_absent
from mtlsearch.backbones.settings import PER_MEMBER, PositionWidth, Rate
from mtlsearch.inputs import SequenceSchema, TokenSchema, WordSchema


class StepEncoder(nn.Module):
    """Maps each step or token of its own."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, steps: Tensor, mask: Tensor) -> Tensor:
        """Map [B, S, C], or tokens [B, S], to [B, S, F]."""
        vectors = self.encoder(steps)
        return zero_absent(vectors, mask)


class RecurrentBlock(nn.Module):
    """Adds what the recurrent `layer` makes of its layer-normalised input."""

    def __init__(
        self,
        norm: nn.Module,
        layer: nn.RNNBase,
        dropout: nn.Module,
    ) -> None:
        super().__init__()
        self.norm = norm
        self.layer = layer
        self.dropout = dropout

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        """Map [B, S, F] to [B, S, F]."""
        self.layer.flatten_parameters()  # GPUs want weights in one piece; nothing elsewhere
        outputs, _ = self.layer(self.norm(h))
        h = h + self.dropout(outputs)
        return zero_absent(h, mask)


class LastAndMean(nn.Module):
    """Shows `linear` the last step of a sequence, and the mean of all."""

    def __init__(self, norm: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.linear = linear

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        """Map [B, S, F] to [B, outputs]."""
        steps = self.norm(h)
        steps_at_most = mask.shape[-1]
        numbers = mask * torch.arange(1, steps_at_most + 1, device=mask.device)
        last_number = numbers.amax(-1, keepdim=True)
        is_last = mask & (numbers == last_number)
        last = zero_absent(steps, is_last).sum(-2)
        mean = mean_over_positions(steps, mask)
        shown = torch.cat([last, mean], -1)
        out: Tensor = self.linear(shown)
        return out


@dataclass(frozen=True)
class Recurrent(Backbone):
    """A stage is h + Dropout(LSTM(LayerNorm(h))), or with `cell: gru` a GRU.

    A head reads the last step and the mean of all.
    """

    takes = (SequenceSchema, TokenSchema, WordSchema)
    masked = True

    width: PositionWidth = 32
    cell: Literal["lstm", "gru"] = "lstm"
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)

    def stem(self, schema: SequenceSchema | TokenSchema) -> nn.Module:
        """Map [B, S, channels], or tokens [B, S], to [B, S, width]."""
        if isinstance(schema, TokenSchema):
            embedding = nn.Embedding(schema.vocabulary + 1, self.width)
            return StepEncoder(embedding)
        linear = nn.Linear(schema.channels, self.width)
        return StepEncoder(linear)

    def stage(self, level: int) -> nn.Module:
        """Map [B, S, width] to [B, S, width]."""
        cell = nn.LSTM if self.cell == "lstm" else nn.GRU
        layer = cell(self.width, self.width, batch_first=True)
        norm = nn.LayerNorm(self.width)
        return RecurrentBlock(norm, layer, nn.Dropout(self.dropout))

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Map [B, S, width] to [B, outputs]."""
        norm = nn.LayerNorm(self.width)
        linear = nn.Linear(2 * self.width, outputs)
        return LastAndMean(norm, linear)
