"""The tasks' gradients on what they share: Gramians for the weightings that need them, and what the weights then change.

Such weights hold for stems and stages of at least two tasks, and for those whose outputs are mixed with other branches'. What
belongs to one task, and what mixes, is trained on the plain losses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.forest import Forest


@dataclass(frozen=True)
class SharedRows:
    """A parameter that reads as [`count`, P]; which of its rows are shared by tasks, [S], and of what member each is, [S]."""

    parameter: Tensor
    count: int
    rows: Tensor
    members: Tensor

    def of(self, gradient: Tensor) -> Tensor:
        """The shared rows of the parameter's gradient, [S, P]."""
        return gradient.reshape(self.count, -1)[self.rows]


class SharedGradients:
    """The gradients of groups of members whose weighting needs a Gramian, by one backward pass per task for all."""

    def __init__(
        self, groups: Sequence[BatchedWeighting], shared: Sequence[SharedRows], members: int
    ) -> None:
        """`shared` holds rows of these groups only; `members` is the number of all there are."""
        tasks = max(group.heads.shape[1] for group in groups)
        self.groups, self.shared, self.size = groups, shared, (members, tasks)
        self.heads = [
            torch.cat([group.heads[:, t] for group in groups if t < group.heads.shape[1]])
            for t in range(tasks)
        ]

    @classmethod
    def of_network(cls, network: Network, weighed: BatchedWeighting) -> "SharedGradients | None":
        """None where the weighting needs no Gramian or nothing is shared."""
        own = weighed.heads.new_zeros(1)
        places = [(network.stems[i], -1, i) for i in range(len(network.stems))]
        places += [
            (stage, level, i)
            for level, stages in enumerate(network.levels)
            for i, stage in enumerate(stages)
        ]
        modules = [module for module, level, index in places if _is_shared(network, level, index)]
        shared = [
            SharedRows(parameter, 1, own, own)
            for module in modules
            for parameter in module.parameters()
        ]
        return cls([weighed], shared, 1) if shared and weighed.weighting.needs_gramian else None

    @classmethod
    def of_forest(
        cls, forest: Forest, weighed: Sequence[BatchedWeighting]
    ) -> "SharedGradients | None":
        """None where no weighting needs a Gramian or none of its members shares anything."""
        groups, shared = [group for group in weighed if group.weighting.needs_gramian], []
        members = {k: forest.networks[k] for group in groups for k in group.members}
        parts = (
            [*((-1, stem) for stem in forest.stems.values()), *enumerate(forest.stages)]
            if groups
            else []
        )
        for level, part in parts:
            places = enumerate(part.places)
            found = [
                (row, k)
                for row, (k, index) in places
                if k in members and _is_shared(members[k], level, index)
            ]
            if found:
                rows, owners = torch.tensor(found, device=forest.device).T.contiguous()
                shared.append(SharedRows(part.weights, len(part.places), rows, owners))
        return cls(groups, shared, len(forest.networks)) if shared else None

    def look(self, losses: Tensor) -> None:
        """Find the weights for losses[H], whose graph is kept."""
        parameters, passes = [each.parameter for each in self.shared], []
        for heads in self.heads:
            gradients = torch.autograd.grad(
                losses[heads].sum(), parameters, retain_graph=True, materialize_grads=True
            )
            passes.append(
                [each.of(gradient) for each, gradient in zip(self.shared, gradients, strict=True)]
            )
        self.jacobians = [
            torch.stack(each, 1) for each in zip(*passes, strict=True)
        ]  # of each parameter [S, T, P]
        gramian, self.weights = self._gramian(), losses.new_ones(self.size)
        for group in self.groups:
            tasks = group.heads.shape[1]
            own = group.weighting.weigh(
                losses.detach()[group.heads], gramian[group.members, :tasks, :tasks], group.state
            )
            self.weights[group.members, :tasks] = own

    def _gramian(self) -> Tensor:
        """Inner products [K, T, T], in float64, where sums hardly depend on their order."""
        members, tasks = self.size
        gramian = torch.zeros(
            members, tasks, tasks, dtype=torch.float64, device=self.heads[0].device
        )
        for each, jacobian in zip(self.shared, self.jacobians, strict=True):
            exact = jacobian.double()
            gramian.index_add_(0, each.members, exact @ exact.mT)
        return gramian

    def reweigh(self) -> None:
        """Add to the plain gradients on shared rows what makes them weighted ones."""
        for each, jacobian in zip(self.shared, self.jacobians, strict=True):
            change = torch.zeros_like(jacobian[:, 0])
            for task, weights in enumerate(self.weights[each.members].T):
                change += (weights[:, None] - 1) * jacobian[:, task]
            assert each.parameter.grad is not None
            each.parameter.grad.view(each.count, -1).index_add_(0, each.rows, change)
        del self.jacobians  # as large as the shared weights, once per task


def _is_shared(network: Network, level: int, index: int) -> bool:
    """Whether at least two tasks use the stage `index` of a level, or the stem `index` (level -1), or activations are mixed
    there or further on.
    """
    if any(mixed >= level for mixed, _ in network.wiring.mixed):
        return True
    wiring = network.wiring
    if level >= 0:
        return len(wiring.tasks(level, index)) > 1
    node, source = wiring.streams[0][index]
    return sum(wiring.sources[task] == source for task in wiring.tasks(0, node)) > 1
