"""What a backbone is: a frozen dataclass whose fields are its YAML keys and whose methods make plain modules."""

from typing import Protocol

from torch import nn


class Backbone(Protocol):
    """Makes the stem, the stages and the heads of a network; every stage maps width F to width F.

    A module made here is a plain `nn.Module`. One that is not from `torch.nn` takes its children as constructor
    arguments and keeps each under the argument's name: the export writes it down from that.
    """

    def stem(self, features: int) -> nn.Module:
        """Map a source's inputs [B, features] to the common width [B, F]."""
        ...

    def stage(self, level: int) -> nn.Module:
        """Map [B, F] to [B, F] on this level."""
        ...

    def head(self, outputs: int) -> nn.Module:
        """Map [B, F] to [B, outputs] (logits, or a standardised value)."""
        ...
