"""A forest: the networks of many components, stacked and run as one batched tensor program."""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
from torch import Tensor, nn

from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.sharing import Sharing, SharingState
from mtlsearch.structure.wiring import ALL_SOURCES
from mtlsearch.tasks import Task
from mtlsearch.training.dropout import dropout_key
from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.module_stack import ModuleStack, Rows
from mtlsearch.training.stacked.plan import Flow, HeadShape, MemberEdges, Place, Plan
from mtlsearch.training.stacked.row_index import RowIndex, take_mask, take_rows

K = TypeVar("K")

KeptRows = tuple[int, Tensor]  # the number that a stack had, and the rows of it that are left


@dataclass(frozen=True)
class SoftSharing:
    """The soft sharing of one kind between rows of a level.

    Attributes:
        sharing: One of its settings; what differs between members is in the state.
        edges: The pairs of rows that are tied, [2, E].
        state: The tensors that no gradient changes, each [E, ...].
        parameters: The stack of the trained tensors of its edges; None where it trains nothing.
    """

    sharing: Sharing
    edges: Tensor
    state: SharingState
    parameters: ModuleStack | None

    @classmethod
    def join(
        cls,
        sharings: Sequence[Sharing],
        edges: Sequence[Tensor],
        parameters: ModuleStack | None,
    ) -> "SoftSharing":
        """The soft sharing of several members, all of one kind.

        Each has edges of its own, between rows in succession.
        """
        states = []
        for sharing, member_edges in zip(sharings, edges, strict=True):
            from_zero = member_edges - member_edges.min()
            nodes = int(from_zero.max()) + 1
            states.append(sharing.initial_state(nodes, from_zero))
        state = {}
        for name in states[0]:
            state[name] = torch.cat([member_state[name] for member_state in states])
        return cls(
            sharings[0],
            torch.cat(list(edges), 1),
            state,
            parameters,
        )

    def mix(self, h: Tensor, feature_axis: int) -> Tensor:
        """h[N, B, *F], mixed along the edges."""
        state = dict(self.state)
        if self.parameters:
            state |= self.parameters.named_parameters()
        return self.sharing.mix(h, self.edges, state, feature_axis)

    def penalty(self, weights: Tensor) -> Tensor:
        """The summed loss between the rows of one stacked parameter weights[N, *P], a scalar."""
        return self.sharing.penalty(
            weights,
            self.edges,
            self.state,
        ).sum()


@dataclass(frozen=True)
class Streams:
    """How the streams of one source run through a level.

    Attributes:
        parents: The rows of the level before that they read.
        owners: The stages that they run through.
        mixings: How they are mixed then.
    """

    parents: RowIndex | None
    owners: Rows
    mixings: list[SoftSharing]


@dataclass(frozen=True)
class Flowing:
    """What flows in the S streams of a source on a level.

    Attributes:
        h: The activations, [S, B, *F].
        mask: The mask [S, B, P] of their positions; None where rows have none.
    """

    h: Tensor
    mask: Tensor | None

    def take(self, rows: RowIndex | None) -> "Flowing":
        """What flows in some of the streams."""
        return Flowing(take_rows(self.h, rows), take_mask(self.mask, rows))

    def split(self, sizes: Sequence[int]) -> list["Flowing"]:
        """What flows in so many streams each, one after another."""
        activations = torch.split(self.h, list(sizes))
        if self.mask is None:
            return [Flowing(h, None) for h in activations]
        masks = torch.split(self.mask, list(sizes))
        parts = zip(activations, masks, strict=True)
        return [Flowing(h, mask) for h, mask in parts]


