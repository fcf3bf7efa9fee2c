"""Bayesian linear regression whose columns come in groups, each with a prior variance of its own.

The prior variances and the noise are those of the largest evidence, found by fixed-point steps
(MacKay 1992, "Bayesian Interpolation"; Tipping 2001 with one variance per column). A group that
explains nothing is shrunk, but never to certainty: its variance has a prior worth one weight of
size EXPECTED_WEIGHT, else intervals of weak effects would collapse. The noise has the same prior,
else more columns than rows would leave none.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array

STEPS = 200
TOLERANCE = 1e-4  # of the logarithm of a precision, below which the steps end
INITIAL_PRECISION = 10.0
EXPECTED_WEIGHT = 0.1  # in standard deviations of the targets


class Posterior(Protocol):
    """The posterior distribution of the weights, which is normal."""

    @property
    def mean(self) -> Array:
        """The means of the weights, [D]."""
        ...

    @property
    def dof(self) -> float:
        """How many values the estimate of the noise rests on."""
        ...

    def sample(self, random: np.random.Generator, draws: int) -> Array:
        """Draws of the weights, [draws, D]."""
        ...

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Means and standard deviations of x[..., D] times the weights; noise is left out."""
        ...


@dataclass(frozen=True)
class FullPosterior:
    """A posterior with all covariances.

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

    def split(self, width: int) -> "Fitted":
        """The first `width` weights by themselves, and the means of the others."""
        first = replace(
            self,
            mean=self.mean[:width],
            covariance=self.covariance[:width, :width],
        )
        return Fitted(first, self.mean[width:])


class Fitted(NamedTuple):
    """A fitted regression.

    Attributes:
        posterior: The weights of the model, [D].
        effects: The means of the weights of the replicates, which the model leaves out, [R].
    """

    posterior: Posterior
    effects: Array


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


@dataclass(frozen=True)
class Moments:
    """What the posterior for given precisions says of them.

    Attributes:
        determined: How many weights of each group the data determine, [G].
        energy: The sum of the squared means of each group, [G].
        all_determined: How many weights of all groups the data determine.
        error: The sum of the squared residuals.
    """

    determined: Array
    energy: Array
    all_determined: float
    error: float


@dataclass(frozen=True)
class Evidence:
    """The precisions of the largest evidence: all that takes steps to find.

    Attributes:
        precision: That of the weights of each group, [G].
        noise: That of the noise.
    """

    precision: Array
    noise: float


class System(Protocol):
    """A regression whose posterior can be asked for at any precisions."""

    @property
    def rows(self) -> int:
        """The number of rows, N."""
        ...

    @property
    def group_count(self) -> int:
        """The number of groups, G."""
        ...

    def moments(self, evidence: Evidence) -> Moments:
        """What the posterior for these precisions says of them."""
        ...


def largest_evidence(system: System) -> Evidence:
    """Search the precisions of the largest evidence."""
    precision = np.full(system.group_count, INITIAL_PRECISION)
    noise_precision = 1.0
    for _ in range(STEPS):
        moments = system.moments(Evidence(precision, noise_precision))
        renewed = (moments.determined + 1.0) / (moments.energy + EXPECTED_WEIGHT**2)
        free_rows = system.rows - moments.all_determined
        noise_precision = (free_rows + 1.0) / (moments.error + EXPECTED_WEIGHT**2)
        change = np.abs(np.log(renewed / precision))
        precision = renewed
        if change.max(initial=0.0) < TOLERANCE:
            break
    return Evidence(precision, noise_precision)


@dataclass(frozen=True)
class FullSystem:
    """A regression with all covariances between its columns.

    Attributes:
        x: The columns, centred, [N, D].
        y: The targets, centred and with a standard deviation of 1, [N].
        groups: The group of each column, numbered from 0, [D].
        kept: The number of the first columns that are those of the model.
    """

    x: Array
    y: Array
    groups: Array
    kept: int

    @property
    def rows(self) -> int:
        """The number of rows, N."""
        return len(self.y)

    @property
    def group_count(self) -> int:
        """The number of groups, G."""
        return int(self.groups.max(initial=-1)) + 1

    @cached_property
    def _solve(self) -> Solve:
        _, width = self.x.shape
        if self.rows < width:
            return _by_rows(self.x, self.y)
        return _by_columns(self.x, self.y)

    def moments(self, evidence: Evidence) -> Moments:
        """What the posterior for these precisions says of them."""
        precision = evidence.precision[self.groups]
        solution = self._solve(precision, evidence.noise)
        determined = solution.determined(precision)
        residual = self.y - self.x @ solution.mean
        return Moments(
            determined=np.bincount(self.groups, determined, self.group_count),
            energy=np.bincount(self.groups, solution.mean**2, self.group_count),
            all_determined=determined.sum(),
            error=float((residual**2).sum()),
        )

    def fitted(self, evidence: Evidence, scale: float) -> Fitted:
        """The fit for these precisions, of targets that were divided by `scale`."""
        return self.posterior(evidence, scale).split(self.kept)

    def posterior(self, evidence: Evidence, scale: float) -> FullPosterior:
        """The posterior for these precisions, of targets that were divided by `scale`."""
        precision = evidence.precision[self.groups]
        solution = self._solve(precision, evidence.noise)
        determined = solution.determined(precision)
        free_rows = self.rows - determined.sum()
        return FullPosterior(
            mean=solution.mean * scale,
            covariance=solution.covariance() * scale**2,
            noise=scale / np.sqrt(evidence.noise),
            dof=float(max(free_rows, 1.0)),
        )


def fit(
    x: Array,
    y: Array,
    groups: Array,
) -> FullPosterior:
    """Fit the regression.

    Args:
        x: The columns, centred, [N, D].
        y: The targets, centred, [N].
        groups: The group of each column, numbered from 0, [D].
    """
    rows, width = x.shape
    scale = float(y.std())
    if rows < 2 or scale == 0.0:
        return nothing_known(width)
    system = FullSystem(x, y / scale, groups, width)
    return system.posterior(largest_evidence(system), scale)


def nothing_known(width: int) -> FullPosterior:
    """The posterior where the targets do not differ."""
    return FullPosterior(
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
