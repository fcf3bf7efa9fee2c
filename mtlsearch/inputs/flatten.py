"""Any prepared input as a flat table [N, F], small enough for models that know tables only."""

from collections.abc import Callable

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.inputs.schema import Features, InputKind, kind_of

PIXELS = 8  # a side, to which images are averaged
MOST_IDS = 1000  # of the most frequent tokens, which are counted


def flattened(inputs: Array, features: Features, train: Array) -> Array:
    """Return float [N, F]: a table as it is, pixels averaged to 8 x 8, steps one after another, counts of the frequent tokens.

    `train` are the training rows, by which tokens count as frequent.
    """
    return FLAT[kind_of(features)](inputs, train)


def _table(inputs: Array, train: Array) -> Array:
    return inputs


def _images(inputs: Array, train: Array) -> Array:
    """Means of the pixels of each tile, of which there are at most PIXELS x PIXELS."""
    for axis in (2, 3):
        tiles = np.array_split(np.arange(inputs.shape[axis]), min(PIXELS, inputs.shape[axis]))
        inputs = np.stack([inputs.take(tile, axis).mean(axis) for tile in tiles], axis)
    return inputs.reshape(len(inputs), -1)


def _sequences(inputs: Array, train: Array) -> Array:
    return inputs.reshape(len(inputs), -1)


def _tokens(inputs: Array, train: Array) -> Array:
    """Counts of each frequent token as shares of the text."""
    counts = np.bincount(inputs[train].ravel())[1:]
    frequent = np.argsort(-counts, kind="stable")[:MOST_IDS] + 1
    found = np.stack([(inputs == token).sum(1) for token in frequent], 1)
    return np.asarray(found / np.maximum((inputs > 0).sum(1, keepdims=True), 1))


FLAT: dict[InputKind, Callable[[Array, Array], Array]] = {
    "table": _table,
    "images": _images,
    "sequences": _sequences,
    "tokens": _tokens,
}
