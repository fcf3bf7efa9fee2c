"""Settings that several backbones have, and the layers that they decide."""

from typing import Annotated

from pydantic import Field
from torch import nn

Width = Annotated[int, Field(ge=1, le=65536)]
"""The number of features of a row."""

PositionWidth = Annotated[int, Field(ge=1, le=4096)]
"""The number of features of each position: a pixel, a step or a token."""

EmbeddingFactor = Annotated[float, Field(gt=0.0, le=16.0)]
"""What the sizes of the vectors of categories and words are multiplied by."""

Rate = Annotated[float, Field(ge=0.0, lt=1.0)]
"""The share of numbers that a dropout layer sets to 0."""

PER_MEMBER = {"per": "member"}
"""The metadata of a field that holds a rate: backbones that differ in it are stacked."""


def dropout_layers(rate: float) -> list[nn.Module]:
    """Return a dropout layer, or none for a rate of 0."""
    if rate == 0.0:
        return []
    return [nn.Dropout(rate)]
