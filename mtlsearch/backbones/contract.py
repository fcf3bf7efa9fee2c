"""What a backbone is: a frozen dataclass whose fields are its YAML keys and whose methods make plain modules."""

from typing import Any, ClassVar, Protocol

from torch import nn

from mtlsearch.inputs.schema import InputKind


class Backbone(Protocol):
    """Makes the stem, the stages and the heads of a network for inputs of the kinds that it `takes`.

    What flows between them is [B, F], or of sequences [B, S, F], or of images [B, F, H, W], and all 0 beyond the end of a
    sequence: soft sharing mixes the branches of a level. A stage may change the number of features and the size of
    an image; what it gives the stage of the next level can take, however many there are.

    A module made here is a plain `nn.Module`. One that is not from `torch.nn` takes its children as constructor
    arguments and keeps each under the argument's name: the export writes it down from that.

    Modules that differ in their numbers only are trained as one stack. A field that is but the rate of an `nn.Dropout` is
    declared with metadata `{"per": "member"}`: backbones that differ in it are stacked. A module whose forward only calls
    its children and operations that do alike with any number of axes in front (elementwise ones, or on named last axes)
    says so by `elementwise = True` and is stacked child by child, which is faster. What torch cannot batch (LSTM, GRU) or
    keeps statistics (batch norm) is trained network by network.
    """

    takes: ClassVar[tuple[InputKind, ...]]

    def stem(self, features: Any) -> nn.Module:
        """Map a source's inputs to [B, *F]. `features` is one of `mtlsearch.inputs.schema.Features`, of a kind in `takes`."""
        ...

    def stage(self, level: int) -> nn.Module:
        """Map [B, *F] to [B, *F] on this level, numbered from 0."""
        ...

    def head(self, outputs: int, levels: int) -> nn.Module:
        """Map [B, *F], as the last of so many levels gives it, to [B, outputs] (logits, or a standardised value)."""
        ...
