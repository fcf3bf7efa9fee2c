"""AdamW over stacked weights, with settings and a number of steps for each member.

The rows of a member are one slice of each stack, so torch's own fused kernel (Loshchilov & Hutter
2019, arXiv:1711.05101) runs over slices: one or two calls per member, and the same arithmetic as
`torch.optim.AdamW`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor, nn

from mtlsearch.training.learning_rates import RateCourse

BETA1 = 0.9
BETA2 = 0.999
EPSILON = 1e-8
SMALLEST_NORM = 1e-6  # added to the norm of gradients, as torch does where it clips them


class Terms(NamedTuple):
    """How rows are stepped.

    Attributes:
        rate: By what the learning rate is multiplied.
        decays: Whether weights decay.
        clipped: Whether the gradient is clipped.
    """

    rate: float
    decays: bool
    clipped: bool


@dataclass
class ParameterGroup:
    """A stacked parameter.

    Attributes:
        parameter: The rows of all members, [N, ...].
        members: The member of each row, ascending, [N].
        decays: Whether its weights decay.
        in_trunk: Whether it stays as it is while a member's trunk is frozen.
        rates: For mixing parameters, by what each member's learning rate is multiplied.
    """

    parameter: Tensor
    members: Tensor
    decays: bool
    in_trunk: bool
    rates: Sequence[float] | None = None

    def terms(self, member: int) -> Terms:
        """How the rows of a member are stepped.

        What is no part of a network, a weighting's state, is not clipped.
        """
        if self.rates is not None:
            return Terms(
                self.rates[member],
                self.decays,
                clipped=True,
            )
        return Terms(1.0, self.decays, clipped=self.decays)


@dataclass
class StepCount:
    """The optimizer steps of a member: those of its trunk may be fewer."""

    heads: int = 0
    trunk: int = 0

    def add(self, frozen: bool) -> None:
        """Count a step."""
        self.heads += 1
        if not frozen:
            self.trunk += 1


@dataclass
class Slice:
    """The rows of a member in a group, as views.

    Attributes:
        group: The number of the group.
        place: Which of the group's slices it is.
        weights: The rows of the parameter.
        first: The rows of Adam's first moment.
        second: The rows of Adam's second moment.
    """

    group: int
    place: int
    weights: Tensor
    first: Tensor
    second: Tensor


class StackedAdamW:
    """Steps all groups; `courses` holds one entry per member: its settings and most steps.

    Members never influence each other.
    """

    def __init__(self, groups: Sequence[ParameterGroup], courses: Sequence[RateCourse]) -> None:
        self.groups = list(groups)
        self.courses = list(courses)
        self.first = [torch.zeros_like(group.parameter) for group in groups]
        self.second = [torch.zeros_like(group.parameter) for group in groups]
        self.steps = [StepCount() for _ in courses]
        self.frozen = [False for _ in courses]
        self._slice()

    def _slice(self) -> None:
        """Cut the groups into the members' slices."""
        self.row_counts: list[list[int]] = []  # of each group the rows of each of its slices
        self.slices: dict[int, dict[Terms, list[Slice]]] = {}  # of each member
        for number in range(len(self.groups)):
            self._slice_group(number)

    def _slice_group(self, number: int) -> None:
        group = self.groups[number]
        members = []
        row_counts = []
        for member, rows in groupby(group.members.tolist()):
            members.append(member)
            row_counts.append(len(list(rows)))
        weights = torch.split(group.parameter.detach(), row_counts)
        first = torch.split(self.first[number], row_counts)
        second = torch.split(self.second[number], row_counts)
        for place, member in enumerate(members):
            by_terms = self.slices.setdefault(member, {})
            slices = by_terms.setdefault(group.terms(member), [])
            slices.append(
                Slice(
                    number,
                    place,
                    weights[place],
                    first[place],
                    second[place],
                )
            )
        self.row_counts.append(row_counts)

    def freeze(self, frozen: Sequence[bool]) -> None:
        """From now on leave the trunk of these members as it is."""
        self.frozen = list(frozen)

    @torch.no_grad()
    def step(self) -> None:
        """One update from the gradients, which are dropped.

        A group without a gradient stays as it is.
        """
        numbers = range(len(self.groups))
        gradients = [self._take_gradients(number) for number in numbers]
        for steps, frozen in zip(self.steps, self.frozen, strict=True):
            steps.add(frozen)
        step_tensors = self._step_tensors()
        for member in self.slices:
            self._step_member(member, gradients, step_tensors)

    def _take_gradients(self, number: int) -> Sequence[Tensor]:
        """The gradient of a group, slice by slice; empty where there is none."""
        parameter = self.groups[number].parameter
        gradient = parameter.grad
        parameter.grad = None
        if gradient is None:
            return ()
        return torch.split(gradient, self.row_counts[number])

    def _step_tensors(self) -> dict[int, Tensor]:
        """The numbers of steps as the kernel wants them."""
        device = self.first[0].device
        tensors = {}
        for steps in self.steps:
            for count in (steps.heads, steps.trunk):
                if count not in tensors:
                    tensors[count] = torch.tensor(float(count), device=device)
        return tensors

    def _step_member(
        self,
        member: int,
        gradients: Sequence[Sequence[Tensor]],
        step_tensors: dict[int, Tensor],
    ) -> None:
        moved: dict[Terms, list[Slice]] = {}
        clipped: list[Tensor] = []
        for terms, slices in self.slices[member].items():
            moved[terms] = [
                piece
                for piece in slices
                if self._moves(
                    piece,
                    member,
                    gradients,
                )
            ]
            if terms.clipped:
                for piece in moved[terms]:
                    clipped.append(gradients[piece.group][piece.place])
        self._clip(member, clipped)
        for terms, slices in moved.items():
            if slices:
                slice_gradients = [gradients[piece.group][piece.place] for piece in slices]
                self._move(member, terms, slices, slice_gradients, step_tensors)

    def _moves(
        self,
        piece: Slice,
        member: int,
        gradients: Sequence[Sequence[Tensor]],
    ) -> bool:
        """Whether a slice has a gradient and is not frozen."""
        is_frozen = self.frozen[member] and self.groups[piece.group].in_trunk
        return bool(gradients[piece.group]) and not is_frozen

    def _clip(
        self,
        member: int,
        gradients: list[Tensor],
    ) -> None:
        """Scale the gradients of a member to its largest norm, in place."""
        clip_norm = self.courses[member].settings.clip_norm
        if gradients and clip_norm > 0:
            norm = nn.utils.get_total_norm(gradients)
            factor = (clip_norm / (norm + SMALLEST_NORM)).clamp(max=1.0)
            torch._foreach_mul_(gradients, factor)

    def _move(
        self,
        member: int,
        terms: Terms,
        slices: Sequence[Slice],
        gradients: list[Tensor],
        step_tensors: dict[int, Tensor],
    ) -> None:
        settings = self.courses[member].settings
        steps = self.steps[member]
        factor = self.courses[member].factor(steps.heads - 1)
        counts = []
        for piece in slices:
            in_trunk = self.groups[piece.group].in_trunk
            counts.append(step_tensors[steps.trunk if in_trunk else steps.heads])
        torch._fused_adamw_(
            [piece.weights for piece in slices],
            gradients,
            [piece.first for piece in slices],
            [piece.second for piece in slices],
            [],
            counts,
            lr=settings.learning_rate * terms.rate * factor,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=settings.weight_decay if terms.decays else 0.0,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def keep(
        self,
        groups: Sequence[ParameterGroup],
        kept: Sequence[tuple[int, Tensor]],
        members: Sequence[int],
    ) -> None:
        """Go on with these members alone.

        `groups` are those of the old groups that are left; `kept` holds the numbers they had and
        their rows.
        """
        self.groups = list(groups)
        self.first = [self.first[number][rows] for number, rows in kept]
        self.second = [self.second[number][rows] for number, rows in kept]
        self.courses = [self.courses[member] for member in members]
        self.steps = [self.steps[member] for member in members]
        self.frozen = [self.frozen[member] for member in members]
        self._slice()
