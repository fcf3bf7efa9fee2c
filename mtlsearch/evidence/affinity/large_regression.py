"""The same regression where its columns are many: without a matrix of all their covariances.

Two ways, both exact. With more rows than numbers, the cells are eliminated: given all other
weights, those of two cells are independent, so that only a matrix of the other columns is inverted.
With fewer rows, a matrix of the rows is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array
from mtlsearch.evidence.affinity.design import Design
from mtlsearch.evidence.affinity.regression import Evidence, Fitted, Moments


class _CellsOfSize(NamedTuple):
    """What all cells of one size come to.

    Attributes:
        size: The number of rows of each.
        cells: The number of cells.
        products: The sum of the products of their sums of the other columns, [M, M].
        targets: The sum of the products of these sums and those of the targets, [M].
    """

    size: float
    cells: int
    products: Array
    targets: Array


@dataclass(frozen=True)
class CellPosterior:
    """A posterior in which the weights of cells are independent, given all others.

    The other columns are the numbers, the replicates and a constant.

    Attributes:
        mean: The means of the weights of numbers and cells, [D].
        covariance: The covariance of the weights of the other columns, [M, M].
        slopes: By how much the weight of a cell falls with each of these, [C, M].
        cell_variance: The variance of the weight of a cell, given all others, [C].
        dof: How many values the estimate of the noise rests on.
    """

    mean: Array
    covariance: Array
    slopes: Array
    cell_variance: Array
    dof: float

    @property
    def _numbers(self) -> int:
        """The number of columns of numbers, F."""
        return len(self.mean) - len(self.cell_variance)

    def sample(self, random: np.random.Generator, draws: int) -> Array:
        """Draws of the weights, [draws, D]."""
        others = random.normal(size=(draws, len(self.covariance))) @ self._root.T
        alone = random.normal(size=(draws, len(self.cell_variance)))
        cells = alone * np.sqrt(self.cell_variance) - others @ self.slopes.T
        deviations = np.hstack([others[:, : self._numbers], cells])
        return np.asarray(self.mean + deviations)

    @cached_property
    def _root(self) -> Array:
        """A matrix whose product with its transpose is `covariance`, [M, M]."""
        with threadpool_limits(1):
            values, vectors = np.linalg.eigh(self.covariance)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Means and standard deviations of x[..., D] times the weights; noise is left out."""
        cells = x[..., self._numbers :]
        touched = np.flatnonzero(cells.reshape(-1, cells.shape[-1]).any(0))
        weights = cells[..., touched]
        others = np.zeros((*x.shape[:-1], len(self.covariance)))
        others[..., : self._numbers] = x[..., : self._numbers]
        others -= weights @ self.slopes[touched]
        variance = ((others @ self.covariance) * others).sum(-1)
        variance = variance + weights**2 @ self.cell_variance[touched]
        return x @ self.mean, np.sqrt(np.maximum(variance, 0.0))


@dataclass(frozen=True)
class _System:
    """A regression on the rows of a design.

    Attributes:
        design: Its rows.
        y: The targets, centred and with a standard deviation of 1, [N].
    """

    design: Design
    y: Array

    @property
    def rows(self) -> int:
        """The number of rows, N."""
        return self.design.rows

    @property
    def group_count(self) -> int:
        """The number of groups, G."""
        return self.design.group_count


