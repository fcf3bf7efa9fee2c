"""A forest of networks as integers: whose each row of a stack is, and what it reads.

Rows are ordered by member, so that leaving members out leaves the order of the others as it was.
Stacks are ordered by source and by task whoever the members are: they are added up in this order,
and the last bits must not depend on company.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.sharing import Sharing
from mtlsearch.structure.wiring import ALL_SOURCES, Edge
from mtlsearch.tasks import Task, TaskKind
from mtlsearch.training.plain.network import Network

Place = tuple[int, int]  # a member, and which of its stems, nodes, tied edges or heads
MemberEdges = dict[int, list[Edge]]  # the pairs of rows of each member that are tied

# A level, a source and a kind of sharing: the mixing parameters of its edges are one stack.
MixingShape = tuple[int, str, type[Sharing]]

# The row of a stream (its member, node and source) among all streams of the source on a level.
StreamRows = dict[tuple[int, int, str], int]


@dataclass(frozen=True)
class HeadShape:
    """What heads must have in common to be one stack."""

    source: str
    kind: TaskKind
    outputs: int

    @classmethod
    def of(cls, task: Task) -> "HeadShape":
        """The shape of a task's head."""
        return cls(task.source, task.kind, task.outputs)


@dataclass(frozen=True)
class Flow:
    """The S streams of one source on one level.

    Attributes:
        owner: The node of each stream, [S].
        parent: The stream of the level before that each reads, [S]; on level 0 the stem.
        edges: Per member that mixes its streams, the pairs of these that are mixed.
    """

    owner: list[int]
    parent: list[int]
    edges: MemberEdges


@dataclass(frozen=True)
class Plan:
    """Whose each row of every stack is, and how rows run.

    Attributes:
        stems: The places of each source's stems.
        nodes: The places of each level's stages.
        flows: Per level the flow of each source.
        edges: Per level and member whose weights are penalized, the pairs of its nodes that are
            tied.
        mixing_parameters: The places of the edges that train something.
        heads: The places of the heads of each shape.
        leaves: The last level's streams that the heads of each shape read.
        tasks: The dataset's tasks of the heads of each shape.
    """

    stems: dict[str, list[Place]]
    nodes: list[list[Place]]
    flows: list[dict[str, Flow]]
    edges: list[MemberEdges]
    mixing_parameters: dict[MixingShape, list[Place]]
    heads: dict[HeadShape, list[Place]]
    leaves: dict[HeadShape, list[int]]
    tasks: dict[HeadShape, list[int]]

    @classmethod
    def of(
        cls,
        networks: Sequence[Network],
        tasks: Sequence[Task],
    ) -> "Plan":
        """The plan of networks of one depth; `tasks` are the dataset's."""
        stems, stream_rows = _stems(networks)
        nodes = []
        flows = []
        edges = []
        for level in range(networks[0].wiring.depth):
            places = _nodes(networks, level)
            owners = [member for member, _ in places]
            flow, stream_rows = _flows(networks, level, stream_rows)
            nodes.append(places)
            flows.append(flow)
            edges.append(_edges(networks, level, ALL_SOURCES, owners))
        heads = _Heads.of(networks, tasks, stream_rows)
        return cls(
            stems=stems,
            nodes=nodes,
            flows=flows,
            edges=edges,
            mixing_parameters=_mixing_parameters(networks),
            heads=heads.places,
            leaves=heads.leaves,
            tasks=heads.tasks,
        )


def _stems(networks: Sequence[Network]) -> tuple[dict[str, list[Place]], StreamRows]:
    """The stems of each source, and the row of the stem of each stream."""
    stems: dict[str, list[Place]] = defaultdict(list)
    rows: StreamRows = {}
    for member, network in enumerate(networks):
        for index, (node, source) in enumerate(network.wiring.streams[0]):
            rows[member, node, source] = len(stems[source])
            stems[source].append((member, index))
    return dict(sorted(stems.items())), rows


def _nodes(
    networks: Sequence[Network],
    level: int,
) -> list[Place]:
    places = []
    for member, network in enumerate(networks):
        for node in range(network.wiring.nodes(level)):
            places.append((member, node))
    return places


def _flows(
    networks: Sequence[Network], level: int, rows_above: StreamRows
) -> tuple[dict[str, Flow], StreamRows]:
    """The flow of each source on a level, and the row of each stream among those of its source."""
    owners: dict[str, list[int]] = defaultdict(list)
    parents: dict[str, list[int]] = defaultdict(list)
    members: dict[str, list[int]] = defaultdict(list)
    rows: StreamRows = {}
    first_node = 0
    for member, network in enumerate(networks):
        wiring = network.wiring
        for node, source in wiring.streams[level]:
            parent = wiring.parent(level, node)
            rows[member, node, source] = len(owners[source])
            owners[source].append(first_node + node)
            parents[source].append(rows_above[member, parent, source])
            members[source].append(member)
        first_node += wiring.nodes(level)
    flows = {}
    for source, owner in owners.items():
        edges = _edges(networks, level, source, members[source])
        flows[source] = Flow(owner, parents[source], edges)
    return flows, rows


def _edges(
    networks: Sequence[Network], level: int, source: str, members: Sequence[int]
) -> MemberEdges:
    """Per member the pairs of rows that are tied on a level.

    The rows are those of its streams of a source, or of its nodes (ALL_SOURCES). `members` holds
    the member of each row, ascending.
    """
    edges: MemberEdges = {}
    for row, member in enumerate(members):
        is_first_row = row == 0 or members[row - 1] != member
        pairs = networks[member].wiring.edges.get((level, source))
        if is_first_row and pairs is not None:
            edges[member] = []
            for lower, upper in pairs:
                edges[member].append((row + lower, row + upper))
    return edges


def _mixing_parameters(networks: Sequence[Network]) -> dict[MixingShape, list[Place]]:
    """The edges that train something, ordered by level and source."""
    places: dict[MixingShape, list[Place]] = defaultdict(list)
    for member, network in enumerate(networks):
        kind = type(network.component.candidate.sharing)
        for level, source in network.wiring.mixed_streams:
            edges = network.mixing_parameters_of(level, source)
            shape = (level, source, kind)
            for edge in range(len(edges)):
                places[shape].append((member, edge))
    ordered = sorted(places, key=lambda shape: shape[:2])
    return {shape: places[shape] for shape in ordered if places[shape]}


@dataclass(frozen=True)
class _Heads:
    """The heads of a plan, by their shapes in the order of the dataset's tasks."""

    places: dict[HeadShape, list[Place]]
    leaves: dict[HeadShape, list[int]]
    tasks: dict[HeadShape, list[int]]

    @classmethod
    def of(
        cls, networks: Sequence[Network], tasks: Sequence[Task], stream_rows: StreamRows
    ) -> "_Heads":
        heads = cls({}, {}, {})
        shapes = [HeadShape.of(task) for task in tasks]
        present = {shapes[number] for network in networks for number in network.component.tasks}
        for shape in shapes:
            if shape in present:
                heads._add_shape(shape)
        for member, network in enumerate(networks):
            for position, number in enumerate(network.component.tasks):
                shape = shapes[number]
                node, source = network.wiring.leaf(position)
                heads.places[shape].append((member, position))
                heads.leaves[shape].append(stream_rows[member, node, source])
                heads.tasks[shape].append(number)
        return heads

    def _add_shape(self, shape: HeadShape) -> None:
        self.places.setdefault(shape, [])
        self.leaves.setdefault(shape, [])
        self.tasks.setdefault(shape, [])
