"""What is trained next: by an arm of the search, by the confirmation, and of the references."""

import copy
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any, Literal, Protocol

import numpy as np
from optuna.trial import FrozenTrial, TrialState, create_trial

from mtlsearch.data import Dataset
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.selection import Pick
from mtlsearch.evidence.sequential import STEP
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.evidence.tree_search import tree_of_affinity
from mtlsearch.records import Job, ReferenceJob, Replicate, TrainingJob, TrainingResult, Trial
from mtlsearch.search.arms import ARMS
from mtlsearch.search.confirmed_files import write_files
from mtlsearch.search.ledger import (
    ARM,
    CANDIDATE,
    REPLICATE,
    TREE,
    Ledger,
    confirmed_seed,
    result_of,
)
from mtlsearch.search.objectives import directions, objective_names, objective_values
from mtlsearch.search.own_samplers import own_sampler_of
from mtlsearch.search.proposal import propose, shape_parameters
from mtlsearch.search.request import Request
from mtlsearch.search.samplers import SAMPLERS, Sampler
from mtlsearch.search.study import REFERENCES_ARM, TRAINING_SECONDS, Study
from mtlsearch.seeding import derive_seed
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import scored

MOST_SHOWN_WORDS = (
    "%s: the sampler is shown the latest %d trainings from now on, as proposals would take longer; "
    "trees are proposed by all (a sampler without that limit: --sampler nsga2)"
)
SAME_SHAPE = 4  # candidates in a row that have one shape and train as one stack


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """What a training is of, for those who watch.

    Attributes:
        phase: search, confirmation or references.
        arm: The arm, or the name of the reference.
        replicate: The index of its replicate.
        parameters: What was drawn for it in the search, in the spelling of the storage.
        part: The name of its part of the study; empty for the first.
    """

    phase: Literal["search", "confirmation", "references"]
    arm: str
    replicate: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""


class Schedule(Protocol):
    """The trainings of one arm, or of the confirmation, in order.

    They are numbered from 0 to `total` - 1. Each `cohort` of them, from 0 on, is trained by one
    worker.
    """

    arm: str
    cohort: int

    @property
    def total(self) -> int:
        """The number of trainings."""
        ...

    def ready(self, index: int) -> bool:
        """Whether the cohort of this index may begin now."""
        ...

    def job(self, number: int) -> Job:
        """The training of this number, entered into the study as running if it is new."""
        ...

    def trained(self, number: int) -> Trained:
        """What the training of this number, which is finished, is of."""
        ...

    def finish(self, result: TrainingResult) -> None:
        """Record a result. A second one for the same training changes nothing."""
        ...

    def finished(self) -> set[int]:
        """The numbers of the trainings that have their result."""
        ...

    def begun(self) -> int:
        """How many of the trainings, from the first on, are entered into the study."""
        ...


