"""A forest: the networks of many components, stacked stage by stage and run as one batched tensor program."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from mtlsearch.sharing import Sharing, State
from mtlsearch.tasks.task import Task
from mtlsearch.training.dropout import moment
from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.module_stack import Part, Rows
from mtlsearch.training.stacked.plan import HeadShape, Place, Plan
from mtlsearch.training.stacked.row_index import RowIndex, pick


@dataclass(frozen=True)
class Tie:
    """The edges [2, E] that one kind of sharing ties, its stacked state [E, ...], and what the edges learn, if anything."""

    sharing: Sharing
    edges: Tensor
    state: State
    links: Part | None

    @classmethod
    def join(
        cls, sharings: Sequence[Sharing], edges: Sequence[Tensor], links: Part | None
    ) -> "Tie":
        """One tie for those of several members, all of one kind. The rows of a member follow one another."""
        local = [each - each.min() for each in edges]
        states = [
            sharing.state(int(own.max()) + 1, own)
            for sharing, own in zip(sharings, local, strict=True)
        ]
        state = {name: torch.cat([s[name] for s in states]) for name in states[0]}
        return cls(sharings[0], torch.cat(list(edges), 1), state, links)

    def mix(self, h: Tensor) -> Tensor:
        """h[N, B, *F], mixed along the edges."""
        return self.sharing.mix(
            h, self.edges, self.state | (self.links.named() if self.links else {})
        )


class Forest:
    """K networks of one backbone and depth. `replicate[K]` says which of the R inputs a member reads."""

    def __init__(
        self, networks: Sequence[Network], tasks: Sequence[Task], replicate: Sequence[int]
    ) -> None:
        """Stack the weights of `networks`; `tasks` are the dataset's. Raises NotStackableError."""
        self.tasks, self.step, plan = tasks, 0, Plan.of(networks, tasks)
        self.stems = {
            source: Part(places, lambda net, i: net.stems[i], networks)
            for source, places in plan.stems.items()
        }
        self.stages = [
            Part(places, partial(_stage, level), networks)
            for level, places in enumerate(plan.nodes)
        ]
        self.heads = {
            shape: Part(places, lambda net, i: net.heads[i], networks)
            for shape, places in plan.heads.items()
        }
        self.links = {
            key: Part(places, partial(_link, *key[:2]), networks)
            for key, places in plan.links.items()
        }
        self.device = self.stages[0].members.device
        self._adopt(networks, plan, torch.as_tensor(replicate, device=self.device))

    def _adopt(self, networks: Sequence[Network], plan: Plan, replicate: Tensor) -> None:
        """Take over what follows from who the members are."""
        self.networks, self.plan, self.replicate = list(networks), plan, replicate
        self.inlets = {source: replicate[part.members] for source, part in self.stems.items()}
        above = {source: len(places) for source, places in plan.stems.items()}
        self.owners, self.parents = list[dict[str, Rows]](), list[dict[str, RowIndex | None]]()
        for level, flows in enumerate(plan.flows):
            self.owners.append(
                {
                    source: self._rows(flow.owner, len(plan.nodes[level]))
                    for source, flow in flows.items()
                }
            )
            self.parents.append(
                {
                    source: RowIndex.of(flow.parent, above[source], self.device)
                    for source, flow in flows.items()
                }
            )
            above = {source: len(flow.owner) for source, flow in flows.items()}
        self.leaves = {source: self._leaves(source, above[source]) for source in above}
        self.ties = [self._ties(edges, level) for level, edges in enumerate(plan.edges)]
        self.mixes = [
            {source: self._ties(flow.edges, level, source) for source, flow in flows.items()}
            for level, flows in enumerate(plan.flows)
        ]

    def _leaves(self, source: str, among: int) -> tuple[list[HeadShape], RowIndex | None]:
        """The heads of a source, and what they read, picked at once."""
        shapes = [shape for shape in self.heads if shape.source == source]
        return shapes, RowIndex.of(
            [row for shape in shapes for row in self.plan.leaves[shape]], among, self.device
        )

    def _rows(self, rows: Sequence[int], among: int) -> Rows:
        return None if list(rows) == list(range(among)) else torch.tensor(rows, device=self.device)

    def _ties(
        self, edges: Mapping[int, Sequence[tuple[int, int]]], level: int, source: str = ""
    ) -> list[Tie]:
        """Per kind of sharing the edges of its members on a level: between the streams of a source, or between nodes."""
        found: dict[type[Sharing], list[int]] = {}
        for k in edges:
            found.setdefault(type(self.networks[k].component.candidate.sharing), []).append(k)
        ties = []
        for kind, members in found.items():
            sharings = [self.networks[k].component.candidate.sharing for k in members]
            pairs = [torch.tensor(edges[k], device=self.device).T for k in members]
            ties.append(Tie.join(sharings, pairs, self.links.get((level, source, kind))))
        return ties

    @property
    def parts(self) -> list[Part]:
        """All stacks: stems, stages, links, heads."""
        return [*self.stems.values(), *self.stages, *self.links.values(), *self.heads.values()]

    def train(self, mode: bool) -> None:
        """Whether dropout is on."""
        for part in self.parts:
            part.module.train(mode)

    def __call__(self, inputs: Mapping[str, Tensor]) -> dict[HeadShape, Tensor]:
        """Inputs per source, [R, B, *F], to outputs per shape of head, [H, B, C]."""
        at = {source: moment(self.step, source) for source in self.stems}
        h = {
            source: part.run(inputs[source][self.inlets[source]], None, at[source])
            for source, part in self.stems.items()
        }
        for level, part in enumerate(self.stages):
            for source in self.stems:
                x = part.run(
                    pick(h[source], self.parents[level][source]),
                    self.owners[level][source],
                    at[source],
                )
                for tie in self.mixes[level][source]:
                    x = tie.mix(x)
                h[source] = x
        outputs = {}
        for source, (shapes, gather) in self.leaves.items():
            leaves = torch.split(
                pick(h[source], gather), [len(self.heads[shape].places) for shape in shapes]
            )
            outputs.update(
                {
                    s: self.heads[s].run(leaf, None, at[source])
                    for s, leaf in zip(shapes, leaves, strict=True)
                }
            )
        return outputs

    def sharing_penalty(self) -> Tensor:
        """The summed loss of the soft ties, a scalar."""
        total = torch.zeros((), device=self.device)
        for part, ties in zip(self.stages, self.ties, strict=True):
            for tie in ties:
                for weights in part.parameters():
                    total = total + tie.sharing.penalty(weights, tie.edges, tie.state).sum()
        return total

    def extract(self, member: int) -> Network:
        """The reference network of a member, with its present weights."""
        network = deepcopy(self.networks[member])
        for part in self.parts:
            for row, (k, index) in enumerate(part.places):
                if k == member:
                    part.extract(row, part.find(network, index))
        return network

    def keep(self, members: Sequence[int]) -> list[tuple[int, Tensor]]:
        """Leave out all but these members (ascending, not none). Returns for each part left its old number and rows."""
        networks = [self.networks[k] for k in members]
        plan, kept = Plan.of(networks, self.tasks), list[tuple[int, Tensor]]()
        for number, (part, places) in enumerate(self._replaced(plan)):
            if places:
                rows = torch.tensor(
                    [row for row, (k, _) in enumerate(part.places) if k in set(members)],
                    device=self.device,
                )
                kept.append((number, rows))
                part.keep(places, rows)
        self.stems = {source: self.stems[source] for source in self.stems if source in plan.stems}
        self.links = {key: self.links[key] for key in self.links if key in plan.links}
        self.heads = {shape: self.heads[shape] for shape in self.heads if shape in plan.heads}
        self._adopt(networks, plan, self.replicate[torch.tensor(list(members), device=self.device)])
        return kept

    def _replaced(self, plan: Plan) -> Iterator[tuple[Part, Sequence[Place]]]:
        """Each part with its places in another plan."""
        yield from ((part, plan.stems.get(source, ())) for source, part in self.stems.items())
        yield from zip(self.stages, plan.nodes, strict=True)
        yield from ((part, plan.links.get(key, ())) for key, part in self.links.items())
        yield from ((part, plan.heads.get(shape, ())) for shape, part in self.heads.items())


def _link(level: int, source: str, network: Network, index: int) -> nn.Module:
    return network.links_of(level, source)[index]


def _stage(level: int, network: Network, index: int) -> nn.Module:
    return network.levels[level][index]
