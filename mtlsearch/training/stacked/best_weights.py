"""The weights of a forest's members at their best epochs, and their mean."""

from collections.abc import Sequence

import torch
from torch import Tensor

from mtlsearch.training.best_epochs import BestEpochs
from mtlsearch.training.stacked.forest import Forest, KeptRows
from mtlsearch.training.stacked.module_stack import ModuleStack


class BestWeights:
    """The weights of K members at their best epochs so far, though some have left the running.

    Of each stack [N, P] there are as many copies as epochs are averaged, [slots, N, P], besides the
    mean; where one epoch is kept, it is the mean and there is no other copy.

    Attributes:
        epochs: The best epochs of each member, by its number in `forest`.
        copies: The copies of each stack of the forest.
        rows: Of each stack of the running members its number in the forest, and its rows there.
    """

    def __init__(self, forest: Forest, count: int) -> None:
        """`forest` holds all members; `count` epochs of each are averaged at most."""
        self.forest = forest
        self.count = count
        self.epochs = [BestEpochs(count) for _ in forest.networks]
        self.copies = [self._make_copies(stack) for stack in forest.stacks]
        self.rows: list[KeptRows] = []
        for number, stack in enumerate(forest.stacks):
            rows = torch.arange(len(stack.places), device=forest.device)
            self.rows.append((number, rows))
        self.is_current = True  # no epoch has come since the forest got its mean weights

    def _make_copies(self, stack: ModuleStack) -> Tensor:
        weights = stack.weights.detach()
        if self.count == 1:
            return weights[None]
        return weights.new_empty(self.count, *weights.shape)

    @torch.no_grad()
    def add_epoch(self, running: Forest, slots: Sequence[int | None]) -> None:
        """Keep the present weights of running members, each in a slot; None: not kept."""
        numbers = [-1 if slot is None else slot for slot in slots]
        member_slots = torch.tensor(numbers, device=self.forest.device)
        for stack, (number, rows) in zip(running.stacks, self.rows, strict=True):
            row_slots = member_slots[stack.members]
            is_kept = row_slots >= 0
            place = (row_slots[is_kept], rows[is_kept])
            self.copies[number][place] = stack.weights[is_kept]
        self.is_current = False

    def keep(self, kept: Sequence[KeptRows]) -> None:
        """Follow the running members, of whose stacks these rows are left."""
        left = []
        for stack, kept_rows in kept:
            number, rows = self.rows[stack]
            left.append((number, rows[kept_rows]))
        self.rows = left

    def mean(self) -> Forest:
        """The forest of all members, each with the mean of its copies.

        One without an epoch has the weights that it began with.
        """
        if self.count > 1 and not self.is_current:
            counts = [len(epochs.ranks) for epochs in self.epochs]
            member_counts = torch.tensor(counts, device=self.forest.device)
            for stack, copies in zip(self.forest.stacks, self.copies, strict=True):
                _average(stack, copies, member_counts[stack.members])
        self.is_current = True
        return self.forest


@torch.no_grad()
def _average(stack: ModuleStack, copies: Tensor, counts: Tensor) -> None:
    """Give each row of a stack the mean of its first copies, `counts` [N] of them.

    It is taken in float64 and one copy after another: the last bits follow from the row alone.
    """
    total = torch.zeros_like(stack.weights, dtype=torch.float64)
    for slot, copy in enumerate(copies):
        is_filled = counts > slot
        total[is_filled] += copy[is_filled].double()
    has_copies = counts > 0
    mean = total[has_copies] / counts[has_copies, None]
    stack.weights[has_copies] = mean.to(stack.weights.dtype)
