"""The reference network of a component and the model of a composition, as plain modules."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from mtlsearch.candidate import Component, Composition
from mtlsearch.data import Dataset
from mtlsearch.inputs.schema import Features, kind_of
from mtlsearch.seeding import derive_seed
from mtlsearch.sharing import State
from mtlsearch.sharing.contract import pooled
from mtlsearch.structure.wiring import Stream, Wiring
from mtlsearch.training.dropout import SeededDropout, moment, seed_dropouts


@dataclass(frozen=True)
class Signature:
    """What a network must know of a dataset: input features per source, and per task its source and head outputs."""

    features: Mapping[str, Features]
    sources: tuple[str, ...]
    outputs: tuple[int, ...]

    @classmethod
    def of(cls, dataset: Dataset, features: Mapping[str, Features]) -> "Signature":
        """The signature of a dataset whose prepared inputs have these many features."""
        return cls(
            features,
            tuple(t.source for t in dataset.tasks),
            tuple(t.outputs for t in dataset.tasks),
        )

    def example(self, source: str) -> Tensor:
        """Inputs of a source as they may be, [2, *features]."""
        features = self.features[source]
        shape = (features,) if isinstance(features, int) else features.shape
        return torch.zeros(2, *shape, dtype=torch.long if kind_of(features) == "tokens" else None)


class Network(nn.Module):
    """The network of one component: stems, levels of stages, heads.

    A node runs its stage once for each source that flows through it, with one set of weights. Initial weights and
    dropout are drawn from (seed, level, tasks of the node), never from who else is in the component.
    """

    def __init__(self, component: Component, signature: Signature, seed: int) -> None:
        super().__init__()
        candidate = component.candidate
        self.component, self.seed, self.step = component, seed, 0
        self.wiring = Wiring(component, tuple(signature.sources[task] for task in component.tasks))
        backbone, make, depth = candidate.backbone, self._make, candidate.tree.depth
        self.stems = nn.ModuleList(
            make(
                -1,
                self._spelled(0, node),
                partial(backbone.stem, signature.features[source]),
                source,
            )
            for node, source in self.wiring.streams[0]
        )
        self.stages = nn.ModuleList(
            nn.ModuleList(
                make(level, self._spelled(level, node), partial(backbone.stage, level))
                for node in range(self.wiring.nodes(level))
            )
            for level in range(depth)
        )
        self.heads = nn.ModuleList(
            make(depth, (task,), partial(backbone.head, signature.outputs[task], depth))
            for task in component.tasks
        )
        parts = [*self.stems, *self.heads, *(stage for stages in self.levels for stage in stages)]
        self.dropouts = {
            part: [each for each in part.modules() if isinstance(each, SeededDropout)]
            for part in parts
        }
        self.edges = {key: torch.tensor(pairs).T for key, pairs in self.wiring.edges.items()}
        self.links = nn.ModuleList(nn.ModuleList(links) for links in self._links(signature))

    @property
    def trunk(self) -> list[nn.Module]:
        """All but the heads."""
        return [self.stems, self.stages, self.links]

    @property
    def levels(self) -> list[list[nn.Module]]:
        """The stages, level by level and node by node."""
        return [list(cast("nn.ModuleList", level)) for level in self.stages]

    def _spelled(self, level: int, node: int) -> tuple[object, ...]:
        """What tells a node from others in any component: its tasks, by the dataset's numbers, or its number as an expert."""
        tasks = tuple(self.component.tasks[task] for task in self.wiring.tasks(level, node))
        return tasks or ("expert", self.wiring.expert(level, node))

    def _make(
        self, level: int, node: tuple[object, ...], build: Callable[[], nn.Module], source: str = ""
    ) -> nn.Module:
        seed = derive_seed(self.seed, level, node, source)
        torch.default_generator.manual_seed(
            seed
        )  # not torch.manual_seed, which spends milliseconds on devices
        return seed_dropouts(build(), seed)

    def _links(self, signature: Signature) -> Iterator[list[nn.ParameterDict]]:
        """For each of what is mixed what the edges of its streams learn; none where the sharing learns nothing."""
        sharing, mixed = self.component.candidate.sharing, self.wiring.mixed
        features = {
            source: self._features(signature, source) for source in {source for _, source in mixed}
        }
        for level, source in mixed:
            edges = self.wiring.edges[level, source]
            among = Counter(node for edge in edges for node in edge)
            learned = (
                sharing.learned((among[m] + 1, among[n] + 1), features[source][level])
                for n, m in edges
            )
            yield [nn.ParameterDict(tensors) for tensors in learned if tensors]

    @torch.no_grad()
    def _features(self, signature: Signature, source: str) -> list[int]:
        """The number of features on each level, found by running an example through one branch."""
        self.eval()
        tree, task = self.component.candidate.tree, self.wiring.sources.index(source)
        h, found = (
            self.stems[self.wiring.streams[0].index((tree.node(0, task), source))](
                signature.example(source)
            ),
            [],
        )
        for level, stages in enumerate(self.levels):
            h = stages[tree.node(level, task)](h)
            found.append(pooled(h[None]).shape[-1])
        self.train()
        return found

    def forward(self, inputs: Mapping[str, Tensor]) -> list[Tensor]:
        """Inputs per source, [B_source, *features], to one tensor [B_source, outputs] per task of the component."""
        h = {
            stream: self._run(stem, stream[1], inputs[stream[1]])
            for stream, stem in zip(self.wiring.streams[0], self.stems, strict=True)
        }
        for level, streams in enumerate(self.wiring.streams):
            parents = {(n, s): h[self.wiring.parent(level, n), s] for n, s in streams}
            h = {
                stream: self._run(self.levels[level][stream[0]], stream[1], x)
                for stream, x in parents.items()
            }
            h = self._mix(level, h)
        leaves = map(self.wiring.leaf, range(len(self.heads)))
        return [
            self._run(head, leaf[1], h[leaf]) for head, leaf in zip(self.heads, leaves, strict=True)
        ]

    def _run(self, module: nn.Module, source: str, x: Tensor) -> Tensor:
        for dropout in self.dropouts[module]:
            dropout.moment = moment(self.step, source)
        out: Tensor = module(x)
        return out

    def _mix(self, level: int, h: dict[Stream, Tensor]) -> dict[Stream, Tensor]:
        """Apply soft sharing between the nodes of a level, source by source."""
        for key, streams in self.wiring.mixed.items():
            if key[0] == level:
                edges, state = self.tie(*key)
                mixed = self.component.candidate.sharing.mix(
                    torch.stack([h[s] for s in streams]), edges, state
                )
                h.update(zip(streams, mixed, strict=True))
        return h

    def tie(self, level: int, source: str) -> tuple[Tensor, State]:
        """The edges [2, E] between the streams of a source that are mixed on a level, and their tensors, each [E, ...]."""
        sharing, count = self.component.candidate.sharing, len(self.wiring.mixed[level, source])
        edges, links = self._edges(level, source), self.links_of(level, source)
        learned = {
            name: torch.stack([link[name] for link in links])
            for name in (links[0] if links else ())
        }
        return edges, {**sharing.state(count, edges), **learned}

    def _edges(self, level: int, source: str = "") -> Tensor:
        return self.edges[level, source].to(next(self.parameters()).device)

    def links_of(self, level: int, source: str) -> list[nn.ParameterDict]:
        """What the pairs of streams of a source that are mixed on a level have learned, edge by edge."""
        return list(
            cast(
                "Iterable[nn.ParameterDict]",
                self.links[list(self.wiring.mixed).index((level, source))],
            )
        )

    def sharing_penalty(self) -> Tensor:
        """The loss of the soft ties between this network's branches, a scalar."""
        sharing, total = (
            self.component.candidate.sharing,
            torch.zeros((), device=next(self.parameters()).device),
        )
        for level in self.wiring.pulled:
            stages, edges = self.levels[level], self._edges(level)
            state = sharing.state(len(stages), edges)
            for weights in zip(*(stage.parameters() for stage in stages), strict=True):
                total = total + sharing.penalty(torch.stack(weights), edges, state).sum()
        return total


def transplant(donor: Network, network: Network) -> None:
    """Copy a donor's trunk into a network of the same backbone: its stages, and its stems where it has the source.

    The donor shares everything, or its branches are alike.
    """
    for stages, donors in zip(network.levels, donor.levels, strict=True):
        for stage in stages:
            stage.load_state_dict(donors[0].state_dict())
    stems = {
        source: stem for (_, source), stem in zip(donor.wiring.streams[0], donor.stems, strict=True)
    }
    for (_, source), stem in zip(network.wiring.streams[0], network.stems, strict=True):
        if source in stems:
            stem.load_state_dict(stems[source].state_dict())


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
