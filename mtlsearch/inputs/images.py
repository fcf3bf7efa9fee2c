"""Images: one array [N, C, H, W], or [N, H, W] of one channel."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError
from mtlsearch.inputs.array_columns import describe_array, fit_channels, only_array, select_array
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
)
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.encoding import ImageArray

MOST_CHANNELS = 4
"""Channels by which an array of rows (H, W, C) is told from one of rows (C, H, W)."""
MOST_TILES = 8
"""Tiles a side into which an image is averaged for models that know tables only."""


@dataclass(frozen=True)
class ImageSchema(InputSchema):
    """A network reads `values`, float [B, C, H, W], each channel standardised."""

    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return f"images of {self.channels} x {self.height} x {self.width}"

    def example(self, rows: int) -> EncodedInput:
        """Return black images."""
        shape = (rows, self.channels, self.height, self.width)
        return EncodedInput(values=np.zeros(shape, np.float32))

    def flatten(self, inputs: EncodedInput, train: Array) -> Array:
        """Return the mean of each of at most 8 x 8 tiles of every channel."""
        assert inputs.values is not None
        return mean_tiles(inputs.values)


class Images(InputKind):
    """An array of bytes or booleans, or of rows (C, H, W), is taken for images."""

    name = "images"
    schema: ClassVar[type[InputSchema]] = ImageSchema
    default_space = "images"

    def claims(self, cell: Array | None) -> bool:
        """Take cells of three axes, and cells of bytes or booleans."""
        if cell is None:
            return False
        return cell.ndim == 3 or cell.dtype in (np.uint8, np.bool_)

    def doubts(self, cell: Array | None) -> list[str]:
        """Say that rows of two axes may be sequences."""
        if cell is None or cell.ndim != 2:
            return []
        height, width = cell.shape
        return [
            f"arrays of {height} x {width} {cell.dtype} are taken for grey images; "
            "if they are sequences, say input: sequences"
        ]

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return the one array."""
        name, shape = only_array(source, self.name)
        channels_last = len(shape) == 3 and shape[0] > MOST_CHANNELS >= shape[2]
        if channels_last:
            raise DataError(
                f"{describe_array(source, name)}; images are (N, channels, height, width): "
                "transpose the array"
            )
        return select_array(source, name, None, self.name)

    def fit(
        self,
        selected: SelectedColumns,
        non_test: Array,
        train: Array,
    ) -> FittedInput:
        """Standardise each channel."""
        [name] = selected.names_without_lengths
        images = selected.take(train).arrays[name]
        if images.ndim == 3:
            images = images[:, None]
        _, *shape = images.shape
        mean, scale = fit_channels(images.swapaxes(0, 1))
        encoding = ImageArray(
            names=[name],
            shape=shape,
            mean=mean,
            scale=scale,
        )
        return FittedInput(ImageSchema(*shape), (encoding,))


def mean_tiles(images: Array) -> Array:
    """Return the mean of each of at most 8 x 8 tiles of images [N, C, H, W], as [N, tiles]."""
    tiles = _average(images, axis=2)
    tiles = _average(tiles, axis=3)
    return tiles.reshape(len(tiles), -1)


def _average(images: Array, axis: int) -> Array:
    """Return the means over neighbours along an axis, of which at most MOST_TILES are left."""
    length = images.shape[axis]
    count = min(MOST_TILES, length)
    tiles = []
    for positions in np.array_split(np.arange(length), count):
        neighbours = images.take(positions, axis)
        tiles.append(neighbours.mean(axis))
    return np.stack(tiles, axis)
