"""The reference network of a component and the network of a composition, as plain modules."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from mtlsearch.candidate import Component, Composition
from mtlsearch.inputs.network_input import NetworkInput
from mtlsearch.seeding import derive_seed
from mtlsearch.sharing import SharingState
from mtlsearch.structure.wiring import ALL_SOURCES, Edge, Link, Stream
from mtlsearch.training.dropout import SeededDropout, dropout_key, seed_dropouts
from mtlsearch.training.signature import Signature

STEM_LEVEL = -1  # the level of stems, which come before the stages of level 0

Activations = dict[Stream, Tensor]  # [B, *F] of each stream of a level
Masks = Mapping[str, Tensor | None]  # of the positions of each source's rows, where it has any
Arguments = tuple[Tensor | None, ...]  # of a stem, stage or head


class Network(nn.Module):
    """The network of one component: stems, levels of stages, heads.

    A node runs its stage once for each source that flows through it, with one set of weights.
    Initial weights and dropout are drawn from (seed, level, tasks of the node), never from who else
    is in the component.

    Attributes:
        stems: A module per stream of level 0, in the order of the wiring.
        stages: Per level a module per node.
        heads: A module per task.
        mixing_parameters: Per link of the wiring whose streams are mixed, the trained tensors of
            each of its edges; none where the sharing trains nothing.
        step: The number of steps trained, which dropout masks depend on.
    """

    def __init__(
        self,
        component: Component,
        signature: Signature,
        seed: int,
    ) -> None:
        super().__init__()
        self.component = component
        self.seed = seed
        self.step = 0
        self.wiring = component.wiring(signature.sources)
        self.stems = self._make_stems(signature)
        self.stages = self._make_stages()
        self.heads = self._make_heads(signature)
        self.dropouts = self._find_dropouts()
        self.edges: dict[Link, Tensor] = {}
        for link, pairs in self.wiring.edges.items():
            self.edges[link] = torch.tensor(pairs).T
        self.mixing_parameters = self._make_mixing_parameters(signature)

    @property
    def trunk(self) -> list[nn.Module]:
        """All but the heads."""
        return [self.stems, self.stages, self.mixing_parameters]

    @property
    def levels(self) -> list[list[nn.Module]]:
        """The stages, level by level and node by node."""
        return [list(cast("nn.ModuleList", stages)) for stages in self.stages]

    @property
    def stems_by_stream(self) -> dict[Stream, nn.Module]:
        """The stems by the streams of level 0."""
        streams = self.wiring.streams[0]
        return dict(zip(streams, self.stems, strict=True))

    @property
    def device(self) -> torch.device:
        """The device of its weights."""
        return next(self.parameters()).device

    def _make_stems(self, signature: Signature) -> nn.ModuleList:
        stems = nn.ModuleList()
        for node, source in self.wiring.streams[0]:
            make = partial(self._stem, signature, source)
            key = self._node_key(0, node)
            stems.append(
                self._make(
                    make,
                    STEM_LEVEL,
                    key,
                    source,
                )
            )
        return stems

    def _stem(self, signature: Signature, source: str) -> nn.Module:
        """A stem of a source, with what is done to its numbers before."""
        candidate = self.component.candidate
        schema = signature.schemas[source]
        schema_for_stem = candidate.numbers.schema_for_stem(schema)
        stem = candidate.backbone.embedded_stem(schema_for_stem)
        training = signature.numbers.get(source)
        return candidate.numbers.before(stem, schema, training)

    def _make_stages(self) -> nn.ModuleList:
        backbone = self.component.candidate.backbone
        stages = nn.ModuleList()
        for level in range(self.wiring.depth):
            nodes = nn.ModuleList()
            for node in range(self.wiring.nodes(level)):
                make = partial(backbone.stage, level)
                key = self._node_key(level, node)
                nodes.append(self._make(make, level, key))
            stages.append(nodes)
        return stages

    def _make_heads(self, signature: Signature) -> nn.ModuleList:
        backbone = self.component.candidate.backbone
        depth = self.wiring.depth
        heads = nn.ModuleList()
        for task in self.component.tasks:
            make = partial(backbone.head, signature.outputs[task], depth)
            heads.append(
                self._make(
                    make,
                    depth,
                    (task,),
                )
            )
        return heads

    def _node_key(
        self,
        level: int,
        node: int,
    ) -> tuple[object, ...]:
        """The key that tells a node from others in any component.

        It is the node's tasks, by the dataset's numbers, or its number as an expert.
        """
        tasks = self.wiring.tasks(level, node)
        if not tasks:
            return ("expert", self.wiring.expert(level, node))
        return tuple(self.component.tasks[task] for task in tasks)

    def _make(
        self,
        make: Callable[[], nn.Module],
        level: int,
        node_key: tuple[object, ...],
        source: str = ALL_SOURCES,
    ) -> nn.Module:
        """The module that a backbone makes, with weights and dropouts drawn for this place."""
        seed = derive_seed(self.seed, level, node_key, source)
        # Not torch.manual_seed, which spends milliseconds on devices.
        torch.default_generator.manual_seed(seed)
        return seed_dropouts(make(), seed)

    def _find_dropouts(self) -> dict[nn.Module, list[SeededDropout]]:
        """The dropouts within each stem, stage and head."""
        modules = [*self.stems, *self.heads]
        for stages in self.levels:
            modules.extend(stages)
        dropouts = {}
        for module in modules:
            layers = [layer for layer in module.modules() if isinstance(layer, SeededDropout)]
            dropouts[module] = layers
        return dropouts

    def _make_mixing_parameters(self, signature: Signature) -> nn.ModuleList:
        sources = {source for _, source in self.wiring.mixed_streams}
        widths = {source: self._feature_counts(signature, source) for source in sources}
        parameters = nn.ModuleList()
        for level, source in self.wiring.mixed_streams:
            edges = self.wiring.edges[level, source]
            features = widths[source][level]
            parameters.append(self._make_edge_parameters(edges, features))
        return parameters

    def _make_edge_parameters(
        self,
        edges: Sequence[Edge],
        features: int,
    ) -> nn.ModuleList:
        """The trained tensors of each edge between nodes of so many features."""
        sharing = self.component.candidate.sharing
        neighbours = Counter(node for edge in edges for node in edge)
        parameters = nn.ModuleList()
        for lower, upper in edges:
            nodes = (neighbours[upper] + 1, neighbours[lower] + 1)
            tensors = sharing.trainable_state(nodes, features)
            if tensors:
                parameters.append(nn.ParameterDict(tensors))
        return parameters

    @torch.no_grad()
    def _feature_counts(
        self,
        signature: Signature,
        source: str,
    ) -> list[int]:
        """The number of features F on each level, found by running an example."""
        self.eval()
        backbone = self.component.candidate.backbone
        structure = self.component.candidate.tree
        task = self.wiring.sources.index(source)
        stream = (structure.node(0, task), source)
        stem = self.stems[self.wiring.streams[0].index(stream)]
        inputs = signature.example(source)
        h = stem(*backbone.stem_arguments(inputs))
        counts = []
        for level, stages in enumerate(self.levels):
            stage = stages[structure.node(level, task)]
            h = stage(*backbone.arguments(h, inputs.mask))
            counts.append(h.shape[backbone.feature_axis])
        self.train()
        return counts

    def forward(self, inputs: Mapping[str, NetworkInput]) -> list[Tensor]:
        """Map inputs of B_source rows per source to outputs [B_source, *C] per task."""
        backbone = self.component.candidate.backbone
        masks = {source: x.mask for source, x in inputs.items()}
        h: Activations = {}
        for stream, stem in self.stems_by_stream.items():
            _, source = stream
            arguments = backbone.stem_arguments(inputs[source])
            h[stream] = self._run(stem, source, arguments)
        for level in range(self.wiring.depth):
            h = self._run_level(level, h, masks)
            self._mix(level, h)
        outputs = []
        for task, head in enumerate(self.heads):
            stream = self.wiring.leaf(task)
            _, source = stream
            arguments = backbone.arguments(h[stream], masks[source])
            outputs.append(self._run(head, source, arguments))
        return outputs

    def _run_level(self, level: int, above: Activations, masks: Masks) -> Activations:
        """The activations of a level's streams, from those of the level before."""
        backbone = self.component.candidate.backbone
        stages = self.levels[level]
        h: Activations = {}
        for node, source in self.wiring.streams[level]:
            parent = self.wiring.parent(level, node)
            arguments = backbone.arguments(above[parent, source], masks[source])
            h[node, source] = self._run(stages[node], source, arguments)
        return h

    def _run(self, module: nn.Module, source: str, arguments: Arguments) -> Tensor:
        """The output of a stem, stage or head, with the dropout masks of this step and source."""
        for dropout in self.dropouts[module]:
            dropout.dropout_key = dropout_key(self.step, source)
        output: Tensor = module(*arguments)
        return output

    def _mix(self, level: int, h: Activations) -> None:
        """Apply soft sharing to the activations of a level, source by source and in place."""
        sharing = self.component.candidate.sharing
        feature_axis = self.component.candidate.backbone.feature_axis
        for link, streams in self.wiring.mixed_streams.items():
            if link[0] == level:
                edges, state = self.mixing_state(*link)
                stacked = torch.stack([h[stream] for stream in streams])
                mixed = sharing.mix(stacked, edges, state, feature_axis)
                h.update(zip(streams, mixed, strict=True))

    def mixing_state(
        self,
        level: int,
        source: str,
    ) -> tuple[Tensor, SharingState]:
        """The edges [2, E] that mix a source's streams on a level, and their tensors [E, ...]."""
        sharing = self.component.candidate.sharing
        edges = self._edges((level, source))
        streams = self.wiring.mixed_streams[level, source]
        state = sharing.initial_state(len(streams), edges)
        parameters = self.mixing_parameters_of(level, source)
        for name in parameters[0] if parameters else ():
            state[name] = torch.stack([edge[name] for edge in parameters])
        return edges, state

    def _edges(self, link: Link) -> Tensor:
        return self.edges[link].to(self.device)

    def mixing_parameters_of(
        self,
        level: int,
        source: str,
    ) -> list[nn.ParameterDict]:
        """The trained tensors of a source's edges on a level, edge by edge.

        None where the sharing trains nothing.
        """
        number = list(self.wiring.mixed_streams).index((level, source))
        edges = cast("nn.ModuleList", self.mixing_parameters[number])
        return [cast("nn.ParameterDict", edge) for edge in edges]

    def sharing_penalty(self) -> Tensor:
        """The loss of soft sharing between the weights of this network's nodes, a scalar."""
        sharing = self.component.candidate.sharing
        total = torch.zeros((), device=self.device)
        for level in self.wiring.penalized_levels:
            stages = self.levels[level]
            edges = self._edges((level, ALL_SOURCES))
            state = sharing.initial_state(len(stages), edges)
            parameters = [stage.parameters() for stage in stages]
            for weights in zip(*parameters, strict=True):
                penalty = sharing.penalty(
                    torch.stack(weights),
                    edges,
                    state,
                )
                total = total + penalty.sum()
        return total


