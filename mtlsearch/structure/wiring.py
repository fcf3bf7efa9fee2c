"""The wiring of a component's network in integers: its nodes, streams and tied pairs."""

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

from mtlsearch.structure.contract import SharingStructure

Stream = tuple[int, str]  # a node of a level, and one of the sources that flow through it
Edge = tuple[int, int]  # two rows of a level that influence each other, the lower one first
Link = tuple[
    int, str
]  # a level and a source whose streams are mixed; or a level and "" for weights

ALL_SOURCES = ""  # stands for the source where edges run between nodes, not between streams


@dataclass(frozen=True)
class Wiring:
    """The nodes and streams of a network.

    The nodes of a level are the branches of the structure, in its order, and after them the
    experts, which no task owns. A node runs once for each source that its tasks use, an expert for
    every source: each such run is a stream.

    `sources` holds the source of each task and `experts` the number of experts of each level. On
    `mixed_levels` soft sharing mixes the activations of streams of one source; on
    `penalized_levels` it penalizes the distance between the weights of nodes. With `private`,
    branches are tied to experts only and not to each other.
    """

    structure: SharingStructure
    sources: tuple[str, ...]
    experts: tuple[int, ...]
    mixed_levels: tuple[int, ...] = ()
    penalized_levels: tuple[int, ...] = ()
    private: bool = False

    @property
    def depth(self) -> int:
        """Number of levels."""
        return self.structure.depth

    def branches(self, level: int) -> int:
        """Number of nodes of a level that tasks own."""
        return len(self.structure.levels[level])

    def nodes(self, level: int) -> int:
        """Number of nodes of a level: its branches and its experts."""
        return self.branches(level) + self.experts[level]

    def tasks(
        self,
        level: int,
        node: int,
    ) -> tuple[int, ...]:
        """The tasks of a node, by their places in the component; none for an expert."""
        if node >= self.branches(level):
            return ()
        return self.structure.levels[level][node]

    def expert(self, level: int, node: int) -> int:
        """The number of an expert among those of its level, from 0; negative for a branch."""
        return node - self.branches(level)

    def parent(self, level: int, node: int) -> int:
        """The node of the level before from which a node takes its input.

        On level 0 it is the node itself, which has stems. An expert goes on from the expert of the
        same number. The first level that has experts follows one on which the tasks are still
        together in a single node, 0.
        """
        if level == 0:
            return node
        expert = self.expert(level, node)
        if expert < 0:
            return self.structure.parent(level, node)
        if self.experts[level - 1] == 0:
            return 0
        return self.branches(level - 1) + expert

    def leaf(self, task: int) -> Stream:
        """The stream of the last level that the head of a task reads."""
        node = self.structure.node(self.depth - 1, task)
        return node, self.sources[task]

    @cached_property
    def streams(self) -> list[list[Stream]]:
        """The streams of each level, node by node and in the order of the sources' names."""
        return [self._streams(level) for level in range(self.depth)]

    def _streams(self, level: int) -> list[Stream]:
        streams: list[Stream] = []
        for node in range(self.nodes(level)):
            tasks = self.tasks(level, node)
            sources = set(self.sources)
            if tasks:
                sources = {self.sources[task] for task in tasks}
            for source in sorted(sources):
                streams.append((node, source))
        return streams

    @cached_property
    def mixed_streams(self) -> dict[Link, list[Stream]]:
        """The streams that are mixed with each other, at least two, by level and source."""
        mixed = {}
        for level in self.mixed_levels:
            for source in sorted(set(self.sources)):
                streams = [stream for stream in self.streams[level] if stream[1] == source]
                if len(streams) > 1:
                    mixed[level, source] = streams
        return mixed

    @cached_property
    def edges(self) -> dict[Link, list[Edge]]:
        """The pairs that soft sharing ties.

        By level and source they are pairs of the mixed streams, in their order; by level and
        ALL_SOURCES, of the nodes whose weights are penalized.
        """
        sizes = {}
        for link, streams in self.mixed_streams.items():
            sizes[link] = len(streams)
        for level in self.penalized_levels:
            sizes[level, ALL_SOURCES] = self.nodes(level)
        edges = {}
        for link, size in sizes.items():
            experts = self.experts[link[0]]
            edges[link] = soft_sharing_edges(
                size - experts,
                experts,
                self.private,
            )
        return edges


def soft_sharing_edges(
    branches: int,
    experts: int,
    private: bool,
) -> list[Edge]:
    """All pairs of the branches and experts of a level; if `private`, none of two branches.

    >>> soft_sharing_edges(2, 1, private=True)
    [(0, 2), (1, 2)]
    """
    pairs = combinations(range(branches + experts), 2)
    if not private:
        return list(pairs)
    return [(lower, upper) for lower, upper in pairs if upper >= branches]
