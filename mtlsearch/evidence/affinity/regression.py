"""Bayesian linear regression whose columns come in groups, each with a prior variance of its own, learned from the data.

The prior variances and the noise are those of the largest evidence, found by fixed-point steps (MacKay 1992, "Bayesian
Interpolation"; Tipping 2001 with one variance per column). A group that explains nothing is shrunk, but never to certainty:
its variance has a prior worth one weight of size EXPECTED, else intervals of weak effects would collapse. The noise has the
same, else more columns than rows would leave none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array

Solution = tuple[
    Array, Array, Callable[[], Array]
]  # the weights' mean [D] and variances [D], and how to get their covariance
Solve = Callable[[Array, float], Solution]  # for the precision of each weight [D] and of the noise

STEPS, TOLERANCE = 200, 1e-4
EXPECTED = 0.1  # in standard deviations of the targets


@dataclass(frozen=True)
class Posterior:
    """The weights' mean [D] and covariance [D, D], the noise's standard deviation, and on how many values that rests."""

    mean: Array
    covariance: Array
    noise: float
    freedom: float

    def sample(self, random: np.random.Generator, draws: int) -> Array:
        """Draws of the weights, [draws, D]."""
        return self.mean + random.normal(size=(draws, len(self.mean))) @ self._root.T

    @cached_property
    def _root(self) -> Array:
        """A matrix whose product with its transpose is the covariance."""
        with threadpool_limits(1):
            values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Means and standard deviations of x[..., D] times the weights, noise left out."""
        variance = np.einsum("...i,ij,...j->...", x, self.covariance, x)
        return x @ self.mean, np.sqrt(np.maximum(variance, 0.0))


def fit(x: Array, y: Array, groups: Array) -> Posterior:
    """x[N, D], y[N], both centred by the caller; `groups[D]` numbers the columns' groups from 0."""
    unit = float(y.std())
    if len(y) < 2 or unit == 0.0:
        return Posterior(np.zeros(x.shape[1]), np.zeros((x.shape[1],) * 2), 0.0, 1.0)
    y = y / unit
    solve = _by_rows(x, y) if len(y) < x.shape[1] else _by_columns(x, y)
    precision, noise = np.full(groups.max(initial=-1) + 1, 10.0), 1.0
    for _ in range(STEPS):
        mean, variance, _ = solve(precision[groups], noise)
        known = 1.0 - precision[groups] * variance  # how far the data determine each weight
        energy = np.bincount(groups, mean**2, len(precision))
        renewed = (np.bincount(groups, known, len(precision)) + 1.0) / (energy + EXPECTED**2)
        noise = (len(y) - known.sum() + 1.0) / (float(((y - x @ mean) ** 2).sum()) + EXPECTED**2)
        moved, precision = np.abs(np.log(renewed / precision)).max(initial=0.0), renewed
        if moved < TOLERANCE:
            break
    mean, variance, covariance = solve(precision[groups], noise)
    freedom = max(len(y) - (1.0 - precision[groups] * variance).sum(), 1.0)
    return Posterior(mean * unit, covariance() * unit**2, unit / np.sqrt(noise), float(freedom))


def _by_columns(x: Array, y: Array) -> Solve:
    """For fewer columns than rows: by the inverse of [D, D]."""
    gram, moment = x.T @ x, x.T @ y

    def solve(precision: Array, noise: float) -> Solution:
        covariance = np.linalg.inv(noise * gram + np.diag(precision))
        return noise * covariance @ moment, np.diag(covariance), lambda: covariance

    return solve


def _by_rows(x: Array, y: Array) -> Solve:
    """For fewer rows than columns: the same by the inverse of [N, N] (Woodbury)."""

    def solve(precision: Array, noise: float) -> Solution:
        scaled = x / precision
        gain = np.linalg.solve(scaled @ x.T + np.eye(len(y)) / noise, scaled)
        return (
            gain.T @ y,
            1.0 / precision - (scaled * gain).sum(0),
            lambda: np.diag(1.0 / precision) - scaled.T @ gain,
        )

    return solve
