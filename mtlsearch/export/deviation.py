"""How far predictions may be from those of the model in memory."""

import numpy as np

from mtlsearch.arrays import Array

TOLERANCE = 1e-6
"""The largest deviation of an export, relative to the largest prediction or to 1."""


def deviation(predicted: Array, expected: Array) -> float:
    """Return max |predicted - expected| / max(1, max |expected|); NaN if a number is NaN."""
    difference = float(np.max(np.abs(predicted - expected)))
    scale = float(np.max(np.abs(expected)))
    return difference / max(1.0, scale)
