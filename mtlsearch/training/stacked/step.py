"""One epoch of a forest: the losses of all heads, each member's weighting, the ties, and the stacked optimizer."""

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from mtlsearch.initializations import Initialization
from mtlsearch.tasks.loss import task_loss
from mtlsearch.training.batched_weighting import BatchedWeighting
from mtlsearch.training.parameter_averaging import ParameterAveraging, branches_in
from mtlsearch.training.precision import forward, steps
from mtlsearch.training.shared_gradients import SharedGradients
from mtlsearch.training.stacked.forest import Forest
from mtlsearch.training.stacked.optimizer import Slot, StackedAdamW
from mtlsearch.training.stacked.plan import HeadShape
from mtlsearch.training.stacked.stacked_data import Batch
from mtlsearch.weightings import Weighting


class StackedStep:
    """The optimizer and the weightings' states of a forest. Heads are numbered 0..H-1 in the order of its parts."""

    def __init__(
        self,
        forest: Forest,
        column: Sequence[int],
        precision: str = "float32",
        meetings: Mapping[int, Initialization] | None = None,
    ) -> None:
        """`column[t]` is the place of the dataset's task t among the targets of its head's shape; `meetings` say of which
        members the branches meet.
        """
        self.forest, self.column, self.precision = forest, column, precision
        self._number()
        self.weighed = self._weighed()
        self.shared = SharedGradients.of_forest(self.forest, self.weighed)
        self.optimizer = StackedAdamW(
            self._slots(), [net.component.candidate.optimizer for net in forest.networks]
        )
        self.meetings = {
            k: ParameterAveraging(start, branches_in(forest, k))
            for k, start in (meetings or {}).items()
        }

    def _number(self) -> None:
        """Number the heads and find their targets."""
        forest, device = self.forest, self.forest.device
        self.heads = [
            (shape, place) for shape, part in forest.heads.items() for place in part.places
        ]
        self.number = {place: number for number, (_, place) in enumerate(self.heads)}
        self.members = torch.tensor([k for _, (k, _) in self.heads], device=device)
        self.targets: dict[HeadShape, tuple[Tensor, Tensor]] = {
            shape: (
                forest.replicate[part.members],
                torch.tensor([self.column[t] for t in forest.plan.tasks[shape]], device=device),
            )
            for shape, part in forest.heads.items()
        }

    def task(self, head: int) -> int:
        """The dataset's task of a head."""
        member, position = self.heads[head][1]
        return self.forest.networks[member].component.tasks[position]

    def _weighed(self) -> list[BatchedWeighting]:
        groups: dict[tuple[type[Weighting], int], list[int]] = {}
        for k, network in enumerate(self.forest.networks):
            groups.setdefault(
                (type(network.component.candidate.weighting), len(network.heads)), []
            ).append(k)
        networks = self.forest.networks
        return [
            BatchedWeighting.of([networks[k] for k in own], own, self._heads_of(own))
            for own in groups.values()
        ]

    def _heads_of(self, members: Sequence[int]) -> Tensor:
        counts = [len(self.forest.networks[k].heads) for k in members]
        numbers = [
            [self.number[k, position] for position in range(count)]
            for k, count in zip(members, counts, strict=True)
        ]
        return torch.tensor(numbers, device=self.forest.device)

    def _slots(self) -> list[Slot]:
        heads, links = list(self.forest.heads.values()), list(self.forest.links.values())
        rates = [
            network.component.candidate.sharing.rate_factor for network in self.forest.networks
        ]
        slots = [
            Slot(
                part.weights,
                part.members,
                part not in links,
                part not in heads,
                rates if part in links else None,
            )
            for part in self.forest.parts
        ]
        for group in self.weighed:
            own = torch.tensor(group.members, device=self.forest.device)
            slots += [Slot(value, own, decays=False, trunk=False) for value in group.learned]
        return slots

    def losses(self, batch: Batch) -> Tensor:
        """The loss of every head on a batch, [H]."""
        inputs, targets = batch
        with forward(self.precision, self.forest.device):
            outputs = self.forest(inputs)
        return torch.cat(
            [
                task_loss(shape.kind, outputs[shape], targets[shape][index])
                for shape, index in self.targets.items()
            ]
        )

    def run(self, batches: Iterable[Batch]) -> Tensor:
        """One epoch of steps; returns the summed losses of the heads, [H], which show whether all were finite."""
        self.forest.train(True)
        with steps(self.precision):
            each = [self._step(batch) for batch in batches]
        for meeting in self.meetings.values():
            meeting.meet()
        seen = sum(each, torch.zeros(len(self.heads), device=self.forest.device))
        for group in self.weighed:
            group.after_epoch(seen[group.heads] / len(each))
        return seen

    def _step(self, batch: Batch) -> Tensor:
        """One step; the losses [H] before it."""
        losses = self.losses(batch)
        if self.shared:
            self.shared.look(losses)
        each = [(group, losses[group.heads]) for group in self.weighed]
        total = torch.stack([group.total(own) for group, own in each]).sum()
        if any(self.forest.ties):
            total = total + self.forest.sharing_penalty()
        total.backward()  # type: ignore[no-untyped-call]
        if self.shared:
            self.shared.reweigh()
        self.optimizer.step()
        self._after_step(each, batch)
        for meeting in self.meetings.values():
            meeting.after_step()
        self.forest.step += 1
        return losses.detach()

    @torch.no_grad()
    def _after_step(self, each: Sequence[tuple[BatchedWeighting, Tensor]], batch: Batch) -> None:
        again = (
            self.losses(batch) if any(group.weighting.looks_again for group, _ in each) else None
        )
        for group, own in each:
            group.after_step(own, None if again is None else again[group.heads])

    def keep(self, members: Sequence[int]) -> list[tuple[int, Tensor]]:
        """Leave out all but these members (ascending, not none); as `Forest.keep`."""
        before, parts = len(self.forest.parts), self.forest.keep(members)
        kept, number = list(parts), before
        renamed = {k: position for position, k in enumerate(members)}
        self._number()
        groups = []
        for group in self.weighed:
            rows = [row for row, k in enumerate(group.members) if k in renamed]
            index = torch.tensor(rows, device=self.forest.device, dtype=torch.long)
            for value in group.state.values():
                if value.requires_grad:
                    kept += [(number, index)] if rows else []
                    number += 1
            if rows:
                groups.append(
                    self._narrow(group, [renamed[group.members[row]] for row in rows], index)
                )
        self.weighed = groups
        self.shared = SharedGradients.of_forest(self.forest, self.weighed)
        self.optimizer.keep(
            self._slots(), kept, torch.tensor(list(members), device=self.forest.device)
        )
        self.meetings = {
            renamed[k]: meeting for k, meeting in self.meetings.items() if k in renamed
        }
        for k, meeting in self.meetings.items():
            meeting.branches = branches_in(self.forest, k)
        return parts

    def _narrow(
        self, group: BatchedWeighting, members: list[int], rows: Tensor
    ) -> BatchedWeighting:
        state = {
            name: value.detach()[rows].requires_grad_(value.requires_grad)
            for name, value in group.state.items()
        }
        return BatchedWeighting(group.weighting, members, self._heads_of(members), state)