class ArmSchedule:
    """The trainings of one arm of the search.

    Training n is a pure function of the seed and of the cohorts that had to be finished before its
    own. The replicates of cohort i are numbered from i * cohort on, in every arm: the candidates of
    a cohort are compared on the same rows, and those of the next cohort on others.

    With a sampler that models, each name that the space lists comes up once before one is chosen by
    what is known, and half of the candidates have the tree that is the best one for a draw of the
    affinities (Thompson 1933).
    """

    def __init__(self, study: Study, arm: str, dataset: Dataset, space: SearchSpace) -> None:
        request = study.request
        restricted = ARMS[arm].restrict(space)
        sampler = _sampler_of(request, arm)
        self.arm = arm
        self.cohort = request.cohort
        self._study = study
        self._request = request
        self._dataset = dataset
        self._scales = SkillScales.on_search_rows(dataset)
        self._space = restricted
        self._sampler = sampler
        self._models = sampler.models
        self._varies_trees = "tree" not in restricted.fixed and restricted.tasks > 1
        self._directions = directions(dataset, space.cost)
        metrics = objective_names(dataset, space.cost)
        self._task_names = [task.name for task in dataset.tasks]
        stored = study.arm(arm, self._directions, metrics)
        self._ledger = Ledger(arm, stored, self._task_names)
        # cohorts are proposed in their order: what earlier ones knew is asked for no more
        self._affinity = lru_cache(1)(self._fit_affinity)
        self._history = lru_cache(1)(self._bare_trials)
        self._has_said_so = False

    @property
    def total(self) -> int:
        """The budget of the arm, which may be lowered while it is trained."""
        return self._study.request.budget(self.arm)

    def finished(self) -> set[int]:
        """The numbers of the trainings that have their result."""
        return self._ledger.finished

    def begun(self) -> int:
        """How many of the trainings are entered into the study."""
        return len(self._ledger.stored)

    def finish(self, result: TrainingResult) -> None:
        """Record a result under the tasks' validation metrics."""
        values = objective_values(result, self._dataset, self._space.cost)
        self._ledger.record(result, values)

    def ready(self, index: int) -> bool:
        """Whether all that the cohort's proposals depend on is finished."""
        return self._ledger.finished.issuperset(range(self._known(index)))

    def job(self, number: int) -> TrainingJob:
        """The training of this number, entered into the study as running if it is new."""
        if number == len(self._ledger.stored):
            self._ledger.enter(self._new_trial(number))
        candidate = self._ledger.candidate(number)
        return TrainingJob(
            number=number,
            composition=candidate.composition(),
            replicate=self._ledger.replicate(number),
            seed=self._request.seed,
        )

    def trained(self, number: int) -> Trained:
        """What the training of this number is of."""
        replicate = self._ledger.replicate(number).index
        return Trained("search", self.arm, replicate, self._ledger.parameters(number))

    def _known(self, cohort: int) -> int:
        """How many first trials the proposals of a cohort depend on."""
        delay = self._request.proposal_delay
        finished_cohorts = max(0, cohort - delay + 1)
        return finished_cohorts * self.cohort

    def _new_trial(self, number: int) -> FrozenTrial:
        """A running trial: of a new candidate, or of the same as before on its next replicate."""
        position = number % self.cohort
        repeats = position % self._request.replicates
        if repeats:
            proposal = self._ledger.stored[number - repeats]
        else:
            proposal = self._propose(number)
        candidate = proposal.user_attrs[CANDIDATE]
        first_of_cohort = number - position
        replicate = self._unused_replicate(candidate, first_of_cohort + repeats)
        return create_trial(
            state=TrialState.RUNNING,
            params=proposal.params,
            distributions=proposal.distributions,
            system_attrs=proposal.system_attrs,
            user_attrs={
                TREE: proposal.user_attrs.get(TREE, ""),  # of earlier versions' there is none
                CANDIDATE: candidate,
                REPLICATE: replicate,
            },
        )

    def _unused_replicate(self, candidate: Mapping[str, Any], first: int) -> int:
        """The first replicate from `first` on that the candidate was not trained on."""
        used = set()
        for trial in self._ledger.stored:
            if trial.user_attrs[CANDIDATE] == candidate:
                used.add(trial.user_attrs[REPLICATE])
        replicate = first
        while replicate in used:
            replicate += 1
        return replicate

    def _propose(self, number: int) -> FrozenTrial:
        """A running trial of a new candidate."""
        cohort, position = divmod(number, self.cohort)
        place = position // self._request.replicates
        candidate, trial = propose(
            space=self._space,
            sampler=self._sampler.after(self._ledger.stored[-1]) if number else self._sampler,
            seed=derive_seed(self._request.seed, self.arm, number),
            history=self._history(self._known(cohort)),
            directions=self._directions,
            fixed=self._fixed_parameters(number, cohort, place),
        )
        # as the storage spells it: without tuples
        spelled = json.dumps(candidate.to_json())
        trial.user_attrs[CANDIDATE] = json.loads(spelled)
        trial.user_attrs[TREE] = candidate.composition().spell(self._task_names)
        return trial

    def _fixed_parameters(self, number: int, cohort: int, place: int) -> dict[str, Any]:
        """The parameters of the candidate at a place of a cohort that no sampler is asked for."""
        replicates = self._request.replicates
        affinity = self._affinity(self._known(cohort))
        fixed: dict[str, Any] = {}
        if affinity and self._varies_trees and place % 2:
            tree = self._drawn_tree(affinity, number)
            fixed |= tree.parameters()
        candidates_per_cohort = self.cohort // replicates
        index = cohort * candidates_per_cohort + place
        fixed |= self._untried_names(index)
        followers = place % SAME_SHAPE
        if followers:
            leader = number - followers * replicates
            fixed |= shape_parameters(self._ledger.stored[leader])
        return fixed

    def _drawn_tree(self, affinity: Affinity, number: int) -> SharingTree:
        """The best tree for a draw of the affinities."""
        seed = derive_seed(self._request.seed, self.arm, number, "tree")
        random = np.random.default_rng(seed)
        return tree_of_affinity(affinity.draw(random), self._space.tree.max_branches)

    def _untried_names(self, index: int) -> dict[str, Any]:
        """For each setting group the name whose turn it is with the new candidate of this index.

        There is none for a group once all of its names were tried. Soft sharing is tried where it
        acts: between the branches of a tree that has them.
        """
        fixed: dict[str, Any] = {}
        if not self._models:
            return fixed
        depth = self._space.tree.levels
        for group, options in self._space.options.items():
            # candidates of one shape have one backbone
            turn = index // SAME_SHAPE if group == "backbone" else index
            is_settled = group in self._space.fixed or len(options) == 1
            if is_settled or turn >= len(options):
                continue
            option = options[self._turns(group, len(options))[turn]]
            fixed[group] = option.name
            acts_between_branches = group == "sharing" and option.kind().levels(depth)
            if acts_between_branches and self._varies_trees:
                separate = SharingTree.separate(self._space.tasks, depth)
                fixed |= separate.parameters()
        return fixed

    def _turns(self, group: str, count: int) -> list[int]:
        """In which order the names of a setting group have their turns."""
        seed = derive_seed(self._request.seed, self.arm, group)
        random = np.random.default_rng(seed)
        order: list[int] = random.permutation(count).tolist()
        return order

    def _bare_trials(self, known: int) -> list[FrozenTrial]:
        """Those of the first `known` trials that a sampler is shown, as it needs them.

        Their scores are those of an average replicate, and they are without our attributes.
        """
        affinity = self._affinity(known)
        first = self._sampler.first_shown(known)
        if first and not self._has_said_so:
            logger.info(MOST_SHOWN_WORDS, self.arm, known - first)
            self._has_said_so = True
        trials = {trial.number: trial for trial in self._ledger.trials(known)[first:]}
        bare_trials = []
        for stored in self._ledger.stored[first:known]:
            trial = trials.get(stored.number)
            bare_trials.append(_bare(stored, trial, affinity))
        return bare_trials

    def _fit_affinity(self, known: int) -> Affinity | None:
        """The affinities as far as the first `known` trials tell."""
        if not self._models:
            return None
        trials = self._ledger.trials(known)
        return Affinity.fit(trials, self._scales)


