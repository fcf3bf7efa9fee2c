"""Where the stages of a composition stand in its drawing.

Every level has a column; every task and every expert has a row.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mtlsearch.report.labels import columns_of
from mtlsearch.report.model import Composition, ReportedComponent

# All lengths are in pixels.
STEM_WIDTH = 68.0  # what the input adapters take on the left
BOX_WIDTH = 38.0
COLUMN_WIDTH = 62.0
FIRST_COLUMN = STEM_WIDTH + 12
TOP = 26.0  # above the first row stand the numbers of the levels
NODE_GAP = 6.0  # between the nodes of neighbouring rows
COMPONENT_GAP = 5.0
NAME_COLUMNS = 26  # room for a task's name in terminal columns: a wide character takes two
NAME_COLUMN_WIDTH = 8.2

Expert = tuple[int, int]  # the number of the component, and of the expert within it
RowKey = str | Expert  # what a row belongs to: a task, or an expert


@dataclass(frozen=True)
class Node:
    """One stage and its place. `component` numbers the components of the composition.

    An expert, a branch that no task owns, has a number and no tasks.
    """

    component: int
    level: int
    tasks: tuple[str, ...]
    expert: int | None
    x: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Vertical middle."""
        return (self.top + self.bottom) / 2

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + BOX_WIDTH

    @property
    def height(self) -> float:
        """Distance from the top to the bottom."""
        return self.bottom - self.top

    @property
    def is_shared(self) -> bool:
        """True when more than one task uses this stage."""
        return len(self.tasks) > 1


@dataclass(frozen=True)
class TreeLayout:
    """The rows (their vertical middles), the nodes and the size of a drawing."""

    composition: Composition
    rows: Mapping[RowKey, float]
    nodes: Sequence[Node]
    depth: int

    @classmethod
    def of(cls, composition: Composition) -> "TreeLayout":
        """Lay out a composition."""
        depths = [len(component.levels) for component in composition]
        rows = _rows(composition)
        nodes = tuple(_nodes(composition, rows))
        return cls(composition, rows, nodes, max(depths, default=0))

    @property
    def task_rows(self) -> dict[str, float]:
        """The rows of the tasks alone."""
        return {key: y for key, y in self.rows.items() if isinstance(key, str)}

    @property
    def width(self) -> float:
        """Width of the drawing."""
        longest = max((columns_of(task) for task in self.task_rows), default=0)
        names = NAME_COLUMN_WIDTH * min(NAME_COLUMNS, longest)
        return column_x(self.depth) + names + 14

    @property
    def height(self) -> float:
        """Height of the drawing."""
        last_row = max(self.rows.values(), default=TOP)
        return last_row + _row_height(len(self.rows)) / 2 + 6

    def successors(self, node: Node) -> list[Node]:
        """The nodes of the next level that take their input from a node."""
        level = self._column(node.component, node.level)
        next_level = self._column(node.component, node.level + 1)
        experts_begin = all(other.expert is None for other in level)
        return [other for other in next_level if _feeds(node, other, experts_begin)]

    def soft_shared_pairs(self) -> Iterator[tuple[Node, Node]]:
        """Pairs of nodes, the upper one first, that stand for the soft sharing of a level."""
        for number, component in enumerate(self.composition):
            for level in component.soft_shared_levels:
                column = self._column(number, level - 1)
                yield from _neighbours(column, component.private)

    def _column(self, component: int, level: int) -> list[Node]:
        """The nodes of one level of a component, from the top."""
        nodes = []
        for node in self.nodes:
            if node.component == component and node.level == level:
                nodes.append(node)
        return sorted(nodes, key=lambda node: node.top)


def column_x(level: int) -> float:
    """The left edge of a level's nodes; after the last level stand the heads."""
    return FIRST_COLUMN + level * COLUMN_WIDTH


def expert_count(component: ReportedComponent) -> int:
    """How many experts a component has where it has most."""
    return max(component.experts, default=0)


def _feeds(node: Node, successor: Node, experts_begin: bool) -> bool:
    """Whether a node feeds one of the next level.

    Where experts begin, they are fed by what all tasks share.
    """
    if successor.expert is not None and not experts_begin:
        return successor.expert == node.expert
    if node.expert is not None:
        return False
    return set(successor.tasks) <= set(node.tasks)


def _neighbours(column: Sequence[Node], private: bool) -> Iterator[tuple[Node, Node]]:
    """Pairs of neighbouring nodes.

    Private branches are paired with the first expert instead of with each other.
    """
    experts = [node for node in column if node.expert is not None]
    if not private or not experts:
        yield from pairwise(column)
        return
    first_expert = experts[0]
    for node in column:
        if node.expert is None:
            yield node, first_expert
    yield from pairwise(experts)


def _row_height(rows: int) -> float:
    if rows <= 12:
        return 30.0
    if rows <= 24:
        return 24.0
    return 20.0


def _rows(composition: Composition) -> dict[RowKey, float]:
    """Order the tasks of each component so that those of a node are neighbours.

    Below them stand the experts of the component.
    """
    row_count = 0
    for component in composition:
        row_count += len(component.tasks)
        row_count += expert_count(component)
    row_height = _row_height(row_count)

    rows: dict[RowKey, float] = {}
    y = TOP
    for number, component in enumerate(composition):
        for key in _row_keys(number, component):
            rows[key] = y + row_height / 2
            y += row_height
        y += COMPONENT_GAP
    return rows


def _row_keys(number: int, component: ReportedComponent) -> Iterator[RowKey]:
    yield from _ordered_tasks(component)
    for expert in range(expert_count(component)):
        yield number, expert


def _ordered_tasks(component: ReportedComponent) -> list[str]:
    """The tasks by their node of the first level, then of the second, and so on."""
    node_numbers: dict[str, list[int]] = {task: [] for task in component.tasks}
    for level in component.levels:
        for number, node in enumerate(level):
            for task in node:
                node_numbers[task].append(number)
    return sorted(component.tasks, key=lambda task: node_numbers[task])


def _nodes(composition: Composition, rows: Mapping[RowKey, float]) -> Iterator[Node]:
    half = (_row_height(len(rows)) - NODE_GAP) / 2
    for number, component in enumerate(composition):
        for level, partition in enumerate(component.levels):
            x = column_x(level)
            for node_tasks in partition:
                tasks = tuple(sorted(node_tasks, key=lambda task: rows[task]))
                top = rows[tasks[0]] - half
                bottom = rows[tasks[-1]] + half
                yield Node(number, level, tasks, None, x, top, bottom)
            for expert in range(component.experts[level]):
                y = rows[number, expert]
                yield Node(number, level, (), expert, x, y - half, y + half)
