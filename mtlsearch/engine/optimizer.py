"""AdamW over stacked weights: each member has its own learning rate, weight decay, clipping and number of steps.

The rows of a member are one slice of each stack, so torch's own fused kernel (Loshchilov & Hutter 2019, arXiv:1711.05101)
runs over slices: one or two calls per member, and the same arithmetic as `torch.optim.AdamW`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from mtlsearch.candidate import OptimizerSettings

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass
class Slot:
    """A stacked parameter [N, ...], the member of each of its rows [N], ascending, whether it decays and is part of the trunk."""

    parameter: Tensor
    members: Tensor
    decays: bool
    trunk: bool


@dataclass
class Slice:
    """The rows of a member in a slot: the number of the slot, which of its slices, and the weights with their moments."""

    slot: int
    place: int
    weights: Tensor
    first: Tensor
    second: Tensor


class StackedAdamW:
    """Steps all slots; `settings` holds one entry per member. Members never influence each other."""

    def __init__(self, slots: Sequence[Slot], settings: Sequence[OptimizerSettings]) -> None:
        self.slots, self.settings = list(slots), list(settings)
        self.first = [torch.zeros_like(slot.parameter) for slot in slots]
        self.second = [torch.zeros_like(slot.parameter) for slot in slots]
        self.steps = [[0, 0] for _ in settings]  # of each member: outside the trunk, of the trunk
        self.frozen = [False for _ in settings]
        self._slice()

    def _slice(self) -> None:
        """Cut the slots into the members' slices."""
        runs = [[(member, len(list(rows))) for member, rows in groupby(slot.members.tolist())] for slot in self.slots]
        self.counts = [[count for _, count in each] for each in runs]
        self.slices: dict[tuple[int, bool], list[Slice]] = {}  # per member, those that decay and those that do not
        for number, slot in enumerate(self.slots):
            tensors = (slot.parameter.detach(), self.first[number], self.second[number])
            pieces = zip(*(torch.split(each, self.counts[number]) for each in tensors), strict=True)
            for place, ((member, _), piece) in enumerate(zip(runs[number], pieces, strict=True)):
                self.slices.setdefault((member, slot.decays), []).append(Slice(number, place, *piece))

    def freeze(self, frozen: Sequence[bool]) -> None:
        """From now on leave the trunk of these members as it is."""
        self.frozen = list(frozen)

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients, which are dropped. A slot without a gradient stays as it is."""
        pieces = [self._gradients(number) for number in range(len(self.slots))]
        for steps, frozen in zip(self.steps, self.frozen, strict=True):
            steps[:] = steps[0] + 1, steps[1] + (not frozen)
        self._count = {n: torch.tensor(float(n), device=self.first[0].device) for n in {n for own in self.steps for n in own}}
        for (member, decays), slices in self.slices.items():
            frozen = self.frozen[member]
            moved = [each for each in slices if pieces[each.slot] and not (frozen and self.slots[each.slot].trunk)]
            gradients = [pieces[each.slot][each.place] for each in moved]
            if moved:
                self._move(member, decays, moved, gradients)

    def _gradients(self, number: int) -> Sequence[Tensor]:
        """The gradient of a slot, slice by slice; empty where there is none."""
        gradient, self.slots[number].parameter.grad = self.slots[number].parameter.grad, None
        return () if gradient is None else torch.split(gradient, self.counts[number])

    def _move(self, member: int, decays: bool, slices: Sequence[Slice], gradients: list[Tensor]) -> None:
        settings, steps = self.settings[member], self.steps[member]
        if decays and settings.clip_norm > 0:
            torch._foreach_mul_(gradients, (settings.clip_norm / (nn.utils.get_total_norm(gradients) + 1e-6)).clamp(max=1.0))
        torch._fused_adamw_(
            [each.weights for each in slices],
            gradients,
            [each.first for each in slices],
            [each.second for each in slices],
            [],
            [self._count[steps[self.slots[each.slot].trunk]] for each in slices],
            lr=settings.learning_rate,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=settings.weight_decay if decays else 0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def keep(self, slots: Sequence[Slot], kept: Sequence[tuple[int, Tensor]], members: Tensor) -> None:
        """Go on with `slots`, which are old slots (`kept`: their numbers and rows) of these members."""
        self.slots = list(slots)
        self.first = [self.first[number][rows] for number, rows in kept]
        self.second = [self.second[number][rows] for number, rows in kept]
        self.settings = [self.settings[member] for member in members.tolist()]
        self.steps = [self.steps[member] for member in members.tolist()]
        self.frozen = [self.frozen[member] for member in members.tolist()]
        self._slice()
