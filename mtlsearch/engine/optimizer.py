"""AdamW over stacked parameters: each member has its own learning rate, weight decay, clipping and number of steps.

The update is that of Loshchilov & Hutter 2019 (arXiv:1711.05101), as `torch.optim.AdamW` computes it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.candidate import OptimizerSettings

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass
class Slot:
    """A stacked parameter [N, *P], the member each of its rows belongs to [N], and whether it decays and may be frozen."""

    parameter: Tensor
    members: Tensor
    decays: bool
    trunk: bool


class StackedAdamW:
    """Steps all slots; `settings` holds one entry per member. Rows never influence each other."""

    def __init__(self, slots: Sequence[Slot], settings: Sequence[OptimizerSettings]) -> None:
        self.slots = list(slots)
        like = slots[0].parameter
        self.first = [torch.zeros_like(slot.parameter) for slot in slots]
        self.second = [torch.zeros_like(slot.parameter) for slot in slots]
        self.rate, self.decay, self.clip = (
            torch.tensor([getattr(each, name) for each in settings], dtype=torch.float64, device=like.device)
            for name in ("learning_rate", "weight_decay", "clip_norm")
        )
        self.clips = bool((self.clip > 0).any())
        self.steps = torch.zeros(2, len(settings), dtype=torch.float64, device=like.device)  # of heads, of trunks
        self.frozen = torch.zeros(len(settings), dtype=torch.bool, device=like.device)
        self.freezes = False

    def freeze(self, frozen: Sequence[bool]) -> None:
        """From now on leave the trunk of these members as it is."""
        self.freezes = any(frozen)
        self.frozen = torch.tensor(frozen, device=self.rate.device)

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients, which are dropped."""
        self.steps += 1
        if self.freezes:
            self._hold()
        if self.clips:
            self._clip()
        numbers = [self._numbers(trunk) for trunk in (False, True)]
        for slot, first, second in zip(self.slots, self.first, self.second, strict=True):
            if (gradient := slot.parameter.grad) is None:
                continue
            decay, spread, least = _rows(numbers[slot.trunk][:, slot.members], slot.parameter)
            if slot.decays:
                slot.parameter.mul_(decay)
            first.lerp_(gradient, 1 - BETA1)
            second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
            # rate / c1 * first / (sqrt(second / c2) + eps), with all that differs between rows in the denominator
            slot.parameter.addcdiv_(first, second.sqrt().mul_(spread).add_(least), value=-1.0)
            slot.parameter.grad = None

    def _numbers(self, trunk: bool) -> Tensor:
        """[3, K]: the factor of weight decay; and `spread`, `least` of the denominator sqrt(second) * spread + least."""
        held = self.frozen if trunk else torch.zeros_like(self.frozen)
        steps = self.steps[int(trunk)].clamp(min=1)
        scale = (1 - BETA1**steps) / self.rate
        decay = torch.where(held, 1.0, 1 - self.rate * self.decay)
        return torch.stack([decay, scale / (1 - BETA2**steps).sqrt(), EPSILON * scale]).to(self.slots[0].parameter.dtype)

    def _hold(self) -> None:
        """Frozen trunks: no gradient, no step counted."""
        self.steps[1] -= self.frozen.to(self.steps.dtype)
        for slot in self.slots:
            if slot.trunk and slot.parameter.grad is not None:
                held = _rows(self.frozen[slot.members].to(torch.float64), slot.parameter)
                slot.parameter.grad = torch.where(held > 0, 0.0, slot.parameter.grad)

    def _clip(self) -> None:
        """Scale the gradient of each member's network to a norm of at most `clip_norm`."""
        squares = torch.zeros_like(self.rate)
        gradients = [(slot, slot.parameter.grad) for slot in self.slots if slot.decays and slot.parameter.grad is not None]
        for slot, gradient in gradients:
            squares.index_add_(0, slot.members, gradient.flatten(1).square().sum(1).to(squares.dtype))
        factor = torch.where(self.clip > 0, (self.clip / (squares.sqrt() + 1e-6)).clamp(max=1.0), 1.0)
        for slot, gradient in gradients:
            gradient.mul_(_rows(factor[slot.members], gradient))

    def keep(self, slots: Sequence[Slot], kept: Sequence[tuple[int, Tensor]], members: Tensor) -> None:
        """Go on with `slots`, which are old slots (`kept`: their numbers and rows) of these members."""
        self.slots = list(slots)
        self.first = [self.first[number][rows] for number, rows in kept]
        self.second = [self.second[number][rows] for number, rows in kept]
        self.rate, self.decay, self.clip = self.rate[members], self.decay[members], self.clip[members]
        self.steps, self.frozen = self.steps[:, members], self.frozen[members]
        self.clips, self.freezes = bool((self.clip > 0).any()), bool(self.frozen.any())


def _rows(numbers: Tensor, like: Tensor) -> Tensor:
    """[..., N] as [..., N, 1, ...] to go with a stacked parameter, in its precision."""
    return numbers.to(like.dtype).reshape(*numbers.shape, *(1,) * (like.dim() - 1))
