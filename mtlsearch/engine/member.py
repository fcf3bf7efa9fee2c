"""What a cohort consists of: members, each one network on one replicate; and the trainings that need them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.candidate import Candidate, Component, Schedule
from mtlsearch.engine.outcome import Training
from mtlsearch.engine.seeds import derive
from mtlsearch.tree import SharingTree


@dataclass(frozen=True)
class Member:
    """One network to train: a component on a replicate, for `epochs` at most, its trunk frozen for the first of them.

    Equal members train alike, so a cohort trains them once. With a `donor`, its trunk is what training starts from.
    """

    component: Component
    replicate: int
    seed: int
    epochs: int
    frozen_epochs: int = 0
    donor: "Member | None" = None

    @classmethod
    def of(cls, component: Component, training: Training, tasks: int, schedule: Schedule) -> "Member":
        """The member that trains a component of `training`, in a dataset of so many tasks."""
        start, seed = component.candidate.initialization, derive(training.seed, "replicate", training.replicate)
        before = round(schedule.epochs * start.pretraining)
        others = tuple(task for task in range(tasks) if task not in component.tasks)
        epochs = max(1, schedule.epochs - before)
        donor = cls(_all_shared(component.candidate, others), training.replicate, seed, before) if before and others else None
        return cls(component, training.replicate, seed, epochs, round(epochs * start.frozen), donor)

    @property
    def shape(self) -> tuple[object, ...]:
        """What members must have in common to be stacked: the backbone but for its rates, and the depth.

        Also what their weighting looks at, so that nobody pays for others' backward and forward passes.
        """
        candidate = self.component.candidate
        backbone, weighting = candidate.backbone, candidate.weighting
        shares = not candidate.tree.is_separate or (candidate.sharing.mixes and bool(candidate.tied))
        looks = weighting.needs_gramian and shares, weighting.looks_again
        assert dataclasses.is_dataclass(backbone)
        fields = dataclasses.fields(backbone)
        numbers = ((field.name, getattr(backbone, field.name), field.metadata.get("per")) for field in fields)
        kept = tuple((name, value > 0 if per == "member" else value) for name, value, per in numbers)
        return type(backbone), kept, candidate.tree.depth, looks


def _all_shared(candidate: Candidate, tasks: Sequence[int]) -> Component:
    """The given tasks on one trunk, with the candidate's own backbone and optimizer."""
    tree = SharingTree.shared(len(tasks), candidate.tree.depth)
    weighting = type(candidate.weighting)()
    return Component(tuple(tasks), dataclasses.replace(candidate, tree=tree, weighting=weighting))