def copy_trunk(pretrained: Network, network: Network) -> None:
    """Copy a trunk into a network of the same backbone.

    The trunk is the stages, and the stems of sources that both networks have. The pretrained
    network shares everything, or its branches are alike.
    """
    for stages, pretrained_stages in zip(network.levels, pretrained.levels, strict=True):
        weights = pretrained_stages[0].state_dict()
        for stage in stages:
            stage.load_state_dict(weights)
    pretrained_stems = {}
    for (_, source), stem in pretrained.stems_by_stream.items():
        pretrained_stems[source] = stem
    for (_, source), stem in network.stems_by_stream.items():
        if source in pretrained_stems:
            stem.load_state_dict(pretrained_stems[source].state_dict())


class CompositionNetwork(nn.Module):
    """The network of a composition: its components' networks side by side."""

    def __init__(
        self,
        composition: Composition,
        networks: Sequence[Network],
    ) -> None:
        super().__init__()
        self.composition = composition
        self.networks = nn.ModuleList(networks)

    def network_of(self, task: int) -> Network:
        """The network of the component that holds a task."""
        component = self.composition.component_of(task)
        number = self.composition.components.index(component)
        return cast("Network", self.networks[number])

    def forward(self, inputs: Mapping[str, NetworkInput]) -> dict[int, Tensor]:
        """Inputs per source to one tensor [B_source, *outputs] per task number of the dataset."""
        outputs: dict[int, Tensor] = {}
        for component, network in zip(self.composition, self.networks, strict=True):
            outputs.update(zip(component.tasks, network(inputs), strict=True))
        return outputs
