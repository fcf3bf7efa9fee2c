"""The sharing tree: encoding, canonical spelling, components. Integers only."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.structure.contract import Node, Partition


@dataclass(frozen=True)
class SharingTree:
    """For each level a partition of the tasks 0..T-1; a level only refines the one before it.

    Two trees are equal exactly when the same tasks share the same stages: the spelling is
    canonical.

    >>> SharingTree.decode(hosts=[0, 0], splits=[2, 1], depth=2).levels
    (((0, 1, 2),), ((0, 1), (2,)))
    """

    levels: tuple[Partition, ...]

    def __post_init__(self) -> None:
        """Bring the partitions into canonical order.

        Raises ValueError if a level does not refine the one before.
        """
        ordered = tuple(_canonical(level) for level in self.levels)
        if not ordered:
            raise ValueError("a sharing tree needs at least one level")
        tasks = _tasks_of(ordered[0])
        if tasks != list(range(len(tasks))):
            raise ValueError(
                f"level 0 must hold each of the tasks 0..{len(tasks) - 1} once, found {tasks}"
            )
        for above, below in pairwise(ordered):
            if _tasks_of(below) != tasks:
                raise ValueError("each level must hold each task once")
            if not all(_has_parent(node, above) for node in below):
                raise ValueError(f"level {below} does not refine {above}")
        object.__setattr__(self, "levels", ordered)

    @classmethod
    def separate(cls, tasks: int, depth: int) -> "SharingTree":
        """Every task alone on every level: single-task learning."""
        alone = tuple((task,) for task in range(tasks))
        return cls((alone,) * depth)

    @classmethod
    def shared(cls, tasks: int, depth: int) -> "SharingTree":
        """All tasks together on every level: hard sharing."""
        together = (tuple(range(tasks)),)
        return cls((together,) * depth)

    @classmethod
    def decode(
        cls,
        hosts: Sequence[int],
        splits: Sequence[int],
        depth: int,
        max_branches: int | None = None,
    ) -> "SharingTree":
        """Build the tree of these hosts and splits.

        Task t (1..T-1) follows the path of `hosts[t-1]` for `splits[t-1]` levels, then leaves it.
        Hosts lie in 0..t-1 and splits in 0..depth (depth: shares all stages; 0: separate from the
        first), so every combination is valid. A task that would open more than `max_branches`
        branches stays with its host.
        """
        paths = [[0] * depth]  # paths[t][level]: the task that opened the node in which t stands
        for host, split in zip(hosts, splits, strict=True):
            task = len(paths)
            branches = {path[-1] for path in paths}
            if max_branches is not None and len(branches) >= max_branches:
                split = depth
            common = paths[host][:split]
            left = [task] * (depth - split)
            paths.append(common + left)
        levels = []
        for level in range(depth):
            levels.append(_partition([path[level] for path in paths]))
        return cls(tuple(levels))

    def encode(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the canonical (hosts, splits) of this tree.

        The host is the first task with the longest common path.
        """
        hosts, splits = [], []
        for task in range(1, self.tasks):
            common = [self._common_levels(task, other) for other in range(task)]
            longest = max(common)
            hosts.append(common.index(longest) if longest else 0)
            splits.append(longest)
        return tuple(hosts), tuple(splits)

    def _common_levels(self, task: int, other: int) -> int:
        """Number of levels on which two tasks share the stage."""
        common = 0
        for level in range(self.depth):
            if self.node(level, task) == self.node(level, other):
                common += 1
        return common

    def parameters(self) -> dict[str, int]:
        """The parameters `host_1`, ..., `split_1`, ... with which a space samples this tree."""
        hosts, splits = self.encode()
        parameters = {}
        for task, host in enumerate(hosts, start=1):
            parameters[f"host_{task}"] = host
        for task, split in enumerate(splits, start=1):
            parameters[f"split_{task}"] = split
        return parameters

    def shared_levels(self, task: int) -> Array:
        """1 where another task shares the stage of `task`, else 0: [T, L].

        The task itself shares all of them.
        """
        shared = np.zeros((self.tasks, self.depth))
        for level, nodes in enumerate(self.levels):
            node = nodes[self.node(level, task)]
            shared[list(node), level] = 1.0
        return shared

    @property
    def depth(self) -> int:
        """Number of levels, L."""
        return len(self.levels)

    @cached_property
    def tasks(self) -> int:
        """Number of tasks, T."""
        return sum(len(node) for node in self.levels[0])

    @cached_property
    def _node_of_task(self) -> tuple[dict[int, int], ...]:
        levels = []
        for nodes in self.levels:
            numbers: dict[int, int] = {}
            for number, node in enumerate(nodes):
                numbers.update(dict.fromkeys(node, number))
            levels.append(numbers)
        return tuple(levels)

    def node(self, level: int, task: int) -> int:
        """Index within `levels[level]` of the node that holds `task`."""
        return self._node_of_task[level][task]

    def parent(self, level: int, node: int) -> int:
        """Index within `levels[level - 1]` of the node from which this one takes its input."""
        first_task = self.levels[level][node][0]
        return self.node(level - 1, first_task)

    @property
    def components(self) -> Partition:
        """The tasks that share something, group by group: the nodes of level 0."""
        return self.levels[0]

    @property
    def is_separate(self) -> bool:
        """True when no two tasks share a stage."""
        return len(self.levels[0]) == self.tasks

    def restrict(self, tasks: Sequence[int]) -> "SharingTree":
        """The tree of these tasks alone, renumbered 0..len(tasks)-1 in the order given."""
        number = {task: position for position, task in enumerate(tasks)}
        levels = []
        for level, all_nodes in enumerate(self.levels):
            holding = {self.node(level, task) for task in tasks}
            nodes = []
            for index in sorted(holding):
                kept = tuple(number[task] for task in all_nodes[index] if task in number)
                nodes.append(kept)
            levels.append(tuple(nodes))
        return SharingTree(tuple(levels))

    def spell(self, names: Sequence[str]) -> str:
        """One line for people: `a+b+c > a+b | c`, levels from the input to the heads."""
        levels = []
        for level in self.levels:
            nodes = []
            for node in level:
                members = [names[task] for task in node]
                nodes.append("+".join(members))
            levels.append(" | ".join(nodes))
        return " > ".join(levels)

    def to_json(self) -> list[list[list[int]]]:
        """Nested lists of task numbers: levels, nodes, tasks."""
        return [[list(node) for node in level] for level in self.levels]

    @classmethod
    def from_json(cls, levels: Sequence[Sequence[Sequence[int]]]) -> "SharingTree":
        """Inverse of `to_json`."""
        partitions = []
        for level in levels:
            partitions.append(tuple(tuple(node) for node in level))
        return cls(tuple(partitions))


def _canonical(level: Partition) -> Partition:
    """The nodes with ascending tasks, ordered by their first task."""
    nodes = [tuple(sorted(node)) for node in level]
    return tuple(sorted(nodes))


def _tasks_of(level: Partition) -> list[int]:
    """The tasks of all nodes of a level, ascending."""
    return sorted(task for node in level for task in node)


def _has_parent(node: Node, level: Partition) -> bool:
    """Whether a node of `level` holds all tasks of `node`."""
    return any(set(node) <= set(parent) for parent in level)


def _partition(labels: Sequence[int]) -> Partition:
    """The partition in which tasks with equal labels are together; task t has `labels[t]`."""
    members: dict[int, list[int]] = {}
    for task, label in enumerate(labels):
        members.setdefault(label, []).append(task)
    return tuple(tuple(node) for node in members.values())
