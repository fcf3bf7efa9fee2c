"""The pictures of a table as vectors beside its numbers, before any backbone's stem."""

import torch
from torch import Tensor, nn

from mtlsearch.inputs import TableSchema
from mtlsearch.runtime.pictures import CHANNELS

FIRST_WIDTH = 16
WIDTH = 32
"""The channels that the first convolution makes, and each of the others."""

FEWEST_PIXELS = 4
"""Convolutions halve a picture until so many pixels a side are left, or fewer."""


class PictureVector(nn.Module):
    """What `linear` makes of the pixels that `convolutions` leave."""

    elementwise = True

    def __init__(self, convolutions: nn.Module, linear: nn.Module) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.linear = linear

    def forward(self, pictures: Tensor) -> Tensor:
        """Map [B, 3, H, W] to [B, numbers of the vector]."""
        features = self.convolutions(pictures)
        vectors: Tensor = self.linear(features.flatten(-3))
        return vectors


class NumbersAndPictures(nn.Module):
    """What a stem makes of a row's numbers beside the vector of each picture."""

    elementwise = True

    def __init__(self, encoders: nn.ModuleList, stem: nn.Module) -> None:
        super().__init__()
        self.encoders = encoders
        self.stem = stem

    def forward(self, values: Tensor, *others: Tensor) -> Tensor:
        """Map [B, F], perhaps categories [B, S], and [B, 3 a picture, H, W] to [B, outputs]."""
        *categories, pictures = others
        columns = torch.split(pictures, CHANNELS, -3)
        features = [values]
        for encoder, column in zip(self.encoders, columns, strict=True):
            features.append(encoder(column))
        numbers = torch.cat(features, -1)
        output: Tensor = self.stem(numbers, *categories)
        return output


def with_pictures_as_numbers(schema: TableSchema, embedding_factor: float) -> TableSchema:
    """Return the schema of a table that has the vectors of pictures as numbers beside its own."""
    features = schema.features + sum(_sizes(schema, embedding_factor))
    return TableSchema(features, schema.coded)


def embed_pictures(schema: TableSchema, embedding_factor: float, stem: nn.Module) -> nn.Module:
    """Return a module that maps the values, categories and pictures of a table as the stem does.

    `stem` takes tables of the schema `with_pictures_as_numbers`. The sizes of the vectors are those
    of the schema times a factor.
    """
    encoders = nn.ModuleList()
    sizes = _sizes(schema, embedding_factor)
    for column, size in zip(schema.pictures, sizes, strict=True):
        encoders.append(_encoder(column.pixels, size))
    return NumbersAndPictures(encoders, stem)


def _encoder(pixels: int, size: int) -> nn.Module:
    """Return a module that maps [B, 3, pixels, pixels] to [B, size]."""
    layers: list[nn.Module] = []
    channels = CHANNELS
    width = FIRST_WIDTH
    while pixels > FEWEST_PIXELS:
        convolution = nn.Conv2d(
            channels,
            width,
            kernel_size=3,
            stride=2,
            padding=1,
        )
        # Keeps the size of the numbers through layers of ReLU (He et al. 2015, arXiv:1502.01852).
        nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
        layers.append(convolution)
        layers.append(nn.ReLU())
        pixels = (pixels + 1) // 2
        channels = width
        width = WIDTH
    convolutions = nn.Sequential(*layers)
    linear = nn.Linear(channels * pixels**2, size)
    return PictureVector(convolutions, linear)


def _sizes(schema: TableSchema, embedding_factor: float) -> list[int]:
    sizes = []
    for column in schema.pictures:
        size = round(embedding_factor * column.size)
        sizes.append(max(1, size))
    return sizes
