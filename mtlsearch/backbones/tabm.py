"""TabM, an ensemble of perceptrons for tables whose members share most of their weights.

See Gorishniy et al. 2025 (arXiv:2410.24210) and, for the adapters, Wen et al. 2020
(arXiv:2002.06715).
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from mtlsearch.backbones.contract import Backbone
from mtlsearch.backbones.separate_linear import draw_uniform, separate_linear
from mtlsearch.backbones.settings import PER_MEMBER, EmbeddingFactor, Rate, Width, dropout_layers
from mtlsearch.inputs import TableSchema


class MemberAxis(nn.Module):
    """Shows the same features to every member."""

    elementwise = True

    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, F] to [B, members, F]."""
        rows = h.shape[:-1]
        return h.unsqueeze(-2).expand(*rows, self.members, -1)


class MemberScale(nn.Module):
    """Multiplies features by numbers of each member's own."""

    elementwise = True
    stacks_parameters = True

    def __init__(self, members: int, features: int) -> None:
        super().__init__()
        self.members = members
        self.features = features
        self.weight = nn.Parameter(torch.ones(members, features))

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, members, features] to the same shape."""
        return h * self.weight.unsqueeze(-3)


class MemberAffine(nn.Module):
    """Multiplies features by numbers of each member's own, and adds others."""

    elementwise = True
    stacks_parameters = True

    def __init__(self, members: int, features: int) -> None:
        super().__init__()
        self.members = members
        self.features = features
        self.weight = nn.Parameter(torch.ones(members, features))
        self.bias = nn.Parameter(torch.zeros(members, features))

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, members, features] to the same shape."""
        scaled = h * self.weight.unsqueeze(-3)
        return scaled + self.bias.unsqueeze(-3)


@dataclass(frozen=True)
class TabM(Backbone):
    """A perceptron of `members` that see the same rows, each with a head of its own.

    A stage is Linear - ReLU - Dropout. The weights of linear layers are shared by the members; in
    the variant `full` each member has scales of a layer's inputs and outputs, and a bias; in `mini`
    it has scales of the features of the table alone; in `packed` nothing is shared. Members differ
    at the start by the signs of the first scales and by their heads. The paper lets the features
    that encode one category share a sign; here each has its own.
    """

    takes = (TableSchema,)

    width: Width = 64
    members: Annotated[int, Field(ge=1, le=64)] = 8
    variant: Literal["full", "mini", "packed"] = "full"
    dropout: Rate = field(default=0.0, metadata=PER_MEMBER)
    embedding_factor: EmbeddingFactor = 1.0

    def stem(self, schema: TableSchema) -> nn.Module:
        """Return a module that maps [B, features] to [B, members, width]."""
        layers = self._linear(schema.features, self.width)
        if self.variant == "mini":
            layers.insert(0, MemberScale(self.members, schema.features))
        scale = layers[0]
        if isinstance(scale, MemberScale):
            _draw_signs(scale.weight)
        return nn.Sequential(MemberAxis(self.members), *layers, nn.ReLU())

    def stage(self, level: int) -> nn.Module:
        """Return a module that maps [B, members, width] to [B, members, width]."""
        layers = self._linear(self.width, self.width)
        dropout = dropout_layers(self.dropout)
        return nn.Sequential(*layers, nn.ReLU(), *dropout)

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Return a module that maps [B, members, width] to [B, members, outputs]."""
        return self._member_linear(self.width, outputs)

    def _linear(self, features: int, outputs: int) -> list[nn.Module]:
        """Return the modules of a linear layer of the variant."""
        if self.variant == "packed":
            return [self._member_linear(features, outputs)]
        if self.variant == "mini":
            return [nn.Linear(features, outputs)]
        linear = nn.Linear(features, outputs, bias=False)
        affine = MemberAffine(self.members, outputs)
        same_bias = torch.empty(outputs)
        draw_uniform(same_bias, features)
        with torch.no_grad():
            affine.bias.copy_(same_bias)
        return [MemberScale(self.members, features), linear, affine]

    def _member_linear(self, features: int, outputs: int) -> nn.Module:
        """Return a linear layer of each member's own."""
        return separate_linear(self.members, features, outputs)


@torch.no_grad()
def _draw_signs(tensor: Tensor) -> None:
    """Fill a tensor with 1 and -1, which are equally likely."""
    tensor.bernoulli_(0.5).mul_(2).sub_(1)
