"""Bayesian linear regression whose columns come in groups, each with a prior variance of its own.

The prior variances and the noise are those of the largest evidence, found by fixed-point steps
(MacKay 1992, "Bayesian Interpolation"; Tipping 2001 with one variance per column). A group that
explains nothing is shrunk, but never to certainty: its variance has a prior worth one weight of
size EXPECTED_WEIGHT, else intervals of weak effects would collapse. The noise has the same prior,
else more columns than rows would leave none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array

STEPS = 200
TOLERANCE = 1e-4  # of the logarithm of a precision, below which the steps end
INITIAL_PRECISION = 10.0
EXPECTED_WEIGHT = 0.1  # in standard deviations of the targets


@dataclass(frozen=True)
class Posterior:
    """The posterior distribution of the weights, which is normal.

    Attributes:
        mean: The means of the weights, [D].
        covariance: Their covariance, [D, D].
        noise: The standard deviation of the noise.
        dof: How many values the estimate of the noise rests on.
    """

    mean: Array
    covariance: Array
    noise: float
    dof: float

    def sample(self, random: np.random.Generator, draws: int) -> Array:
        """Draws of the weights, [draws, D]."""
        shape = (draws, len(self.mean))
        standard = random.normal(size=shape)
        return self.mean + standard @ self._root.T

    @cached_property
    def _root(self) -> Array:
        """A matrix whose product with its transpose is the covariance, [D, D]."""
        with threadpool_limits(1):
            values, vectors = np.linalg.eigh(self.covariance)
        deviations = np.sqrt(np.maximum(values, 0.0))
        return np.asarray(vectors * deviations)

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Means and standard deviations of x[..., D] times the weights; noise is left out."""
        variance = np.einsum("...i,ij,...j->...", x, self.covariance, x)
        deviation = np.sqrt(np.maximum(variance, 0.0))
        return x @ self.mean, deviation


@dataclass(frozen=True)
class Solution:
    """The posterior for given precisions: means [D] and variances [D] of the weights.

    `covariance()` is [D, D], which is worked out on demand.
    """

    mean: Array
    variance: Array
    covariance: Callable[[], Array]

    def determined(self, precision: Array) -> Array:
        """How far the data determine each weight, [D].

        0 where only the prior does, whose precision this is; 1 where only the data do.
        """
        return 1.0 - precision * self.variance


Solve = Callable[[Array, float], Solution]  # for the precision of each weight [D] and of the noise


def fit(
    x: Array,
    y: Array,
    groups: Array,
) -> Posterior:
    """Fit the regression.

    Args:
        x: The columns, centred, [N, D].
        y: The targets, centred, [N].
        groups: The group of each column, numbered from 0, [D].
    """
    rows, width = x.shape
    scale = float(y.std())
    if rows < 2 or scale == 0.0:
        return _nothing_known(width)
    y = y / scale
    solve = _by_columns(x, y)
    if rows < width:
        solve = _by_rows(x, y)
    group_count = groups.max(initial=-1) + 1
    precision = np.full(group_count, INITIAL_PRECISION)
    noise_precision = 1.0
    for _ in range(STEPS):
        solution = solve(precision[groups], noise_precision)
        determined = solution.determined(precision[groups])
        count = np.bincount(groups, determined, group_count)
        energy = np.bincount(groups, solution.mean**2, group_count)
        residual = y - x @ solution.mean
        error = float((residual**2).sum())
        renewed = (count + 1.0) / (energy + EXPECTED_WEIGHT**2)
        free_rows = rows - determined.sum()
        noise_precision = (free_rows + 1.0) / (error + EXPECTED_WEIGHT**2)
        change = np.abs(np.log(renewed / precision))
        precision = renewed
        if change.max(initial=0.0) < TOLERANCE:
            break
    solution = solve(precision[groups], noise_precision)
    determined = solution.determined(precision[groups])
    free_rows = rows - determined.sum()
    return Posterior(
        mean=solution.mean * scale,
        covariance=solution.covariance() * scale**2,
        noise=scale / np.sqrt(noise_precision),
        dof=float(max(free_rows, 1.0)),
    )


def _nothing_known(width: int) -> Posterior:
    return Posterior(
        mean=np.zeros(width),
        covariance=np.zeros((width, width)),
        noise=0.0,
        dof=1.0,
    )


def _by_columns(x: Array, y: Array) -> Solve:
    """For fewer columns than rows: by the inverse of a matrix [D, D]."""
    gram = x.T @ x
    correlation = x.T @ y

    def solve(precision: Array, noise_precision: float) -> Solution:
        posterior_precision = noise_precision * gram + np.diag(precision)
        covariance = np.linalg.inv(posterior_precision)
        mean = noise_precision * covariance @ correlation
        return Solution(mean, np.diag(covariance), lambda: covariance)

    return solve


def _by_rows(x: Array, y: Array) -> Solve:
    """For fewer rows than columns: the same by the inverse of a matrix [N, N] (Woodbury)."""

    def solve(precision: Array, noise_precision: float) -> Solution:
        scaled = x / precision
        noise = np.eye(len(y)) / noise_precision
        row_covariance = scaled @ x.T + noise
        kalman_gain = np.linalg.solve(row_covariance, scaled)
        prior_variance = 1.0 / precision
        variance = prior_variance - (scaled * kalman_gain).sum(0)

        def covariance() -> Array:
            learned = scaled.T @ kalman_gain
            return np.asarray(np.diag(prior_variance) - learned)

        return Solution(kalman_gain.T @ y, variance, covariance)

    return solve
