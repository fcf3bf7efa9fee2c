"""The contract of sharing structures: which tasks share which level's stage."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self

from mtlsearch.arrays import Array

Node = tuple[int, ...]  # the tasks that share one stage, ascending
Partition = tuple[Node, ...]  # the nodes of one level, ordered by their first task


class SharingStructure(Protocol):
    """A structure over the tasks 0..T-1 on L levels, numbered from 0 at the inputs.

    Values of a structure are hashable, and two of them are equal exactly when the same tasks share
    the same stages. On every level each task belongs to one node, whose stage it uses; a node is
    called by its level and its place there.
    """

    @property
    def depth(self) -> int:
        """Number of levels, L."""
        ...

    @property
    def tasks(self) -> int:
        """Number of tasks, T."""
        ...

    @property
    def levels(self) -> tuple[Partition, ...]:
        """The nodes of each level, each with its tasks."""
        ...

    def node(self, level: int, task: int) -> int:
        """The node of a level that a task uses."""
        ...

    def parent(self, level: int, node: int) -> int:
        """The node of the level before from which a node takes its input; levels from 1 on."""
        ...

    @property
    def components(self) -> Partition:
        """The tasks that share something, group by group."""
        ...

    @property
    def is_separate(self) -> bool:
        """Whether no two tasks share a stage."""
        ...

    def restrict(self, tasks: Sequence[int]) -> Self:
        """The structure of these tasks alone, renumbered 0..len(tasks)-1 in the order given."""
        ...

    def parameters(self) -> Mapping[str, int]:
        """The parameters, by name, with which a search space samples this structure."""
        ...

    def shared_levels(self, task: int) -> Array:
        """The columns [T, L] of a regression on who shares with a task.

        They are 1 where the other task uses the same node, else 0.
        """
        ...

    def spell(self, names: Sequence[str]) -> str:
        """One line for people, with a name for each task."""
        ...

    def to_json(self) -> Any:
        """The structure as lists of numbers."""
        ...
