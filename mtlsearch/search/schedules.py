"""What an arm trains next. Proposals depend on finished cohorts only."""

import copy
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Protocol

import numpy as np
from optuna.trial import FrozenTrial, TrialState, create_trial

from mtlsearch.data import Dataset
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.tree_search import best_tree
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.search.arms import ARMS
from mtlsearch.search.proposal import propose, shape, spelling
from mtlsearch.search.samplers import SAMPLERS
from mtlsearch.search.study import Ledger, Study, candidate_of, directions, objectives, trained
from mtlsearch.seeding import derive_seed
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree

KIN = 4  # candidates in a row that have one shape and train as one stack


class Schedule(Protocol):
    """One arm's trainings in order: how many, in what groups, and how each is made."""

    arm: str
    total: int
    cohort: int

    def ready(self, index: int) -> bool:
        """Whether the cohort of this index may begin now."""
        ...

    def training(self, number: int) -> TrainingJob:
        """The training of this number, entered into the study as running if it is new."""
        ...

    def finish(self, outcome: TrainingResult) -> None:
        """Record an outcome."""
        ...

    def finished(self) -> set[int]:
        """The numbers with a terminal state."""
        ...


class ArmSchedule:
    """The trainings of a search arm. Training n is a pure function of the seed and of the cohorts before its own.

    The replicates of cohort i have the numbers from i * cohort on, in every arm: its candidates are compared on the same
    rows, and the next cohort's on others. With a sampler that models, each name that the space lists comes up once before one
    is chosen by what is known, and half of the candidates have the tree that is the best for a draw of the affinities
    (Thompson sampling).
    """

    def __init__(self, study: Study, arm: str, dataset: Dataset, space: SearchSpace) -> None:
        request = study.request
        self.arm, self.total, self.cohort = arm, request.trainings, request.cohort
        self._request, self._dataset, self._space = request, dataset, ARMS[arm].pin(space)
        self._sampler = ARMS[arm].sampler or request.sampler
        self._models = SAMPLERS[self._sampler].models
        self._trees = "tree" not in self._space.pins and self._space.tasks > 1
        self._directions = directions(dataset, space.cost)
        self._ledger = Ledger(study.arm(arm, self._directions))
        self._affinity, self._history = cache(self._fit), cache(self._bared)

    def finished(self) -> set[int]:
        """The numbers with a terminal state."""
        return self._ledger.finished

    def finish(self, outcome: TrainingResult) -> None:
        """Record an outcome under the tasks' validation metrics."""
        self._ledger.record(outcome, objectives(outcome, self._dataset, self._space.cost))

    def ready(self, index: int) -> bool:
        """All that the cohort's proposals depend on is finished."""
        return self._ledger.finished.issuperset(range(self._known(index)))

    def _known(self, cohort: int) -> int:
        return max(0, cohort - self._request.lag + 1) * self.cohort

    def training(self, number: int) -> TrainingJob:
        """The training of this number, entered into the study as running if it is new."""
        if number == len(self._ledger.trials):
            self._ledger.enter(self._new(number))
        trial = self._ledger.trials[number]
        return TrainingJob(
            number,
            candidate_of(trial).composition(),
            trial.user_attrs["replicate"],
            self._request.seed,
        )

    def _new(self, number: int) -> FrozenTrial:
        position = number % self.cohort
        before = position % self._request.replicates
        first = self._ledger.trials[number - before] if before else self._proposed(number)
        return self._entry(first, number - position + before)

    def _entry(self, asked: FrozenTrial, replicate: int) -> FrozenTrial:
        """A running trial of a candidate, on the first replicate from this one on that it was not trained on."""
        candidate = asked.user_attrs["candidate"]
        taken = {
            t.user_attrs["replicate"]
            for t in self._ledger.trials
            if t.user_attrs["candidate"] == candidate
        }
        attrs = {
            "candidate": candidate,
            "replicate": next(r for r in range(replicate, 10**9) if r not in taken),
        }
        return create_trial(
            state=TrialState.RUNNING,
            params=asked.params,
            distributions=asked.distributions,
            system_attrs=asked.system_attrs,
            user_attrs=attrs,
        )

    def _proposed(self, number: int) -> FrozenTrial:
        """A new candidate."""
        cohort, place = number // self.cohort, number % self.cohort // self._request.replicates
        kin = (
            self._ledger.trials[number - place % KIN * self._request.replicates]
            if place % KIN
            else None
        )
        affinity, fixed = self._affinity(self._known(cohort)), dict[str, Any]()
        if affinity and self._trees and place % 2:
            random = np.random.default_rng(
                derive_seed(self._request.seed, self.arm, number, "tree")
            )
            fixed |= spelling(self._tree(affinity.draw(random)))
        fixed |= self._untried(cohort * (self.cohort // self._request.replicates) + place)
        fixed |= shape(kin) if kin else {}
        return self._asked(number, fixed)

    def _untried(self, new: int) -> dict[str, Any]:
        """For the new candidate of this number the names, part by part, that its turn brings, while there are any left.

        Soft sharing is tried where it acts, between the branches of a tree that has them.
        """
        found, depth = dict[str, Any](), self._space.tree.levels
        for part, options in self._space.options.items():
            turn = new // KIN if part == "backbone" else new  # kin have one backbone
            if self._models and part not in self._space.pins and 1 < len(options) > turn:
                order = np.random.default_rng(
                    derive_seed(self._request.seed, self.arm, part)
                ).permutation(len(options))
                option = options[order[turn]]
                found[part] = option.name
                if part == "sharing" and self._trees and option.kind().levels(depth):
                    found |= spelling(SharingTree.separate(self._space.tasks, depth))
        return found

    def _asked(self, number: int, fixed: Mapping[str, Any]) -> FrozenTrial:
        history, seed = (
            self._history(self._known(number // self.cohort)),
            derive_seed(self._request.seed, self.arm, number),
        )
        candidate, asked = propose(
            self._space, self._sampler, seed, history, self._directions, fixed
        )
        asked.user_attrs["candidate"] = json.loads(
            json.dumps(candidate.to_json())
        )  # as the storage spells it: no tuples
        return asked

    def _tree(self, affinity: Affinity) -> SharingTree:
        return best_tree(affinity.sharing(), self._space.tree.max_branches)

    def _bared(self, known: int) -> list[FrozenTrial]:
        """The known trials as a sampler needs them: scores as on an average replicate, and without our attributes."""
        return [_bare(trial, self._affinity(known)) for trial in self._ledger.trials[:known]]

    def _fit(self, known: int) -> Affinity | None:
        """The affinities as far as the first `known` trials tell."""
        if not self._models:
            return None
        return Affinity.fit(trained(self.arm, self._ledger.trials[:known]), self._dataset.tasks)


def _bare(trial: FrozenTrial, affinity: Affinity | None) -> FrozenTrial:
    bare = copy.copy(trial)
    if affinity and trial.state == TrialState.COMPLETE:
        [own] = trained("", [trial])
        scores = list(affinity.adjusted(own).values())
        bare.values = scores + trial.values[len(scores) :]
    bare.user_attrs = {}
    return bare
