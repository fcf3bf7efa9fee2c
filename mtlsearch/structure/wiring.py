"""The wiring of a component's network in integers: its nodes, what flows from which to which, and what is mixed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from mtlsearch.candidate import Component
from mtlsearch.sharing.contract import pairs

Stream = tuple[int, str]  # a node of a level, and one of the sources that flow through it


@dataclass(frozen=True)
class Wiring:
    """The nodes of each level are the branches of the tree, in its order, and after them the experts, which no task owns.

    `sources` are those of the component's tasks. A node runs once for each source that its tasks use; an expert for all.
    """

    component: Component
    sources: tuple[str, ...]

    @property
    def depth(self) -> int:
        """Number of levels."""
        return self.component.candidate.tree.depth

    def nodes(self, level: int) -> int:
        """How many nodes a level has."""
        return self._branches(level) + self.component.candidate.experts[level]

    def _branches(self, level: int) -> int:
        return len(self.component.candidate.tree.levels[level])

    def tasks(self, level: int, node: int) -> tuple[int, ...]:
        """The tasks of a node, by their places in the component; none of an expert."""
        return (
            self.component.candidate.tree.levels[level][node]
            if node < self._branches(level)
            else ()
        )

    def expert(self, level: int, node: int) -> int:
        """The number of an expert, from 0; negative for a branch."""
        return node - self._branches(level)

    def parent(self, level: int, node: int) -> int:
        """The node of the level before from which this one takes its input; of level 0, itself: it has stems of its own.

        An expert goes on from the expert of its number, the first of them from where the tasks are still together.
        """
        number = self.expert(level, node)
        if not level:
            return node
        if number < 0:
            return self.component.candidate.tree.parent(level, node)
        return (
            self._branches(level - 1) + number if self.component.candidate.experts[level - 1] else 0
        )

    def leaf(self, task: int) -> Stream:
        """What the head of a task reads on the last level."""
        return self.component.candidate.tree.node(self.depth - 1, task), self.sources[task]

    @cached_property
    def streams(self) -> list[list[Stream]]:
        """The streams of each level, node by node."""
        return [
            [(n, s) for n in range(self.nodes(level)) for s in self._through(level, n)]
            for level in range(self.depth)
        ]

    def _through(self, level: int, node: int) -> list[str]:
        tasks = self.tasks(level, node)
        return sorted({self.sources[task] for task in tasks} if tasks else set(self.sources))

    @cached_property
    def mixed(self) -> dict[tuple[int, str], list[Stream]]:
        """Per level and source the streams, where there are several and these are mixed with each other."""
        candidate, found = self.component.candidate, {}
        for level in candidate.tied if candidate.sharing.mixes else ():
            for source in sorted(set(self.sources)):
                streams = [stream for stream in self.streams[level] if stream[1] == source]
                if len(streams) > 1:
                    found[level, source] = streams
        return found

    @property
    def pulled(self) -> Sequence[int]:
        """The levels whose nodes' weights are tied to each other."""
        return self.component.candidate.tied if self.component.candidate.sharing.pulls else ()

    @cached_property
    def edges(self) -> dict[tuple[int, str], list[tuple[int, int]]]:
        """What is tied: per level and source the pairs of its streams that are mixed, and per level, with "" for the source,
        the pairs of its nodes whose weights are pulled.
        """
        candidate = self.component.candidate
        tied = {key: len(streams) for key, streams in self.mixed.items()}
        tied |= {(level, ""): self.nodes(level) for level in self.pulled}
        experts, private = candidate.experts, candidate.sharing.private
        return {
            key: pairs(nodes - experts[key[0]], experts[key[0]], private)
            for key, nodes in tied.items()
        }
