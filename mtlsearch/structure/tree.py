"""The sharing tree: which tasks share which level's stage. Encoding, canonical spelling, components; integers only."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

Node = tuple[int, ...]  # the tasks that share one stage, ascending
Partition = tuple[Node, ...]  # the nodes of one level, ordered by their first task


@dataclass(frozen=True)
class SharingTree:
    """For each level a partition of the tasks 0..T-1; a level only refines the one before it.

    Two trees are equal exactly when the same tasks share the same stages: the spelling is canonical.
    """

    levels: tuple[Partition, ...]

    def __post_init__(self) -> None:
        """Bring the partitions into canonical order. Raises ValueError if a level does not refine the one before."""
        ordered = tuple(
            tuple(sorted(tuple(sorted(node)) for node in level)) for level in self.levels
        )
        if not ordered:
            raise ValueError("a sharing tree needs at least one level")
        tasks = sorted(task for node in ordered[0] for task in node)
        if tasks != list(range(len(tasks))):
            raise ValueError(
                f"level 0 must hold each of the tasks 0..{len(tasks) - 1} once, found {tasks}"
            )
        for above, below in pairwise(ordered):
            if sorted(task for node in below for task in node) != tasks:
                raise ValueError("each level must hold each task once")
            if not all(any(set(node) <= set(parent) for parent in above) for node in below):
                raise ValueError(f"level {below} does not refine {above}")
        object.__setattr__(self, "levels", ordered)

    @classmethod
    def separate(cls, tasks: int, depth: int) -> "SharingTree":
        """Every task alone on every level: single-task learning."""
        return cls((tuple((task,) for task in range(tasks)),) * depth)

    @classmethod
    def shared(cls, tasks: int, depth: int) -> "SharingTree":
        """All tasks together on every level: hard sharing."""
        return cls(((tuple(range(tasks)),),) * depth)

    @classmethod
    def decode(
        cls,
        hosts: Sequence[int],
        splits: Sequence[int],
        depth: int,
        max_branches: int | None = None,
    ) -> "SharingTree":
        """Build the tree in which task t (1..T-1) follows the path of `hosts[t-1]` for `splits[t-1]` levels, then leaves.

        Hosts lie in 0..t-1 and splits in 0..depth (depth: shares all stages; 0: separate from the first), so every
        combination is valid. A task that would open more than `max_branches` branches stays with its host.
        """
        branch: list[list[int]] = [
            [0] * depth
        ]  # branch[t][level]: the task that opened the node t stands in
        for task, (host, split) in enumerate(zip(hosts, splits, strict=True), start=1):
            if max_branches is not None and len({path[-1] for path in branch}) >= max_branches:
                split = depth
            branch.append(branch[host][:split] + [task] * (depth - split))
        return cls(tuple(_partition([path[level] for path in branch]) for level in range(depth)))

    def encode(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the canonical (hosts, splits) of this tree: the first task with the longest common path is the host."""
        hosts, splits = [], []
        for task in range(1, self.tasks):
            common = [
                sum(
                    self.node(level, task) == self.node(level, other) for level in range(self.depth)
                )
                for other in range(task)
            ]
            shared = max(common)
            hosts.append(common.index(shared) if shared else 0)
            splits.append(shared)
        return tuple(hosts), tuple(splits)

    @property
    def depth(self) -> int:
        """Number of levels, L."""
        return len(self.levels)

    @cached_property
    def tasks(self) -> int:
        """Number of tasks, T."""
        return sum(len(node) for node in self.levels[0])

    @cached_property
    def _index(self) -> tuple[dict[int, int], ...]:
        return tuple(
            {task: index for index, node in enumerate(level) for task in node}
            for level in self.levels
        )

    def node(self, level: int, task: int) -> int:
        """Index within `levels[level]` of the node that holds `task`."""
        return self._index[level][task]

    def parent(self, level: int, node: int) -> int:
        """Index within `levels[level - 1]` of the node from which this one takes its input."""
        return self.node(level - 1, self.levels[level][node][0])

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
        return SharingTree(
            tuple(
                tuple(
                    kept
                    for node in level
                    if (kept := tuple(number[task] for task in node if task in number))
                )
                for level in self.levels
            )
        )

    def spell(self, names: Sequence[str]) -> str:
        """One line for people: `a+b+c > a+b | c`, levels from the input to the heads."""
        return " > ".join(
            " | ".join("+".join(names[task] for task in node) for node in level)
            for level in self.levels
        )

    def to_json(self) -> list[list[list[int]]]:
        """Nested lists of task numbers: levels, nodes, tasks."""
        return [[list(node) for node in level] for level in self.levels]

    @classmethod
    def from_json(cls, levels: Sequence[Sequence[Sequence[int]]]) -> "SharingTree":
        """Inverse of `to_json`."""
        return cls(tuple(tuple(tuple(node) for node in level) for level in levels))


def _partition(labels: Sequence[int]) -> Partition:
    members: dict[int, list[int]] = {}
    for task, label in enumerate(labels):
        members.setdefault(label, []).append(task)
    return tuple(tuple(node) for node in members.values())