def _sampler_of(request: Request, arm: str) -> Sampler:
    """The sampler of an arm: the study's, unless the arm is a control of that."""
    name = ARMS[arm].sampler
    if name is not None:
        return SAMPLERS[name]
    sampler = own_sampler_of(request)
    return SAMPLERS[request.sampler] if sampler is None else sampler.sampler


def _bare(
    stored: FrozenTrial,
    trial: Trial | None,
    affinity: Affinity | None,
) -> FrozenTrial:
    """A trial without our attributes, with scores as on an average replicate."""
    bare = copy.copy(stored)
    bare.user_attrs = {}
    if affinity and trial and trial.complete:
        adjusted = affinity.adjusted(trial)
        scores = [adjusted[task.name] for task in scored(affinity.tasks)]
        costs = stored.values[len(scores) :]
        bare.values = scores + costs
    return bare


class ConfirmationSchedule:
    """The picked models, each trained with the same fresh seeds.

    Their trainings come in blocks of STEP seeds: all picks with the first of them, one pick after
    another, since seeds of one pick train as one stack; then all picks with the next. So a number
    of seeds that is raised only appends. What a study has begun keeps its number, in whatever order
    an earlier version began it.
    """

    def __init__(self, study: Study, picks: Sequence[Pick]) -> None:
        request = study.request
        self.arm = study.confirmation
        self.cohort = request.cohort
        self._request = request
        self._folder = study.folder
        stored = study.arm(self.arm, metrics=TRAINING_SECONDS)
        self._ledger = Ledger(self.arm, stored)
        self._models = self._in_order(picks, study.seeds)
        self.total = len(self._models)

    def finished(self) -> set[int]:
        """The numbers of the trainings that have their result."""
        return self._ledger.finished

    def begun(self) -> int:
        """How many of the trainings are entered into the study."""
        return len(self._ledger.stored)

    def ready(self, index: int) -> bool:
        """Always true: nothing here depends on a result."""
        return True

    def job(self, number: int) -> TrainingJob:
        """The training of this number, entered into the study as running if it is new."""
        pick, seed_index = self._model(number)
        if number == len(self._ledger.stored):
            attributes = {ARM: pick.arm, REPLICATE: seed_index}
            trial = create_trial(state=TrialState.RUNNING, user_attrs=attributes)
            self._ledger.enter(trial)
        return TrainingJob(
            number=number,
            composition=pick.composition,
            replicate=Replicate("confirmation", seed_index),
            seed=self._request.seed,
        )

    def trained(self, number: int) -> Trained:
        """What the training of this number is of."""
        pick, seed_index = self._model(number)
        return Trained("confirmation", pick.arm, seed_index)

    def finish(self, result: TrainingResult) -> None:
        """Write the model's predictions and weights, then record the result.

        Its value is the training time, for want of an objective.
        """
        if result.number in self._ledger.finished:
            return
        pick, seed_index = self._model(result.number)
        name = f"{pick.arm}-{self._request.budget_name}-{seed_index}"
        files = write_files(self._folder, name, result)
        self._ledger.record(result, [result.train_seconds], files)

    def _model(self, number: int) -> tuple[Pick, int]:
        """The pick that a training is of, and the index of its seed."""
        return self._models[number]

    def _in_order(self, picks: Sequence[Pick], seeds: int) -> list[tuple[Pick, int]]:
        """All trainings: first those that are begun, as they are numbered, then the others."""
        by_arm = {pick.arm: pick for pick in picks}
        models = []
        for trial in self._ledger.stored:
            arm, seed_index = confirmed_seed(trial)
            models.append((by_arm[arm], seed_index))
        begun = {(pick.arm, seed_index) for pick, seed_index in models}
        for first in range(0, seeds, STEP):
            block = range(first, min(first + STEP, seeds))
            for pick, seed_index in product(picks, block):
                if (pick.arm, seed_index) not in begun:
                    models.append((pick, seed_index))
        return models


