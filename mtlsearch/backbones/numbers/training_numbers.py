"""The numbers of the training rows, and what scalings fit to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch

from mtlsearch.arrays import Array

KNOTS = 257
"""The places between which a scaling to quantiles interpolates: a power of two, and 1."""

OUTERMOST = 1e-7
"""The least share of rows that is taken to lie below a number, and above it."""


class Spread(NamedTuple):
    """Where the middle of each number is, [N], and by what its distance is multiplied, [N]."""

    centre: Array
    factor: Array


class Quantiles(NamedTuple):
    """Values of each number, ascending [N, KNOTS], that lie evenly in a normal distribution.

    Their places in it are the `lowest` [N], and so on at equal distances [N].
    """

    knots: Array
    lowest: Array
    distance: Array


@dataclass(frozen=True, eq=False)
class TrainingNumbers:
    """N numbers of the training rows of a table; what is fitted to them is so once, when asked for.

    Attributes:
        read: What gives the numbers of the training rows, standardised, float32 [rows, N].
        places: The places of the numbers among the values of a row.
    """

    read: Callable[[], Array]
    places: Sequence[int]

    @classmethod
    def of(cls, values: Array, rows: Array, places: Sequence[int]) -> "TrainingNumbers":
        """Those among the values of all rows, float32 [all, F], of which some are training rows."""

        def read() -> Array:
            training_rows = values[rows]
            numbers: Array = training_rows[:, list(places)]
            return numbers

        return cls(read, places)

    @cached_property
    def spread(self) -> Spread:
        """Medians, and inverse distances between the quartiles.

        Where the quartiles are one value it is the half of the whole range. A constant has 0.
        """
        numbers = self._numbers()
        lower, centre, upper = np.quantile(numbers, [0.25, 0.5, 0.75], axis=0)
        half_range = np.ptp(numbers, axis=0) / 2
        distance = np.where(upper > lower, upper - lower, half_range)
        factor = np.zeros(len(self.places))
        np.divide(1.0, distance, out=factor, where=distance > 0)
        return Spread(centre, factor)

    @cached_property
    def quantiles(self) -> Quantiles:
        """Quantiles that lie evenly in a normal distribution.

        A value that several rows have counts as the middle of their ranks, as it would in the
        limit if small noise were added (Gorishniy et al. 2022).
        """
        fitted = [_quantiles(column) for column in self._numbers().T]
        knots, lowest, distances = zip(*fitted, strict=True)
        return Quantiles(
            np.stack(knots),
            np.array(lowest),
            np.array(distances),
        )

    def _numbers(self) -> Array:
        """The numbers of the training rows, float64 [rows, N]."""
        return self.read().astype(np.float64)


def _quantiles(column: Array) -> tuple[Array, float, float]:
    """Return the quantiles [KNOTS] of values [rows], the place of the first, and the distance."""
    values, counts = np.unique(column, return_counts=True)
    above = np.cumsum(counts)
    middle_ranks = above - (counts + 1) / 2
    shares = np.full(len(values), 0.5)
    if len(values) > 1:
        shares = middle_ranks / (len(column) - 1)
    outermost = np.clip(shares[[0, -1]], OUTERMOST, 1 - OUTERMOST)
    lowest, highest = torch.special.ndtri(torch.from_numpy(outermost)).numpy()
    places = np.linspace(lowest, highest, KNOTS)
    shares_of_places = torch.special.ndtr(torch.from_numpy(places)).numpy()
    knots = np.interp(shares_of_places, shares, values)
    return knots, lowest, (highest - lowest) / (KNOTS - 1)