@dataclass(frozen=True)
class CellSystem(_System):
    """A regression on many rows: the cells are eliminated."""

    @cached_property
    def _others(self) -> Array:
        """The columns that are no cells, [N, M]. The constant does what centring would."""
        design = self.design
        in_replicate = np.eye(design.replicate_count)[design.replicates]
        constant = np.ones((design.rows, 1))
        return np.hstack([design.numbers, in_replicate, constant])

    @cached_property
    def _groups(self) -> Array:
        """The group of each of these but the constant, [M - 1]."""
        design = self.design
        replicates = np.full(design.replicate_count, design.replicate_group)
        return np.concatenate([design.number_groups, replicates])

    @cached_property
    def _gram(self) -> Array:
        return self._others.T @ self._others

    @cached_property
    def _targets(self) -> Array:
        return self._others.T @ self.y

    @cached_property
    def _sizes(self) -> Array:
        """The number of rows of each cell, [C]."""
        return np.bincount(self.design.cells, minlength=self.design.cell_count).astype(float)

    @cached_property
    def _cell_sums(self) -> Array:
        """The sums of the other columns over the rows of each cell, [C, M]."""
        sums = np.zeros((self.design.cell_count, self._others.shape[1]))
        np.add.at(sums, self.design.cells, self._others)
        return sums

    @cached_property
    def _cell_targets(self) -> Array:
        """The sum of the targets of each cell, [C]."""
        return np.bincount(self.design.cells, self.y, self.design.cell_count)

    @cached_property
    def _by_size(self) -> Sequence[_CellsOfSize]:
        """The cells by their size: what is done to all of one size is done at once."""
        groups = []
        for size in np.unique(self._sizes):
            members = self._sizes == size
            sums = self._cell_sums[members]
            targets = sums.T @ self._cell_targets[members]
            groups.append(_CellsOfSize(float(size), int(members.sum()), sums.T @ sums, targets))
        return groups

    def _covariance(self, evidence: Evidence) -> Array:
        """The covariance of the weights of the other columns, [M, M]."""
        precision = np.append(evidence.precision[self._groups], 0.0)
        matrix = evidence.noise * self._gram + np.diag(precision)
        for cells in self._by_size:
            share = evidence.noise**2 / self._cell_precision(evidence, cells.size)
            matrix -= share * cells.products
        return np.linalg.inv(matrix)

    def _other_means(self, evidence: Evidence, covariance: Array) -> Array:
        """The means of the weights of the other columns, [M]."""
        targets = evidence.noise * self._targets
        for cells in self._by_size:
            share = evidence.noise**2 / self._cell_precision(evidence, cells.size)
            targets = targets - share * cells.targets
        return covariance @ targets

    def _cell_precision(self, evidence: Evidence, size: float | Array) -> Array:
        """That of the weight of a cell of a size, given all others."""
        return np.asarray(evidence.noise * size + evidence.precision[self.design.cell_group])

    def _cell_means(self, evidence: Evidence, others: Array) -> Array:
        """The means of the weights of the cells, [C]."""
        share = evidence.noise / self._cell_precision(evidence, self._sizes)
        return np.asarray(share * (self._cell_targets - self._cell_sums @ others))

    def moments(self, evidence: Evidence) -> Moments:
        """What the posterior for these precisions says of them."""
        covariance = self._covariance(evidence)
        others = self._other_means(evidence, covariance)
        cells = self._cell_means(evidence, others)
        determined = self._determined(evidence, covariance)
        energy = np.bincount(self._groups, others[:-1] ** 2, self.group_count)
        energy[self.design.cell_group] = (cells**2).sum()
        residual = self.y - self._others @ others - cells[self.design.cells]
        return Moments(
            determined=determined,
            energy=energy,
            all_determined=float(determined.sum()),
            error=float((residual**2).sum()),
        )

    def _determined(self, evidence: Evidence, covariance: Array) -> Array:
        """How many weights of each group the data determine, [G]."""
        variance = np.diag(covariance)[:-1]
        prior = evidence.precision[self._groups]
        determined = np.bincount(self._groups, 1.0 - prior * variance, self.group_count)
        of_cells = 0.0
        for cells in self._by_size:
            precision = self._cell_precision(evidence, cells.size)
            through_others = (evidence.noise / precision) ** 2 * (cells.products * covariance).sum()
            of_cells += cells.cells / precision + through_others
        group = self.design.cell_group
        determined[group] = self.design.cell_count - evidence.precision[group] * of_cells
        return determined

    def fitted(self, evidence: Evidence, scale: float) -> Fitted:
        """The fit for these precisions, of targets that were divided by `scale`."""
        covariance = self._covariance(evidence)
        others = self._other_means(evidence, covariance)
        cells = self._cell_means(evidence, others)
        precision = self._cell_precision(evidence, self._sizes)
        free_rows = self.rows - self._determined(evidence, covariance).sum()
        first = self.design.number_columns
        numbers = others[:first]
        effects = others[first:-1]
        posterior = CellPosterior(
            mean=np.concatenate([numbers, cells]) * scale,
            covariance=covariance * scale**2,
            slopes=self._cell_sums * (evidence.noise / precision)[:, None],
            cell_variance=scale**2 / precision,
            dof=float(max(free_rows, 1.0)),
        )
        return Fitted(posterior, effects * scale)


