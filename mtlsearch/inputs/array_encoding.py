"""How images, sequences and tokens become network inputs: fitted on training rows, by arithmetic that an export repeats."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.data.columns import LARGEST_NUMBER
from mtlsearch.data.dataset import Source
from mtlsearch.inputs.schema import Images, Sequences, Tokens

BLOCK = 1024  # rows that are computed in float64 at once


@dataclass(frozen=True)
class ImageColumn:
    """Images [N, C, H, W] or, of one channel, [N, H, W]: `(x - mean) / scale` per channel.

    A missing number is the mean; a channel that is constant on the training rows has scale 0 and gives zeros.
    """

    name: str
    features: Images
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def encode(self, inputs: pd.DataFrame) -> Array:
        """Return float32 [N, C, H, W] of the column `name`."""
        images = _stack(inputs[self.name]).reshape(-1, *self.features.shape)
        return _standardise(
            images, *(np.array(each)[:, None, None] for each in (self.mean, self.scale))
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record of this array; see `Preparation.to_json`."""
        numbers = {"mean": list(self.mean), "scale": list(self.scale)}
        return {
            "names": [self.name],
            "lengths": None,
            "type": "images",
            "shape": list(self.features.shape),
            **numbers,
        }


@dataclass(frozen=True)
class SequenceColumn:
    """Sequences [N, steps, channels], standardised like images over the steps there are, and a channel that marks these."""

    name: str
    lengths: str | None
    features: Sequences
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def encode(self, inputs: pd.DataFrame) -> Array:
        """Return float32 [N, steps, channels + 1] of the column `name`."""
        there = _there(inputs, self.lengths, self.features.steps)[..., None]
        numbers = _standardise(_stack(inputs[self.name]), np.array(self.mean), np.array(self.scale))
        return np.concatenate([numbers * there, there.astype(np.float32)], 2)

    def to_json(self) -> dict[str, Any]:
        """Return the record of this array; see `Preparation.to_json`."""
        shape = [self.features.steps, self.features.channels]
        numbers = {"mean": list(self.mean), "scale": list(self.scale)}
        return {
            "names": [self.name],
            "lengths": self.lengths,
            "type": "sequences",
            "shape": shape,
            **numbers,
        }


@dataclass(frozen=True)
class TokenColumns:
    """Tokens in columns, place by place: the place of an id among `ids`, from 1, or 0 for no token.

    No token are ids of 0 or less, places beyond the length, ids that are unknown and those not `seen` in a training row.
    """

    names: tuple[str, ...]
    lengths: str | None
    ids: tuple[int, ...]
    seen: tuple[bool, ...]

    @property
    def features(self) -> Tokens:
        """How many places, and how many ids."""
        return Tokens(len(self.names), len(self.ids), self.ids)

    def encode(self, inputs: pd.DataFrame) -> Array:
        """Return int64 [N, places] of the columns `names`."""
        values = _numbers(inputs, self.names)
        places = np.searchsorted(self.ids, values).clip(max=len(self.ids) - 1)
        there = (np.array(self.ids)[places] == values) & np.array(self.seen)[places]
        return np.where(
            there & _there(inputs, self.lengths, len(self.names)), places + 1, 0
        ).astype(np.int64)

    def to_json(self) -> dict[str, Any]:
        """Return the record of these columns; see `Preparation.to_json`."""
        found = {"ids": list(self.ids), "seen": list(self.seen)}
        return {"names": list(self.names), "lengths": self.lengths, "type": "tokens", **found}


WholeInput = ImageColumn | SequenceColumn | TokenColumns


def fit_whole(source: Source, known: Array, train: Array) -> WholeInput:
    """Return the encoding of a source that is no table; `known` and `train` as in `fit_columns`."""
    names = tuple(str(name) for name in source.inputs if name != source.lengths)
    if source.kind == "tokens":
        return _fit_tokens(source, names, known, train)
    values = _stack(source.inputs[names[0]].iloc[train])
    if source.kind == "images":
        images = values if values.ndim == 4 else values[:, None]
        numbers = [_span(images[:, channel]) for channel in range(images.shape[1])]
        return ImageColumn(names[0], Images(*images.shape[1:]), *_columns(numbers))
    there = _there(source.inputs.iloc[train], source.lengths, values.shape[1])
    numbers = [_span(values[..., channel][there]) for channel in range(values.shape[2])]
    return SequenceColumn(
        names[0], source.lengths, Sequences(*values.shape[1:]), *_columns(numbers)
    )


def _fit_tokens(source: Source, names: tuple[str, ...], known: Array, train: Array) -> TokenColumns:
    there = _there(source.inputs, source.lengths, len(names))
    values = np.where(there, _numbers(source.inputs, names), 0)
    ids, trained = (np.unique(values[rows][values[rows] > 0]) for rows in (known, train))
    return TokenColumns(
        names,
        source.lengths,
        tuple(ids.astype(int).tolist()),
        tuple(np.isin(ids, trained).tolist()),
    )


def _span(values: Array) -> tuple[float, float]:
    """The mean and the standard deviation of the numbers that are there; 0, 0 if there are none."""
    values = values.astype(np.float64)
    values = values[np.abs(values) < LARGEST_NUMBER]
    if not values.size or np.ptp(values) == 0:
        return (float(values.flat[0]) if values.size else 0.0), 0.0
    return float(values.mean()), float(values.std())


def _columns(numbers: list[tuple[float, float]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    means, scales = zip(*numbers, strict=True)
    return means, scales


def _standardise(values: Array, mean: Array, scale: Array) -> Array:
    """Return float32 (values - mean) / scale, 0 where a number is missing or the scale is 0."""
    out = np.zeros(values.shape, np.float32)
    for first in range(0, len(values), BLOCK):
        block = values[first : first + BLOCK].astype(np.float64)
        fine = (np.abs(block) < LARGEST_NUMBER) & (scale > 0)
        out[first : first + BLOCK] = np.divide(
            block - mean, scale, out=np.zeros_like(block), where=fine
        )
    return out


def _there(inputs: pd.DataFrame, lengths: str | None, places: int) -> Array:
    """Return bool [N, places]: those before the end of each row."""
    if lengths is None:
        return np.ones((len(inputs), places), bool)
    return np.asarray(np.arange(places) < _numbers(inputs, (lengths,)))


def _numbers(inputs: pd.DataFrame, names: tuple[str, ...]) -> Array:
    return inputs[list(names)].to_numpy(np.float64)


def _stack(cells: "pd.Series[Any]") -> Array:
    return np.stack(list(cells)) if len(cells) else np.zeros(0)
