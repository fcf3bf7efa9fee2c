"""A linear layer for each of several groups of features, all at once."""

import torch
from torch import Tensor, nn


class SeparateLinear(nn.Module):
    """A linear layer of each group's own, of two groups or more."""

    elementwise = True
    stacks_parameters = True

    def __init__(
        self,
        groups: int,
        features: int,
        outputs: int,
    ) -> None:
        super().__init__()
        self.groups = groups
        self.features = features
        self.outputs = outputs
        self.weight = nn.Parameter(torch.zeros(groups, features, outputs))
        self.bias = nn.Parameter(torch.zeros(groups, outputs))

    def forward(self, h: Tensor) -> Tensor:
        """Map [B, groups, features] to [B, groups, outputs]."""
        by_group = h.transpose(-3, -2).contiguous()
        out = by_group @ self.weight + self.bias.unsqueeze(-2)
        return out.transpose(-3, -2)


def separate_linear(
    groups: int,
    features: int,
    outputs: int,
) -> nn.Module:
    """Return a module that maps [B, groups, features] to [B, groups, outputs], group by group."""
    if groups == 1:
        # The last bits of a batch of one matrix depend on who is stacked beside it.
        return nn.Linear(features, outputs)
    linear = SeparateLinear(groups, features, outputs)
    draw_uniform(linear.weight, features)
    draw_uniform(linear.bias, features)
    return linear


def draw_uniform(tensor: Tensor, features: int) -> None:
    """Fill a tensor as the weights of a linear layer of so many inputs begin."""
    limit = max(features, 1) ** -0.5
    nn.init.uniform_(tensor, -limit, limit)
