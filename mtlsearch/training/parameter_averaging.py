"""Branches that meet: between rounds of steps apart, the trunks that a donor learns from its tasks become one."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from mtlsearch.initializations import Initialization
from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.forest import Forest

Branches = Callable[
    [], Iterator[Sequence[Tensor]]
]  # of each piece of the trunk the weights of all branches, to be written to


class ParameterAveraging:
    """The meetings of one network, whose branches all begin alike. `common` is how they went on from the last one."""

    def __init__(self, start: Initialization, branches: Branches) -> None:
        self.start, self.branches, self.steps = start, branches, 0
        self.common = [own[0].clone() for own in branches()]

    def after_step(self) -> None:
        """Count a step; the last of a round ends with a meeting."""
        self.steps += 1
        if self.steps == self.start.steps_apart:
            self.meet()

    @torch.no_grad()
    def meet(self) -> None:
        """Let all branches go on from one set of weights, unless they have just met."""
        if self.steps:
            for place, own in enumerate(self.branches()):
                self.common[place] = self.start.meet(self.common[place], torch.stack(list(own)))
                for branch in own:
                    branch.copy_(self.common[place])
        self.steps = 0


def branches_of(network: Network) -> Branches:
    """Those of a plain network; also what its modules keep besides weights."""
    stems = [
        (source, stem)
        for (_, source), stem in zip(network.wiring.streams[0], network.stems, strict=True)
    ]
    sources = sorted({source for source, _ in stems})

    def branches() -> Iterator[Sequence[Tensor]]:
        for modules in [
            *([stem for own, stem in stems if own == source] for source in sources),
            *network.levels,
        ]:
            states = [
                [value for value in module.state_dict().values() if value.is_floating_point()]
                for module in modules
            ]
            yield from zip(*states, strict=True)

    return branches


def branches_in(forest: Forest, member: int) -> Branches:
    """Those of a member of a forest, until others are left out."""
    pieces = []
    for part in [*forest.stems.values(), *forest.stages]:
        rows = [row for row, (own, _) in enumerate(part.places) if own == member]
        if rows:
            pieces.append((part, slice(rows[0], rows[-1] + 1)))
    return lambda: (part.weights.detach()[rows].unbind() for part, rows in pieces)
