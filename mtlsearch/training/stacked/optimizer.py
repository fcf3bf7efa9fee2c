"""AdamW over stacked weights: each member has its own learning rate, weight decay, clipping and number of steps.

The rows of a member are one slice of each stack, so torch's own fused kernel (Loshchilov & Hutter 2019, arXiv:1711.05101)
runs over slices: one or two calls per member, and the same arithmetic as `torch.optim.AdamW`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mtlsearch.candidate import OptimizerSettings

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Terms(NamedTuple):
    """By what the learning rate is multiplied, whether weights decay, and whether the gradient is clipped."""

    rate: float
    decays: bool
    clipped: bool


@dataclass
class Slot:
    """A stacked parameter [N, ...], the member of each of its rows [N], ascending, whether it decays and is part of the trunk.

    `rates` is given for links: by what each member's learning rate is multiplied.
    """

    parameter: Tensor
    members: Tensor
    decays: bool
    trunk: bool
    rates: Sequence[float] | None = None

    def terms(self, member: int) -> Terms:
        """How the rows of a member are stepped. What is no part of a network, a weighting's state, is not clipped."""
        return (
            Terms(1.0, self.decays, self.decays)
            if self.rates is None
            else Terms(self.rates[member], self.decays, True)
        )


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
        runs = [
            [(member, len(list(rows))) for member, rows in groupby(slot.members.tolist())]
            for slot in self.slots
        ]
        self.counts = [[count for _, count in each] for each in runs]
        self.slices: dict[int, dict[Terms, list[Slice]]] = {}  # per member
        for number, slot in enumerate(self.slots):
            tensors = (slot.parameter.detach(), self.first[number], self.second[number])
            pieces = zip(*(torch.split(each, self.counts[number]) for each in tensors), strict=True)
            for place, ((member, _), piece) in enumerate(zip(runs[number], pieces, strict=True)):
                own = self.slices.setdefault(member, {}).setdefault(slot.terms(member), [])
                own.append(Slice(number, place, *piece))

    def freeze(self, frozen: Sequence[bool]) -> None:
        """From now on leave the trunk of these members as it is."""
        self.frozen = list(frozen)

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients, which are dropped. A slot without a gradient stays as it is."""
        pieces = [self._gradients(number) for number in range(len(self.slots))]
        for steps, frozen in zip(self.steps, self.frozen, strict=True):
            steps[:] = steps[0] + 1, steps[1] + (not frozen)
        self._count = {
            n: torch.tensor(float(n), device=self.first[0].device)
            for n in {n for own in self.steps for n in own}
        }
        for member, groups in self.slices.items():
            frozen = self.frozen[member]
            moved = {
                terms: [
                    each
                    for each in slices
                    if pieces[each.slot] and not (frozen and self.slots[each.slot].trunk)
                ]
                for terms, slices in groups.items()
            }
            gradients = {
                terms: [pieces[each.slot][each.place] for each in slices]
                for terms, slices in moved.items()
            }
            self._clip(
                member, [each for terms, own in gradients.items() if terms.clipped for each in own]
            )
            for terms, slices in moved.items():
                if slices:
                    self._move(member, terms, slices, gradients[terms])

    def _gradients(self, number: int) -> Sequence[Tensor]:
        """The gradient of a slot, slice by slice; empty where there is none."""
        gradient, self.slots[number].parameter.grad = self.slots[number].parameter.grad, None
        return () if gradient is None else torch.split(gradient, self.counts[number])

    def _clip(self, member: int, gradients: list[Tensor]) -> None:
        clip_norm = self.settings[member].clip_norm
        if gradients and clip_norm > 0:
            torch._foreach_mul_(
                gradients, (clip_norm / (nn.utils.get_total_norm(gradients) + 1e-6)).clamp(max=1.0)
            )

    def _move(
        self, member: int, terms: Terms, slices: Sequence[Slice], gradients: list[Tensor]
    ) -> None:
        settings, steps = self.settings[member], self.steps[member]
        torch._fused_adamw_(
            [each.weights for each in slices],
            gradients,
            [each.first for each in slices],
            [each.second for each in slices],
            [],
            [self._count[steps[self.slots[each.slot].trunk]] for each in slices],
            lr=settings.learning_rate * terms.rate,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=settings.weight_decay if terms.decays else 0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def keep(
        self, slots: Sequence[Slot], kept: Sequence[tuple[int, Tensor]], members: Tensor
    ) -> None:
        """Go on with `slots`, which are old slots (`kept`: their numbers and rows) of these members."""
        self.slots = list(slots)
        self.first = [self.first[number][rows] for number, rows in kept]
        self.second = [self.second[number][rows] for number, rows in kept]
        self.settings = [self.settings[member] for member in members.tolist()]
        self.steps = [self.steps[member] for member in members.tolist()]
        self.frozen = [self.frozen[member] for member in members.tolist()]
        self._slice()
