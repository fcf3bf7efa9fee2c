"""The columns of the regression: with whom a task shares, the settings, and the component."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.candidate import Component
from mtlsearch.evidence.affinity.settings import (
    SettingScale,
    fit_scales,
    settings_of,
    standardize,
)

MOST_KEPT = 5_000_000  # numbers of rows that are kept for all tasks, of 8 bytes each
MOST_LEVEL_COLUMNS = 64  # with more, who shares is told apart, but not on which level


@dataclass(frozen=True)
class ColumnBlocks:
    """Where in a row of the regression stands what. The blocks follow each other.

    The weights of the columns of a block have one prior variance.

    Attributes:
        sharing: For each other task the fraction of the levels that are shared with it, [T - 1].
        levels: For each other task and each level whether it is shared, [(T - 1) * L]; else empty.
        soft_sharing: For each other task the fraction of the levels with soft sharing, [T - 1].
        settings: The standardised settings.
        squares: Their squares, less 1, so that an optimum between the ends can be seen.
        cells: For each component that was trained whether it is this one.
    """

    sharing: slice
    levels: slice
    soft_sharing: slice
    settings: slice
    squares: slice
    cells: slice

    @classmethod
    def of_sizes(cls, **sizes: int) -> "ColumnBlocks":
        """The blocks of these sizes, which are given by the blocks' names."""
        start = 0
        slices = {}
        for block in fields(cls):
            stop = start + sizes[block.name]
            slices[block.name] = slice(start, stop)
            start = stop
        return cls(**slices)

    @property
    def width(self) -> int:
        """The number of columns, D."""
        return int(self.cells.stop)

    @property
    def numbers(self) -> Array:
        """The number of the block of each column, [D]."""
        numbers = np.empty(self.width, int)
        for number, block in enumerate(fields(self)):
            columns = getattr(self, block.name)
            numbers[columns] = number
        return numbers

    @property
    def cell_group(self) -> int:
        """The number of the block of the cells, which is the last."""
        return len(fields(self)) - 1


@dataclass(frozen=True)
class Columns:
    """How a component becomes numbers for one of its tasks.

    Attributes:
        tasks: The number of tasks of the dataset, T.
        depth: The number of levels, L.
        tells_levels: Whether it is told on which levels the task shares.
        scales: The scales of the settings that vary.
        cells: The components that were trained, numbered.
    """

    tasks: int
    depth: int
    tells_levels: bool
    scales: tuple[SettingScale, ...]
    cells: Mapping[Component, int]

    @classmethod
    def of(
        cls,
        observed: Sequence[tuple[Component, int]],
        tasks: int,
    ) -> "Columns":
        """The columns for what was trained: components, each with the position of a task."""
        settings = []
        cells: dict[Component, int] = {}
        for component, position in observed:
            settings.append(settings_of(component, position))
            cells.setdefault(component, len(cells))
        first, _ = observed[0]
        depth = first.candidate.tree.depth
        level_columns = (tasks - 1) * depth
        return cls(
            tasks=tasks,
            depth=depth,
            tells_levels=depth > 1 and level_columns <= MOST_LEVEL_COLUMNS,
            scales=fit_scales(settings),
            cells=cells,
        )

    @property
    def numbers(self) -> int:
        """The number of columns of numbers, which stand before those of the cells, F."""
        return int(self.blocks.cells.start)

    def others(self, task: int) -> list[int]:
        """The other tasks, in the order in which the columns of a task have them."""
        return [other for other in range(self.tasks) if other != task]

    @cached_property
    def blocks(self) -> ColumnBlocks:
        """Which columns are what."""
        others = self.tasks - 1
        return ColumnBlocks.of_sizes(
            sharing=others,
            levels=others * self.depth if self.tells_levels else 0,
            soft_sharing=others,
            settings=len(self.scales),
            squares=len(self.scales),
            cells=len(self.cells),
        )

    def of_group(self, group: str) -> Array:
        """Which columns come of a component's method of a setting group, bool [D].

        They are its settings, and of the group "sharing" also the soft sharing itself.
        """
        is_setting = [scale.setting.group == group for scale in self.scales]
        belongs = np.zeros(self.blocks.width, bool)
        belongs[self.blocks.settings] = is_setting
        belongs[self.blocks.squares] = is_setting
        belongs[self.blocks.soft_sharing] = group == "sharing"
        return belongs

    def sharing_change(
        self,
        task: int,
        other: int,
        levels: Sequence[int],
    ) -> Array:
        """The change of the row of a task when it shares these levels with another one, [D]."""
        index = other - (other > task)  # among the others
        change = np.zeros(self.blocks.width)
        sharing = change[self.blocks.sharing]
        sharing[index] = len(levels) / self.depth
        if self.tells_levels:
            in_levels = change[self.blocks.levels]
            by_level = in_levels.reshape(-1, self.depth)
            by_level[index, levels] = 1.0
        return change

    def row(self, component: Component, position: int) -> Array:
        """The row of the task at a position of the component, [D]."""
        row = np.zeros(self.blocks.width)
        row[: self.numbers] = self.numbers_of(component, position)
        if component in self.cells:
            cells = row[self.blocks.cells]
            cells[self.cells[component]] = 1.0
        return row

    def numbers_of(self, component: Component, position: int) -> Array:
        """The columns of numbers of that row, [F].

        Of few tasks they are worked out once: they are not to be written to.
        """
        key = (component, position)
        numbers = self._kept.get(key)
        if numbers is None:
            numbers = self._numbers(component, position)
            if len(self._kept) * self.tasks * self.numbers < MOST_KEPT:
                self._kept[key] = numbers
        return numbers

    @cached_property
    def _kept(self) -> dict[tuple[Component, int], Array]:
        return {}

    def _numbers(self, component: Component, position: int) -> Array:
        others = self.others(component.tasks[position])
        shared = self._shared_levels(component, position)[others]
        together = np.isin(others, component.tasks)
        apart: Array = together[:, None] - shared
        soft_levels = list(component.candidate.soft_shared_levels)
        soft_sharing = apart[:, soft_levels].sum(1)
        settings = settings_of(component, position)
        standardized = standardize(settings, self.scales)

        row = np.zeros(self.numbers)
        row[self.blocks.sharing] = shared.mean(1)
        if self.tells_levels:
            row[self.blocks.levels] = shared.ravel()
        row[self.blocks.soft_sharing] = soft_sharing / self.depth
        row[self.blocks.settings] = standardized
        row[self.blocks.squares] = standardized**2 - 1.0
        return row

    def _shared_levels(self, component: Component, position: int) -> Array:
        """Which levels each task of the dataset shares with the one at the position, [T, L]."""
        tree = component.candidate.tree
        shared = np.zeros((self.tasks, self.depth))
        shared[list(component.tasks)] = tree.shared_levels(position)
        return shared
