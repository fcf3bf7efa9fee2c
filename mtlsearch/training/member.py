"""What a cohort consists of: members, each one network on one replicate; and the trainings that need them."""

import dataclasses
from dataclasses import dataclass

from mtlsearch.candidate import Candidate, Component, TrainingSettings
from mtlsearch.initializations import Initialization
from mtlsearch.records import TrainingJob
from mtlsearch.seeding import derive_seed
from mtlsearch.structure.tree import SharingTree


@dataclass(frozen=True)
class Member:
    """One network to train: a component on a replicate, for `epochs` at most, its trunk frozen for the first of them.

    Equal members train alike, so a cohort trains them once. With a `donor`, its trunk is what training starts from. The
    branches of a donor may have a `meeting`: they begin alike and become one as it says.
    """

    component: Component
    replicate: int
    seed: int
    epochs: int
    frozen_epochs: int = 0
    donor: "Member | None" = None
    meeting: Initialization | None = None

    @classmethod
    def of(
        cls, component: Component, training: TrainingJob, tasks: int, schedule: TrainingSettings
    ) -> "Member":
        """The member that trains a component of `training`, in a dataset of so many tasks."""
        start, seed = (
            component.candidate.initialization,
            derive_seed(training.seed, "replicate", training.replicate),
        )
        before = min(round(schedule.epochs * start.pretraining), schedule.epochs - 1)
        epochs, teachers = schedule.epochs - before, start.teachers(component.tasks, tasks)
        donor = (
            cls._donor(component.candidate, teachers, training.replicate, seed, before)
            if before and teachers
            else None
        )
        return cls(component, training.replicate, seed, epochs, round(epochs * start.frozen), donor)

    @classmethod
    def _donor(
        cls, candidate: Candidate, tasks: tuple[int, ...], replicate: int, seed: int, epochs: int
    ) -> "Member":
        """The tasks on one trunk, or on a branch each where these meet, with the candidate's backbone and optimizer."""
        meeting = candidate.initialization if candidate.initialization.steps_apart else None
        tree = (SharingTree.separate if meeting else SharingTree.shared)(
            len(tasks), candidate.tree.depth
        )
        own = Candidate(tree, candidate.backbone, optimizer=candidate.optimizer)
        return cls(Component(tasks, own), replicate, seed, epochs, meeting=meeting)

    @property
    def shape(self) -> tuple[object, ...]:
        """What members must have in common to be stacked: the backbone but for its rates, and the depth.

        Also what their weighting looks at, so that nobody pays for others' backward and forward passes.
        """
        candidate = self.component.candidate
        backbone, weighting = candidate.backbone, candidate.weighting
        shares = not candidate.tree.is_separate or (
            candidate.sharing.mixes and bool(candidate.tied)
        )
        looks = weighting.needs_gramian and shares, weighting.looks_again
        assert dataclasses.is_dataclass(backbone)
        fields = dataclasses.fields(backbone)
        numbers = (
            (field.name, getattr(backbone, field.name), field.metadata.get("per"))
            for field in fields
        )
        kept = tuple(
            (name, value > 0 if per == "member" else value) for name, value, per in numbers
        )
        return type(backbone), kept, candidate.tree.depth, looks


def on_one_trunk(component: Component) -> Component:
    """The component with everything shared."""
    tree = component.candidate.tree
    return dataclasses.replace(
        component,
        candidate=dataclasses.replace(
            component.candidate, tree=SharingTree.shared(tree.tasks, tree.depth)
        ),
    )