class ReferenceSchedule:
    """The references, each fitted on the first folds of the confirmation and with its seeds.

    Fit n is on the fold of index n // references, of reference n % references: what is prepared for
    a fold serves all of them. Their settings are chosen on the validation rows of the first fold,
    so this one comes first. They depend on no budget: a longer search does not repeat them.
    """

    arm = REFERENCES_ARM

    def __init__(self, study: Study, names: Sequence[str]) -> None:
        request = study.request
        self.cohort = max(1, len(names))
        self._request = request
        self._folder = study.folder
        self._names = names
        stored = study.arm(self.arm, metrics=TRAINING_SECONDS)
        self._ledger = Ledger(self.arm, stored)
        fits = len(names) * study.reference_seeds
        self.total = max(fits, len(self._ledger.stored))

    def finished(self) -> set[int]:
        """The numbers of the fits that have their result."""
        return self._ledger.finished

    def begun(self) -> int:
        """How many of the fits are entered into the study."""
        return len(self._ledger.stored)

    def ready(self, index: int) -> bool:
        """Whether the settings are chosen that later folds take."""
        return index == 0 or self._ledger.finished.issuperset(range(self.cohort))

    def job(self, number: int) -> ReferenceJob:
        """The fit of this number, entered into the study as running if it is new."""
        name, seed_index = self._fit(number)
        if number == len(self._ledger.stored):
            attributes = {ARM: name, REPLICATE: seed_index}
            trial = create_trial(state=TrialState.RUNNING, user_attrs=attributes)
            self._ledger.enter(trial)
        return ReferenceJob(
            number=number,
            reference=name,
            replicate=Replicate("confirmation", seed_index),
            seed=self._request.seed,
            most_rows=self._request.reference_rows,
            settings=self._settings(number),
        )

    def trained(self, number: int) -> Trained:
        """What the fit of this number is of."""
        name, seed_index = self._fit(number)
        return Trained("references", name, seed_index)

    def finish(self, result: TrainingResult) -> None:
        """Write what is predicted for the test rows, then record the result.

        Its value is the time that the fit took, for want of an objective.
        """
        if result.number in self._ledger.finished:
            return
        name, seed_index = self._fit(result.number)
        files = write_files(self._folder, f"{self.arm}-{name}-{seed_index}", result)
        self._ledger.record(result, [result.train_seconds], files)

    def _settings(self, number: int) -> Mapping[str, Mapping[str, float]]:
        """What was chosen on the first fold, per task name; nothing on that fold itself."""
        if number < self.cohort:
            return {}
        first = self._ledger.stored[number % self.cohort]
        fit = result_of(first).reference
        return {} if fit is None else fit.settings

    def _fit(self, number: int) -> tuple[str, int]:
        """The reference that a fit is of, and the index of its seed."""
        seed_index, position = divmod(number, len(self._names))
        return self._names[position], seed_index