@dataclass(frozen=True)
class RowPosterior:
    """A posterior by the rows that it rests on, which are fewer than its weights.

    Attributes:
        mean: The means of the weights of numbers and cells, [D].
        prior_variance: The variances of the weights of all columns before any row, [F + C + R].
        x: The columns that vary, centred, [N, V].
        varying: Which of all columns these are, [V].
        row_precision: The inverse of the covariance of the targets, [N, N].
        noise: The standard deviation of the noise.
        dof: How many values the estimate of the noise rests on.
    """

    mean: Array
    prior_variance: Array
    x: Array
    varying: Array
    row_precision: Array
    noise: float
    dof: float

    def sample(self, random: np.random.Generator, draws: int) -> Array:
        """Draws of the weights, [draws, D].

        A draw of the prior is corrected by what it misses of targets drawn with it (Matheron's
        rule; Wilson et al. 2020, arXiv:2002.09309).
        """
        shape = (draws, len(self.prior_variance))
        deviations = random.normal(size=shape) * np.sqrt(self.prior_variance)
        noise = self.noise * random.normal(size=(draws, len(self.x)))
        missed = deviations[:, self.varying] @ self.x.T + noise
        learned = missed @ self.row_precision @ self.x
        deviations[:, self.varying] -= learned * self.prior_variance[self.varying]
        return np.asarray(self.mean + deviations[:, : len(self.mean)])

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Means and standard deviations of x[..., D] times the weights; noise is left out."""
        prior = self.prior_variance[: len(self.mean)]
        kept = self.varying[self.varying < len(self.mean)]
        known = (x[..., kept] * prior[kept]) @ self.x[:, : len(kept)].T
        learned = ((known @ self.row_precision) * known).sum(-1)
        variance = x**2 @ prior - learned
        return x @ self.mean, np.sqrt(np.maximum(variance, 0.0))


@dataclass(frozen=True)
class RowSystem(_System):
    """A regression on fewer rows than numbers."""

    @cached_property
    def _varying(self) -> Array:
        """Which of all columns vary, [V]: of the others only the prior is known."""
        return np.flatnonzero(np.ptp(self._matrix, axis=0) > 0)

    @cached_property
    def _matrix(self) -> Array:
        return self.design.matrix()

    @cached_property
    def _products(self) -> Array:
        """The products of all pairs of rows, group by group, [G, N, N]."""
        groups = self.design.groups
        products = []
        for group in range(self.group_count):
            x = self._matrix[:, groups == group]
            products.append(x @ x.T)
        return np.array(products)

    def _row_precision(self, evidence: Evidence) -> Array:
        """The inverse of the covariance of the targets, [N, N]."""
        covariance = np.tensordot(1.0 / evidence.precision, self._products, 1)
        covariance[np.diag_indices(self.rows)] += 1.0 / evidence.noise
        return np.linalg.inv(covariance)

    def moments(self, evidence: Evidence) -> Moments:
        """What the posterior for these precisions says of them."""
        row_precision = self._row_precision(evidence)
        shares = row_precision @ self.y
        determined = self._determined(evidence, row_precision)
        energy = self._products @ shares @ shares / evidence.precision**2
        residual = shares / evidence.noise
        return Moments(
            determined=determined,
            energy=energy,
            all_determined=float(determined.sum()),
            error=float((residual**2).sum()),
        )

    def _determined(self, evidence: Evidence, row_precision: Array) -> Array:
        """How many weights of each group the data determine, [G]."""
        products = self._products.reshape(self.group_count, -1)
        return np.asarray(products @ row_precision.ravel() / evidence.precision)

    def fitted(self, evidence: Evidence, scale: float) -> Fitted:
        """The fit for these precisions, of targets that were divided by `scale`."""
        row_precision = self._row_precision(evidence)
        prior = 1.0 / evidence.precision[self.design.groups]
        mean = prior * (self._matrix.T @ (row_precision @ self.y))
        free_rows = self.rows - self._determined(evidence, row_precision).sum()
        width = self.design.width
        posterior = RowPosterior(
            mean=mean[:width] * scale,
            prior_variance=prior * scale**2,
            x=self._matrix[:, self._varying].astype(np.float32),
            varying=self._varying,
            row_precision=row_precision / scale**2,
            noise=scale / float(np.sqrt(evidence.noise)),
            dof=float(max(free_rows, 1.0)),
        )
        return Fitted(posterior, mean[width:] * scale)
