"""Layers of an ensemble's S networks as one layer, in terms of torch alone: exported models hold
copies of these classes.

What flows through them has the networks as its first axis. B stands for rows and, where there are
any, positions or members.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class StackedLinear(nn.Module):
    """The linear layers of all networks, one product: [S, *B, inputs] to [S, *B, outputs]."""

    def __init__(
        self,
        networks: int,
        inputs: int,
        outputs: int,
        biased: bool,
    ) -> None:
        super().__init__()
        self.networks = networks
        self.inputs = inputs
        self.outputs = outputs
        self.biased = biased
        self.weight = nn.Parameter(torch.zeros(networks, inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(networks, 1, outputs)) if biased else None

    def forward(self, h: Tensor) -> Tensor:
        """Each network's rows through its own layer."""
        rows = h.flatten(1, -2)
        if self.bias is None:
            out = torch.bmm(rows, self.weight)
        else:
            out = torch.baddbmm(self.bias, rows, self.weight)
        return out.reshape(*h.shape[:-1], self.outputs)


class StackedLayerNorm(nn.Module):
    """The layer norms of all networks over the last axis: [S, *B, features] to the same shape."""

    def __init__(
        self,
        networks: int,
        features: int,
        eps: float,
    ) -> None:
        super().__init__()
        self.networks = networks
        self.features = features
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(networks, features))
        self.bias = nn.Parameter(torch.zeros(networks, features))

    def forward(self, h: Tensor) -> Tensor:
        """Normalise each row, then scale and shift it by the numbers of its network."""
        rows = h.flatten(1, -2)
        normal = functional.layer_norm(rows, (self.features,), eps=self.eps)
        out = normal * self.weight[:, None] + self.bias[:, None]
        return out.reshape(h.shape)


class StackedEmbedding(nn.Module):
    """The tables of vectors of all networks: codes [S, *B] to [S, *B, features]."""

    def __init__(
        self,
        networks: int,
        vocabulary: int,
        features: int,
    ) -> None:
        super().__init__()
        self.networks = networks
        self.vocabulary = vocabulary
        self.features = features
        self.weight = nn.Parameter(torch.zeros(networks, vocabulary, features))

    def forward(self, codes: Tensor) -> Tensor:
        """Look each code up in the table of its network: they are one, counted through."""
        first = self.vocabulary * torch.arange(self.networks, device=codes.device)
        counted = codes.flatten(1) + first[:, None]
        vectors = functional.embedding(counted, self.weight.flatten(0, 1))
        return vectors.reshape(*codes.shape, self.features)


class StackedParameters(nn.Module):
    """A module that works as it is with an axis of networks before those of its own parameters."""

    def __init__(self, networks: int, module: nn.Module) -> None:
        super().__init__()
        self.networks = networks
        self.module = module
        for name, parameter in list(module.named_parameters(recurse=False)):
            stacked = torch.zeros(networks, *parameter.shape)
            setattr(module, name, nn.Parameter(stacked))

    def forward(self, h: Tensor) -> Tensor:
        """Each network's rows with its own parameters: [S, *B, inputs] to [S, *B, outputs]."""
        out: Tensor = self.module(h)
        return out


class OneByOne(nn.Module):
    """A module of each network, run one after another: what is not stacked."""

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.networks = nn.ModuleList(modules)

    def forward(self, *arguments: Tensor | None) -> Tensor:
        """Arguments [S, ...], or None for all networks, to the modules' outputs [S, ...]."""
        outputs = []
        for number, network in enumerate(self.networks):
            inputs = [None if tensor is None else tensor[number] for tensor in arguments]
            outputs.append(network(*inputs))
        return torch.stack(outputs)
