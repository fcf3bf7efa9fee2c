"""How far predictions may be from those of the model in memory."""

import numpy as np

from mtlsearch.arrays import Array

TOLERANCE = 1e-6
"""The largest deviation of an export, relative to the largest prediction or to its unit."""


def deviation(predicted: Array, expected: Array, unit: float = 1.0) -> float:
    """Return max |predicted - expected| / max(unit, max |expected|); NaN if a number is NaN.

    `unit` is what a difference of 1 between outputs of the network stands for.
    """
    difference = float(np.max(np.abs(predicted - expected)))
    scale = float(np.max(np.abs(expected)))
    return difference / max(unit, scale)
