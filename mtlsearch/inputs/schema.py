"""What one row of a source is to a network: numbers side by side, an image, a sequence, or the ids of tokens."""

from dataclasses import dataclass
from typing import ClassVar, Literal

InputKind = Literal["table", "images", "sequences", "tokens"]


@dataclass(frozen=True)
class Images:
    """A network reads float x[B, C, H, W], each channel standardised."""

    channels: int
    height: int
    width: int
    kind: ClassVar[InputKind] = "images"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return self.channels, self.height, self.width

    def __str__(self) -> str:
        return f"images of {self.channels} x {self.height} x {self.width}"


@dataclass(frozen=True)
class Sequences:
    """A network reads float x[B, S, channels + 1]: each channel standardised, and one more that is 1 for the steps that a
    sequence has. Beyond its end everything is 0.
    """

    steps: int
    channels: int
    kind: ClassVar[InputKind] = "sequences"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return self.steps, self.channels + 1

    def __str__(self) -> str:
        return f"sequences of {self.steps} steps x {self.channels} channels"


@dataclass(frozen=True)
class Tokens:
    """A network reads integers x[B, S] in 0..vocabulary, of which 0 is no token; `ids` are those of the others in the data."""

    length: int
    vocabulary: int
    ids: tuple[int, ...] = ()
    kind: ClassVar[InputKind] = "tokens"

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return (self.length,)

    def __str__(self) -> str:
        return f"texts of {self.length} tokens out of {self.vocabulary}"


Features = int | Images | Sequences | Tokens
"""An `int` is a table: a network reads float x[B, features]."""


def kind_of(features: Features) -> InputKind:
    """The kind of input that has these features."""
    return "table" if isinstance(features, int) else features.kind
