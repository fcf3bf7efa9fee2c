"""The reference network of a component and the model of a composition, as plain modules."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from mtlsearch.candidate import Component, Composition
from mtlsearch.data import Dataset
from mtlsearch.engine.seeds import derive


@dataclass(frozen=True)
class Signature:
    """What a network must know of a dataset: input features per source, and per task its source and head outputs."""

    features: Mapping[str, int]
    sources: tuple[str, ...]
    outputs: tuple[int, ...]

    @classmethod
    def of(cls, dataset: Dataset, features: Mapping[str, int]) -> "Signature":
        """The signature of a dataset whose prepared inputs have these many features."""
        return cls(features, tuple(t.source for t in dataset.tasks), tuple(t.outputs for t in dataset.tasks))


Stream = tuple[int, str]  # a node of a level, and one of the sources that flow through it


class Network(nn.Module):
    """The network of one component: stems, levels of stages, heads.

    A node runs its stage once for each source that its tasks use, with one set of weights. Initial weights and
    dropout are drawn from (seed, level, members of the node), never from who else is in the component.
    """

    def __init__(self, component: Component, signature: Signature, seed: int) -> None:
        super().__init__()
        candidate = component.candidate
        self.component, self.seed, self.step = component, seed, 0
        self.task_sources = [signature.sources[task] for task in component.tasks]
        self.streams = [self._streams(level) for level in range(candidate.tree.depth)]
        tree, backbone, make = candidate.tree, candidate.backbone, self._make
        self.stems = nn.ModuleList(
            make(-1, tree.levels[0][node], partial(backbone.stem, signature.features[source]), source)
            for node, source in self.streams[0]
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(make(level, members, partial(backbone.stage, level)) for members in nodes)
            for level, nodes in enumerate(tree.levels)
        )
        self.heads = nn.ModuleList(
            make(tree.depth, (position,), partial(backbone.head, signature.outputs[task]))
            for position, task in enumerate(component.tasks)
        )
        self.draws = any(isinstance(module, _DropoutNd) and module.p > 0 for module in self.modules())
        self.edges = [_pairs(len(nodes)) for nodes in candidate.tree.levels]

    @property
    def levels(self) -> list[list[nn.Module]]:
        """The stages, level by level and node by node."""
        return [list(cast("nn.ModuleList", level)) for level in self.stages]

    def _make(self, level: int, members: Sequence[int], build: Callable[[], nn.Module], source: str = "") -> nn.Module:
        torch.manual_seed(self._seed(level, members, source))
        return build()

    def _streams(self, level: int) -> list[Stream]:
        nodes = self.component.candidate.tree.levels[level]
        return [(n, s) for n, members in enumerate(nodes) for s in sorted({self.task_sources[task] for task in members})]

    def _seed(self, level: int, members: Sequence[int], source: str = "") -> int:
        return derive(self.seed, level, tuple(self.component.tasks[member] for member in members), source)

    def forward(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Inputs per source, [B_source, features], to one tensor [B_source, outputs] per task of the component."""
        tree = self.component.candidate.tree
        h = {stream: stem(inputs[stream[1]]) for stream, stem in zip(self.streams[0], self.stems, strict=True)}
        for level, streams in enumerate(self.streams):
            parents = {(n, s): h[(tree.parent(level, n) if level else n, s)] for n, s in streams}
            h = {stream: self._stage(level, stream, x) for stream, x in parents.items()}
            h = self._mix(level, h)
        last = tree.depth - 1
        return [head(h[(tree.node(last, t), self.task_sources[t])]) for t, head in enumerate(self.heads)]

    def _stage(self, level: int, stream: Stream, x: Tensor) -> Tensor:
        node, source = stream
        if self.training and self.draws:
            torch.manual_seed(derive(self._seed(level, self.component.candidate.tree.levels[level][node], source), self.step))
        out: Tensor = self.levels[level][node](x)
        return out

    def _mix(self, level: int, h: dict[Stream, Tensor]) -> dict[Stream, Tensor]:
        """Apply soft sharing between the nodes of a level, source by source."""
        sharing = self.component.candidate.sharing
        if not sharing.ties:
            return h
        for source in sorted({source for _, source in h}):
            streams = [stream for stream in h if stream[1] == source]
            if len(streams) > 1:
                edges = _pairs(len(streams)).to(h[streams[0]].device)
                state = sharing.state(len(streams), edges)
                h.update(zip(streams, sharing.mix(torch.stack([h[s] for s in streams]), edges, state), strict=True))
        return h

    def sharing_penalty(self) -> Tensor:
        """The loss of the soft ties between this network's branches, a scalar."""
        sharing, device = self.component.candidate.sharing, next(self.parameters()).device
        total = torch.zeros((), device=device)
        for stages, pairs in zip(self.levels, self.edges, strict=True):
            if sharing.ties and pairs.shape[1]:
                edges = pairs.to(device)
                state = sharing.state(len(stages), edges)
                for weights in zip(*(stage.parameters() for stage in stages), strict=True):
                    total = total + sharing.penalty(torch.stack(weights), edges, state).sum()
        return total


class Model(nn.Module):
    """The model of a composition: its components' networks side by side."""

    def __init__(self, composition: Composition, networks: Sequence[Network]) -> None:
        super().__init__()
        self.composition = composition
        self.networks = nn.ModuleList(networks)

    def forward(self, inputs: Mapping[str, Tensor]) -> dict[int, Tensor]:
        """Inputs per source to one tensor [B_source, outputs] per task number of the dataset."""
        outputs: dict[int, Tensor] = {}
        for component, network in zip(self.composition, self.networks, strict=True):
            outputs.update(zip(component.tasks, network(inputs), strict=True))
        return outputs


def _pairs(nodes: int) -> Tensor:
    return torch.tensor(list(combinations(range(nodes), 2)), dtype=torch.long).reshape(-1, 2).T
