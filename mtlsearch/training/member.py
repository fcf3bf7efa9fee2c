"""The members of a cohort: each is one network on one replicate."""

import dataclasses
from dataclasses import dataclass

from mtlsearch.backbones import Backbone
from mtlsearch.backbones.numbers import Numbers
from mtlsearch.candidate import Candidate, Component, TrainingSettings
from mtlsearch.initializations import Initialization
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.seeding import derive_seed
from mtlsearch.structure.tree import SharingTree


@dataclass(frozen=True)
class Member:
    """One network to train. Equal members train alike, so a cohort trains them once.

    Attributes:
        component: The tasks and settings of the network.
        replicate: The replicate, whose fold it is trained on.
        seed: The seed of its initial weights, batches and dropout masks.
        epochs: The epochs that it is trained for at most.
        frozen_epochs: The first epochs, in which only its heads are trained.
        pretraining: The member whose trunk it begins with; None: it begins at random.
        averaging: For a pretraining member whose tasks have a branch each, how these are averaged;
            they begin alike.
        end: After how many epochs its training ends, with the weights that it then has; None: as
            the validation rows say.
    """

    component: Component
    replicate: Replicate
    seed: int
    epochs: int
    frozen_epochs: int = 0
    pretraining: "Member | None" = None
    averaging: Initialization | None = None
    end: int | None = None

    @classmethod
    def of(
        cls,
        component: Component,
        job: TrainingJob,
        tasks: int,
        schedule: TrainingSettings,
    ) -> "Member":
        """The member that trains a component of a job, in a dataset of so many tasks."""
        initialization = component.candidate.initialization
        seed = replicate_seed(job)
        wanted_epochs = round(schedule.epochs * initialization.pretraining)
        pretraining_epochs = min(wanted_epochs, schedule.epochs - 1)
        pretraining_tasks = initialization.pretraining_tasks(component.tasks, tasks)
        pretraining = None
        if pretraining_epochs and pretraining_tasks:
            pretraining = cls(
                _pretraining_component(component.candidate, pretraining_tasks),
                job.replicate,
                seed,
                epochs=pretraining_epochs,
                averaging=initialization if initialization.local_steps else None,
            )
        epochs = schedule.epochs - pretraining_epochs
        return cls(
            component,
            job.replicate,
            seed,
            epochs=epochs,
            frozen_epochs=round(epochs * initialization.frozen),
            pretraining=pretraining,
            end=_end_of(component, job),
        )

    @property
    def stages(self) -> int:
        """The number of its stages, those of experts included."""
        candidate = self.component.candidate
        return sum(len(nodes) for nodes in candidate.tree.levels) + sum(candidate.experts)

    @property
    def shape(self) -> tuple[object, ...]:
        """The facts that members must have in common to be stacked.

        They are the backbone and what it reads of numbers, but for their rates, and the depth. Also
        what their weighting needs, so that nobody pays for others' backward and forward passes.
        """
        candidate = self.component.candidate
        sharing = candidate.sharing
        weighting = candidate.weighting
        mixes = sharing.mixes_activations and bool(candidate.soft_shared_levels)
        has_shared_parameters = mixes or not candidate.tree.is_separate
        return (
            *_stacked_settings(candidate.backbone),
            *_stacked_settings(candidate.numbers),
            candidate.tree.depth,
            weighting.needs_gramian and has_shared_parameters,
            weighting.needs_updated_losses,
        )


def _end_of(component: Component, job: TrainingJob) -> int | None:
    """After how many epochs a component of a job ends, where the job says so."""
    if not job.ends:
        return None
    place = job.composition.components.index(component)
    return job.ends[place]


def replicate_seed(job: TrainingJob) -> int:
    """The seed of all members of a job: equal for all jobs of a study on one replicate."""
    return derive_seed(job.seed, "replicate", job.replicate.number)


def _stacked_settings(method: Backbone | Numbers) -> tuple[object, ...]:
    """The class and settings of a method.

    Of a rate that may differ within a stack, only whether it is 0.
    """
    assert dataclasses.is_dataclass(method)
    settings = []
    for field in dataclasses.fields(method):
        value = getattr(method, field.name)
        if field.metadata.get("per") == "member":
            value = value > 0
        settings.append((field.name, value))
    return type(method), tuple(settings)


def _pretraining_component(
    candidate: Candidate,
    tasks: tuple[int, ...],
) -> Component:
    """The tasks with a candidate's backbone, optimizer and reading of numbers.

    They share one trunk, or have branches that are averaged.
    """
    has_branches = candidate.initialization.local_steps > 0
    make_tree = SharingTree.separate if has_branches else SharingTree.shared
    tree = make_tree(len(tasks), candidate.tree.depth)
    pretrained = Candidate(
        tree,
        candidate.backbone,
        optimizer=candidate.optimizer,
        numbers=candidate.numbers,
    )
    return Component(tasks, pretrained)


def with_one_trunk(component: Component) -> Component:
    """The component with everything shared."""
    tree = component.candidate.tree
    shared = SharingTree.shared(tree.tasks, tree.depth)
    candidate = dataclasses.replace(component.candidate, tree=shared)
    return dataclasses.replace(component, candidate=candidate)
