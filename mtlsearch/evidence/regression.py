"""Bayesian linear regression whose columns come in groups, each with a prior variance of its own, learned from the data.

The prior variances and the noise are those of the largest evidence, found by fixed-point steps (MacKay 1992, "Bayesian
Interpolation"; Tipping 2001 with one variance per column). A group that explains nothing is shrunk, but never to certainty:
its variance has a prior worth one weight of size EXPECTED, else intervals of weak effects would collapse. The noise has the
same, else more columns than rows would leave none.
"""

from dataclasses import dataclass

import numpy as np

from mtlsearch.data import Array

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
        return random.multivariate_normal(self.mean, self.covariance, draws, method="eigh", check_valid="ignore")

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
    gram, moment, square = x.T @ x, x.T @ y, float(y @ y)
    precision, noise = np.full(groups.max(initial=-1) + 1, 10.0), 1.0
    for _ in range(STEPS):
        mean, covariance = _solve(gram, moment, precision[groups], noise)
        known = 1.0 - precision[groups] * np.diag(covariance)  # how far the data determine each weight
        energy = np.bincount(groups, mean**2, len(precision))
        renewed = (np.bincount(groups, known, len(precision)) + 1.0) / (energy + EXPECTED**2)
        error = square - 2 * mean @ moment + mean @ gram @ mean
        noise = (len(y) - known.sum() + 1.0) / (error + EXPECTED**2)
        moved, precision = np.abs(np.log(renewed / precision)).max(initial=0.0), renewed
        if moved < TOLERANCE:
            break
    mean, covariance = _solve(gram, moment, precision[groups], noise)
    freedom = max(len(y) - (1.0 - precision[groups] * np.diag(covariance)).sum(), 1.0)
    return Posterior(mean * unit, covariance * unit**2, unit / np.sqrt(noise), float(freedom))


def _solve(gram: Array, moment: Array, precision: Array, noise: float) -> tuple[Array, Array]:
    covariance = np.linalg.inv(noise * gram + np.diag(precision))
    return noise * covariance @ moment, covariance