class Forest:
    """K networks of one backbone and depth, of which each reads one of R inputs.

    Attributes:
        networks: The networks as they were when the forest was made; their wiring and settings
            still hold.
        plan: Whose each row is.
        backbone: That of the first network; others differ from it in dropout rates at most.
        replicate: The input that each member reads, [K].
        stems: The stack of stems of each source.
        stages: The stack of stages of each level.
        heads: The stack of heads of each shape.
        mixing_parameters: The stacks of the trained tensors of soft sharing.
        step: The number of steps trained, which dropout masks depend on.
    """

    def __init__(
        self, networks: Sequence[Network], tasks: Sequence[Task], replicate: Sequence[int]
    ) -> None:
        """Stack the weights of `networks`; `tasks` are the dataset's. Raises NotStackableError."""
        self.tasks = tasks
        self.step = 0
        plan = Plan.of(networks, tasks)
        self.stems: dict[str, ModuleStack] = {}
        for source, places in plan.stems.items():
            self.stems[source] = ModuleStack(places, _find_stem, networks)
        self.stages: list[ModuleStack] = []
        for level, places in enumerate(plan.nodes):
            self.stages.append(
                ModuleStack(
                    places,
                    partial(_find_stage, level),
                    networks,
                )
            )
        self.heads: dict[HeadShape, ModuleStack] = {}
        for shape, places in plan.heads.items():
            self.heads[shape] = ModuleStack(places, _find_head, networks)
        self.mixing_parameters = {}
        for key, places in plan.mixing_parameters.items():
            level, source, _ = key
            find = partial(_find_edge, level, source)
            self.mixing_parameters[key] = ModuleStack(places, find, networks)
        self.backbone = networks[0].component.candidate.backbone
        self.device = self.stages[0].members.device
        self._adopt(
            networks,
            plan,
            torch.as_tensor(replicate, device=self.device),
        )

    def _adopt(
        self,
        networks: Sequence[Network],
        plan: Plan,
        replicate: Tensor,
    ) -> None:
        """Take over what follows from who the members are."""
        self.networks = list(networks)
        self.plan = plan
        self.replicate = replicate
        self.stem_replicates = {}
        for source, stack in self.stems.items():
            self.stem_replicates[source] = replicate[stack.members]
        self.levels = self._levels()
        self.leaves = {source: self._leaves(source) for source in self.stems}
        self.penalties = []
        for level, edges in enumerate(plan.edges):
            self.penalties.append(
                self._soft_sharings(
                    edges,
                    level,
                    ALL_SOURCES,
                )
            )

    def _levels(self) -> list[dict[str, Streams]]:
        """Per level how the streams of each source run."""
        rows_above = {}
        for source, places in self.plan.stems.items():
            rows_above[source] = len(places)
        levels = []
        for level, flows in enumerate(self.plan.flows):
            streams = {}
            for source, flow in flows.items():
                streams[source] = self._streams(
                    level,
                    source,
                    rows_above[source],
                )
                rows_above[source] = len(flow.owner)
            levels.append(streams)
        return levels

    def _streams(
        self,
        level: int,
        source: str,
        rows_above: int,
    ) -> Streams:
        flow = self.plan.flows[level][source]
        return Streams(
            parents=RowIndex.of(
                flow.parent,
                rows_above,
                self.device,
            ),
            owners=self._owners(flow, level),
            mixings=self._soft_sharings(flow.edges, level, source),
        )

    def _owners(self, flow: Flow, level: int) -> Rows:
        nodes = len(self.plan.nodes[level])
        if flow.owner == list(range(nodes)):
            return None
        return torch.tensor(flow.owner, device=self.device)

    def _leaves(self, source: str) -> RowIndex | None:
        """The streams of the last level that the heads of a source read, shape by shape."""
        rows = []
        for shape in self._head_shapes(source):
            rows.extend(self.plan.leaves[shape])
        streams = len(self.plan.flows[-1][source].owner)
        return RowIndex.of(rows, streams, self.device)

    def _head_shapes(self, source: str) -> list[HeadShape]:
        return [shape for shape in self.heads if shape.source == source]

    def _soft_sharings(
        self,
        edges: MemberEdges,
        level: int,
        source: str,
    ) -> list[SoftSharing]:
        """The soft sharing of each kind that members have on a level.

        Its edges run between the streams of a source, or between nodes (ALL_SOURCES).
        """
        members: dict[type[Sharing], list[int]] = {}
        for member in edges:
            kind = type(self._sharing(member))
            members.setdefault(kind, []).append(member)
        soft_sharings = []
        for kind, members_of_kind in members.items():
            sharings = [self._sharing(member) for member in members_of_kind]
            tensors = [torch.tensor(edges[member]).T for member in members_of_kind]
            on_device = [tensor.to(self.device) for tensor in tensors]
            parameters = self.mixing_parameters.get((level, source, kind))
            soft_sharings.append(SoftSharing.join(sharings, on_device, parameters))
        return soft_sharings

    def _sharing(self, member: int) -> Sharing:
        return self.networks[member].component.candidate.sharing

    @property
    def stacks(self) -> list[ModuleStack]:
        """All stacks: stems, stages, mixing parameters, heads."""
        return [
            *self.stems.values(),
            *self.stages,
            *self.mixing_parameters.values(),
            *self.heads.values(),
        ]

    def train(self, mode: bool) -> None:
        """Whether dropout is on."""
        for stack in self.stacks:
            stack.module.train(mode)

    def __call__(self, inputs: Mapping[str, NetworkInput]) -> dict[HeadShape, Tensor]:
        """Inputs per source, tensors [R, B, *F], to outputs per shape of head, [H, B, *C]."""
        flowing = {source: self._run_stems(source, inputs[source]) for source in self.stems}
        for stack, level in zip(self.stages, self.levels, strict=True):
            for source in self.stems:
                above = flowing[source]
                flowing[source] = self._run_stages(stack, level[source], source, above)
        outputs = {}
        for source in self.stems:
            outputs.update(self._run_heads(source, flowing[source]))
        return outputs

    def _run_stems(self, source: str, inputs: NetworkInput) -> Flowing:
        """What a source's stems make of its inputs [R, B, *F]."""
        x = inputs.take(self.stem_replicates[source])
        arguments = self.backbone.stem_arguments(x)
        key = dropout_key(self.step, source)
        h = self.stems[source].run(arguments, None, key)
        return Flowing(h, x.mask)

    def _run_stages(
        self,
        stack: ModuleStack,
        streams: Streams,
        source: str,
        above: Flowing,
    ) -> Flowing:
        """What flows in a source's streams on a level, from what flows on the level before."""
        below = above.take(streams.parents)
        arguments = self.backbone.arguments(below.h, below.mask)
        key = dropout_key(self.step, source)
        h = stack.run(arguments, streams.owners, key)
        for mixing in streams.mixings:
            h = mixing.mix(h, self.backbone.feature_axis)
        return Flowing(h, below.mask)

    def _run_heads(self, source: str, flowing: Flowing) -> dict[HeadShape, Tensor]:
        """The outputs of a source's heads from what flows in its streams on the last level."""
        shapes = self._head_shapes(source)
        sizes = [len(self.heads[shape].places) for shape in shapes]
        leaves = flowing.take(self.leaves[source]).split(sizes)
        key = dropout_key(self.step, source)
        outputs = {}
        for shape, leaf in zip(shapes, leaves, strict=True):
            arguments = self.backbone.arguments(leaf.h, leaf.mask)
            outputs[shape] = self.heads[shape].run(arguments, None, key)
        return outputs

    def sharing_penalty(self) -> Tensor:
        """The summed loss of soft sharing between weights, a scalar."""
        total = torch.zeros((), device=self.device)
        for stack, penalties in zip(self.stages, self.penalties, strict=True):
            for soft_sharing in penalties:
                for weights in stack.parameters():
                    total = total + soft_sharing.penalty(weights)
        return total

    def extract(self, member: int) -> Network:
        """The reference network of a member, with its present weights."""
        network = deepcopy(self.networks[member])
        for stack in self.stacks:
            for row, (owner, index) in enumerate(stack.places):
                if owner == member:
                    stack.extract(row, stack.find(network, index))
        return network

    def keep(self, members: Sequence[int]) -> list[KeptRows]:
        """Leave out all but these members (ascending, not none).

        Returns for each stack left its old number and rows.
        """
        networks = [self.networks[member] for member in members]
        plan = Plan.of(networks, self.tasks)
        kept = []
        for number, (stack, places) in enumerate(self._places_in(plan)):
            if places:
                rows = stack.rows_of(members)
                stack.keep(places, rows)
                kept.append((number, rows))
        self.stems = _only(self.stems, plan.stems)
        self.mixing_parameters = _only(self.mixing_parameters, plan.mixing_parameters)
        self.heads = _only(self.heads, plan.heads)
        index = torch.tensor(list(members), device=self.device)
        self._adopt(networks, plan, self.replicate[index])
        return kept

    def _places_in(self, plan: Plan) -> Iterator[tuple[ModuleStack, Sequence[Place]]]:
        """Each stack, in the order of `stacks`, with its places in another plan."""
        for source, stack in self.stems.items():
            yield stack, plan.stems.get(source, ())
        yield from zip(self.stages, plan.nodes, strict=True)
        for key, stack in self.mixing_parameters.items():
            yield stack, plan.mixing_parameters.get(key, ())
        for shape, stack in self.heads.items():
            yield stack, plan.heads.get(shape, ())


def _only(
    stacks: dict[K, ModuleStack], places: Mapping[K, Sequence[Place]]
) -> dict[K, ModuleStack]:
    """The stacks that have places."""
    return {key: stack for key, stack in stacks.items() if key in places}


def _find_stem(network: Network, index: int) -> nn.Module:
    return network.stems[index]


def _find_stage(
    level: int,
    network: Network,
    index: int,
) -> nn.Module:
    return network.levels[level][index]


def _find_head(network: Network, index: int) -> nn.Module:
    return network.heads[index]


def _find_edge(
    level: int,
    source: str,
    network: Network,
    index: int,
) -> nn.Module:
    return network.mixing_parameters_of(level, source)[index]
