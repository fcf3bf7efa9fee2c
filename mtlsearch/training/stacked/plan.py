"""A forest of networks as integers: which rows of the stacked stages belong to whom and where each takes its input.

Rows are ordered by member, so that leaving members out leaves the order of the others as it was. Stacks are ordered by
source and by task whoever the members are: they are added up in this order, and the last bits must not depend on company.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.sharing import Sharing
from mtlsearch.tasks.task import Kind, Task
from mtlsearch.training.plain.network import Network

Place = tuple[int, int]  # a member, and which of its stems, nodes, links or heads
LinkShape = tuple[
    int, str, type[Sharing]
]  # a level, a source and a kind of sharing: its links are one stack


@dataclass(frozen=True)
class HeadShape:
    """What heads must have in common to be one stack."""

    source: str
    kind: Kind
    outputs: int

    @classmethod
    def of(cls, task: Task) -> "HeadShape":
        """The shape of a task's head."""
        return cls(task.source, task.kind, task.outputs)


@dataclass(frozen=True)
class Flow:
    """The S streams of one source on one level: `owner[S]` their nodes, `parent[S]` the streams they read from one level up
    (of level 0: the stems), `edges` per member that mixes the pairs of its streams that are.
    """

    owner: list[int]
    parent: list[int]
    edges: dict[int, list[tuple[int, int]]]


@dataclass(frozen=True)
class Plan:
    """`stems[source]`, `nodes[level]` and `heads[shape]` say whose each row is; `flows[level][source]` how rows run.

    `links[level, source, sharing]` are the edges between streams that learn something, of the members with a kind of sharing.
    `leaves[shape]` are the last level's streams the heads read, `tasks[shape]` the dataset's numbers of their tasks, and
    `edges[level]` per member whose weights are tied the pairs of its nodes that are.
    """

    stems: dict[str, list[Place]]
    nodes: list[list[Place]]
    flows: list[dict[str, Flow]]
    edges: list[dict[int, list[tuple[int, int]]]]
    links: dict[LinkShape, list[Place]]
    heads: dict[HeadShape, list[Place]]
    leaves: dict[HeadShape, list[int]]
    tasks: dict[HeadShape, list[int]]

    @classmethod
    def of(cls, networks: Sequence[Network], tasks: Sequence[Task]) -> "Plan":
        """The plan of networks of one depth; `tasks` are the dataset's."""
        stems, rows = _stems(networks)
        nodes, flows, edges = [], [], []
        for level in range(len(networks[0].levels)):
            places = [
                (k, node)
                for k, network in enumerate(networks)
                for node in range(len(network.levels[level]))
            ]
            flow, rows = _flows(networks, level, rows)
            nodes.append(places)
            flows.append(flow)
            edges.append(_edges(networks, level, [k for k, _ in places]))
        heads, leaves, numbers = _heads(networks, tasks, rows)
        return cls(stems, nodes, flows, edges, _links(networks), heads, leaves, numbers)


Row = dict[
    tuple[int, int, str], int
]  # member, node, source -> row among the source's streams of a level


def _stems(networks: Sequence[Network]) -> tuple[dict[str, list[Place]], Row]:
    stems: dict[str, list[Place]] = defaultdict(list)
    rows: Row = {}
    for k, network in enumerate(networks):
        for index, (node, source) in enumerate(network.wiring.streams[0]):
            rows[k, node, source] = len(stems[source])
            stems[source].append((k, index))
    return dict(sorted(stems.items())), rows


def _flows(networks: Sequence[Network], level: int, above: Row) -> tuple[dict[str, Flow], Row]:
    owners: dict[str, list[int]] = defaultdict(list)
    parents: dict[str, list[int]] = defaultdict(list)
    members: dict[str, list[int]] = defaultdict(list)
    rows: Row = {}
    first = 0
    for k, network in enumerate(networks):
        for node, source in network.wiring.streams[level]:
            rows[k, node, source] = len(owners[source])
            owners[source].append(first + node)
            parents[source].append(above[k, network.wiring.parent(level, node), source])
            members[source].append(k)
        first += len(network.levels[level])
    return {
        s: Flow(owners[s], parents[s], _edges(networks, level, members[s], s)) for s in owners
    }, rows


def _heads(
    networks: Sequence[Network], tasks: Sequence[Task], rows: Row
) -> tuple[dict[HeadShape, list[Place]], dict[HeadShape, list[int]], dict[HeadShape, list[int]]]:
    heads: dict[HeadShape, list[Place]] = defaultdict(list)
    leaves: dict[HeadShape, list[int]] = defaultdict(list)
    numbers: dict[HeadShape, list[int]] = defaultdict(list)
    for k, network in enumerate(networks):
        for position, task in enumerate(network.component.tasks):
            shape = HeadShape.of(tasks[task])
            heads[shape].append((k, position))
            leaves[shape].append(rows[k, *network.wiring.leaf(position)])
            numbers[shape].append(task)
    order = [shape for shape in dict.fromkeys(map(HeadShape.of, tasks)) if shape in heads]
    return (
        {s: heads[s] for s in order},
        {s: leaves[s] for s in order},
        {s: numbers[s] for s in order},
    )


def _links(networks: Sequence[Network]) -> dict[LinkShape, list[Place]]:
    links: dict[LinkShape, list[Place]] = defaultdict(list)
    for k, network in enumerate(networks):
        for level, source in network.wiring.mixed:
            numbers = range(len(network.links_of(level, source)))
            links[level, source, type(network.component.candidate.sharing)] += [
                (k, number) for number in numbers
            ]
    return {key: links[key] for key in sorted(links, key=lambda key: key[:2]) if links[key]}


def _edges(
    networks: Sequence[Network], level: int, members: Sequence[int], source: str = ""
) -> dict[int, list[tuple[int, int]]]:
    """Per member the pairs of rows that are tied on a level: of its streams of a source, or of its nodes."""
    found = {}
    for k, first in {member: row for row, member in reversed([*enumerate(members)])}.items():
        edges = networks[k].wiring.edges.get((level, source))
        if edges is not None:
            found[k] = [(first + n, first + m) for n, m in edges]
    return dict(sorted(found.items()))
