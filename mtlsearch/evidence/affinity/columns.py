"""How a component becomes numbers for a regression: whom a task shares with on which level, and all settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.candidate import Component

MOST_LEVEL_COLUMNS = 64  # with more, who shares is told apart, but not on which level
WIDE = 5.0  # a setting whose largest value is so many times its smallest is seen on a log scale


class Scale(NamedTuple):
    """How a setting is standardised; on a log scale, from its lowest value on, where `low` is not 0."""

    name: str
    low: float
    mean: float
    deviation: float


@dataclass(frozen=True)
class Columns:
    """How a component becomes numbers for one of its tasks: whom it shares with, its settings, and which component it is.

    `settings` are those that vary; `cells` are the components trained.
    """

    tasks: int
    depth: int
    levels: bool
    settings: tuple["Scale", ...]
    cells: Mapping[Component, int]

    @classmethod
    def of(cls, observed: Sequence[tuple[Component, int]], tasks: int) -> "Columns":
        """For the components with the place of a task in each."""
        depth = observed[0][0].candidate.tree.depth
        cells = {
            component: number
            for number, component in enumerate(
                dict.fromkeys(component for component, _ in observed)
            )
        }
        flat = [_settings(component, place) for component, place in observed]
        found = []
        for name in sorted({name for each in flat for name in each}):
            values = np.array([each[name] for each in flat if name in each])
            low = (
                float(values.min())
                if values.min() > 0 and values.max() / values.min() >= WIDE
                else 0.0
            )
            values = np.log(values) if low else values
            whole = (
                np.concatenate([values, np.zeros(len(flat) - len(values))])
                if "=" in name
                else values
            )
            if whole.std() > 0:
                found.append(Scale(name, low, float(whole.mean()), float(whole.std())))
        levels = depth > 1 and (tasks - 1) * depth <= MOST_LEVEL_COLUMNS
        return cls(tasks, depth, levels, tuple(found), cells)

    @cached_property
    def groups(self) -> Array:
        """The group of each column: shared levels, each level, ties, settings, their squares, cells."""
        others, settings = self.tasks - 1, len(self.settings)
        sizes = (
            others,
            others * self.depth * self.levels,
            others,
            settings,
            settings,
            len(self.cells),
        )
        return np.repeat(np.arange(len(sizes)), sizes)

    def about(self, part: str) -> Array:
        """Which columns [D] come of what a candidate has of a part: its settings, and ties of the sharing."""
        own = [scale.name.startswith((f"{part}=", f"{part}.")) for scale in self.settings]
        others = self.tasks - 1
        by_group = (
            [False] * others,
            [False] * others * self.depth * self.levels,
            [part == "sharing"] * others,
            own,
            own,
        )
        return np.concatenate([*by_group, [False] * len(self.cells)]).astype(bool)

    def row(self, component: Component, place: int) -> Array:
        """The numbers of the component's task at `place`; made once, and not to be written to."""
        if (component, place) not in self._rows:
            self._rows[component, place] = self._row(component, place)
        return self._rows[component, place]

    @cached_property
    def _rows(self) -> dict[tuple[Component, int], Array]:
        return {}

    def _row(self, component: Component, place: int) -> Array:
        task, tree = component.tasks[place], component.candidate.tree
        shared = np.zeros((self.tasks, self.depth))
        for other, number in enumerate(component.tasks):
            shared[number] = [
                tree.node(level, place) == tree.node(level, other) for level in range(self.depth)
            ]
        together = np.isin(np.arange(self.tasks), component.tasks)
        shared, together = np.delete(shared, task, 0), np.delete(together, task)
        tied = (together[:, None] - shared)[:, list(component.candidate.tied)].sum(1) / self.depth
        settings = self._numbers(_settings(component, place))
        cells = np.zeros(len(self.cells))
        if component in self.cells:
            cells[self.cells[component]] = 1.0
        by_level = shared.ravel() if self.levels else np.zeros(0)
        return np.concatenate([shared.mean(1), by_level, tied, settings, settings**2 - 1.0, cells])

    def _numbers(self, values: Mapping[str, float]) -> Array:
        """Standardised; a setting that the component does not have is average, and a choice not made is zero."""
        found = []
        for name, low, mean, deviation in self.settings:
            value = values.get(name, 0.0 if "=" in name else None)
            if value is not None and low:
                value = float(np.log(max(value, low)))
            found.append(0.0 if value is None else (value - mean) / deviation)
        return np.array(found)


def _settings(component: Component, place: int) -> dict[str, float]:
    """Every number among the settings, with the task's own of those that are per task, and `name=word` for each choice."""
    found: dict[str, float] = {}
    for part, fields in component.candidate.to_json().items():
        if part != "tree":
            found[f"{part}={fields.pop('name')}"] = 1.0
            words = {key: value for key, value in fields.items() if isinstance(value, str)}
            numbers = {
                key: value
                for key, value in fields.items()
                if key not in words and value is not None
            }
            found |= {f"{part}.{key}={word}": 1.0 for key, word in words.items()}
            found |= {f"{part}.{key}": _number(value, place) for key, value in numbers.items()}
    return found


def _number(value: Any, place: int) -> float:
    if isinstance(value, list | tuple):
        return float(value[place] / np.mean(value)) if value else 1.0
    return float(value)
