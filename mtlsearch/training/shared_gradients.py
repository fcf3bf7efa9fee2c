"""The tasks' gradients on shared parameters, for the weightings that need their Gramian.

Such weights hold for stems and stages of at least two tasks, and for those whose outputs are mixed
with other branches'. What belongs to one task, and what mixes, is trained on the plain losses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.structure.wiring import Wiring
from mtlsearch.training.batched_weighting import BatchedWeighting

STEM_LEVEL = -1  # the level of stems, which come before the stages of level 0


@dataclass(frozen=True)
class SharedRows:
    """The rows of a parameter that tasks share.

    The parameter reads as [`count`, P]. `rows` [S] are the numbers of the shared rows, `members`
    [S] the member of each.
    """

    parameter: Tensor
    count: int
    rows: Tensor
    members: Tensor

    def of(self, gradient: Tensor) -> Tensor:
        """The shared rows of the parameter's gradient, [S, P]."""
        return gradient.reshape(self.count, -1)[self.rows]


class SharedGradients:
    """The gradients of groups of members whose weighting needs a Gramian.

    One backward pass per task serves all members: their losses do not depend on each other's
    parameters. K counts the members, T the tasks of the member that has most, H the heads, S the
    shared rows of a parameter.
    """

    def __init__(
        self, groups: Sequence[BatchedWeighting], shared: Sequence[SharedRows], members: int
    ) -> None:
        """Prepare for groups of members, of `members` in all; `shared` holds rows of these only."""
        self.groups = groups
        self.shared = shared
        self.members = members
        self.tasks = max(group.heads.shape[1] for group in groups)
        self.heads = [self._heads_of(task) for task in range(self.tasks)]

    def _heads_of(self, task: int) -> Tensor:
        """The heads of the task at a place, of all members that have so many."""
        heads = []
        for group in self.groups:
            if task < group.heads.shape[1]:
                heads.append(group.heads[:, task])
        return torch.cat(heads)

    def find_weights(self, losses: Tensor) -> None:
        """Find the weights for losses[H], whose graph is kept."""
        self.jacobians = self._jacobians(losses)
        gramian = self._gramian()
        self.weights = losses.new_ones(self.members, self.tasks)
        for group in self.groups:
            tasks = group.heads.shape[1]
            group_losses = losses.detach()[group.heads]
            group_gramian = gramian[group.members, :tasks, :tasks]
            weights = group.weighting.weigh(group_losses, group_gramian, group.state)
            self.weights[group.members, :tasks] = weights

    def _jacobians(self, losses: Tensor) -> list[Tensor]:
        """The gradients of every task on the shared rows of each parameter, [S, T, P]."""
        parameters = [rows.parameter for rows in self.shared]
        by_task = []
        for heads in self.heads:
            gradients = torch.autograd.grad(
                losses[heads].sum(), parameters, retain_graph=True, materialize_grads=True
            )
            pairs = zip(self.shared, gradients, strict=True)
            by_task.append([rows.of(gradient) for rows, gradient in pairs])
        by_parameter = zip(*by_task, strict=True)
        return [torch.stack(gradients, 1) for gradients in by_parameter]

    def _gramian(self) -> Tensor:
        """Inner products [K, T, T] of the tasks' gradients.

        They are in float64, where sums hardly depend on their order.
        """
        gramian = torch.zeros(
            self.members,
            self.tasks,
            self.tasks,
            dtype=torch.float64,
            device=self.heads[0].device,
        )
        for rows, jacobian in zip(self.shared, self.jacobians, strict=True):
            exact = jacobian.double()
            gramian.index_add_(0, rows.members, exact @ exact.mT)
        return gramian

    def apply_weights(self) -> None:
        """Add to the plain gradients on shared rows what makes them weighted ones."""
        for rows, jacobian in zip(self.shared, self.jacobians, strict=True):
            change = torch.zeros_like(jacobian[:, 0])
            for task, weights in enumerate(self.weights[rows.members].T):
                change += (weights[:, None] - 1) * jacobian[:, task]
            gradient = rows.parameter.grad
            assert gradient is not None
            gradient.view(rows.count, -1).index_add_(
                0,
                rows.rows,
                change,
            )
        del self.jacobians  # as large as the shared weights, once per task


def is_shared(
    wiring: Wiring,
    level: int,
    index: int,
) -> bool:
    """Whether the weights of a stage, or of a stem (level STEM_LEVEL), serve at least two tasks.

    They do where two tasks use them, and where activations are mixed with other branches' on this
    level or further on.
    """
    if any(mixed_level >= level for mixed_level, _ in wiring.mixed_streams):
        return True
    if level != STEM_LEVEL:
        return len(wiring.tasks(level, index)) > 1
    node, source = wiring.streams[0][index]
    sources = [wiring.sources[task] for task in wiring.tasks(0, node)]
    return sources.count(source) > 1
