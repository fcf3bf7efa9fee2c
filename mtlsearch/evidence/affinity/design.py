"""The matrix of a task's regression, of which most columns only say where a row belongs."""

from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array


@dataclass(frozen=True)
class Design:
    """The rows of a regression.

    Their columns are numbers, then one for each cell, then one for each replicate; a row has a 1
    for its own cell and its own replicate.

    Attributes:
        numbers: The columns of numbers, [N, F].
        number_groups: The group of each of them, [F].
        cells: The cell of each row, numbered from 0, [N].
        replicates: The replicate of each row, numbered from 0, [N].
        cell_group: The group of the cells; that of the replicates is the next one, the last.
    """

    numbers: Array
    number_groups: Array
    cells: Array
    replicates: Array
    cell_group: int

    @property
    def rows(self) -> int:
        """The number of rows, N."""
        return len(self.numbers)

    @property
    def number_columns(self) -> int:
        """The number of columns of numbers, F."""
        return int(self.numbers.shape[1])

    @property
    def cell_count(self) -> int:
        """The number of cells, C."""
        return int(self.cells.max()) + 1

    @property
    def replicate_count(self) -> int:
        """The number of replicates, R."""
        return int(self.replicates.max()) + 1

    @property
    def width(self) -> int:
        """The number of columns of the model: without the replicates, D = F + C."""
        return self.number_columns + self.cell_count

    @property
    def all_columns(self) -> int:
        """The number of all columns, F + C + R."""
        return self.width + self.replicate_count

    @property
    def group_count(self) -> int:
        """The number of groups, G."""
        return self.cell_group + 2

    @property
    def replicate_group(self) -> int:
        """The group of the replicates."""
        return self.cell_group + 1

    @property
    def groups(self) -> Array:
        """The group of each of all columns, [F + C + R]."""
        cells = np.full(self.cell_count, self.cell_group)
        replicates = np.full(self.replicate_count, self.replicate_group)
        return np.concatenate([self.number_groups, cells, replicates])

    def matrix(self) -> Array:
        """All columns, centred, [N, F + C + R]."""
        in_cell = np.eye(self.cell_count)[self.cells]
        in_replicate = np.eye(self.replicate_count)[self.replicates]
        x = np.hstack([self.numbers, in_cell, in_replicate])
        centred: Array = x - x.mean(0)
        return centred

    def mean_row(self) -> Array:
        """The means of the columns of the model, [D]."""
        cell_shares = np.bincount(self.cells) / self.rows
        return np.concatenate([self.numbers.mean(0), cell_shares])

    def replicate_shares(self) -> Array:
        """The share of the rows that are on each replicate, [R]."""
        shares: Array = np.bincount(self.replicates) / self.rows
        return shares
