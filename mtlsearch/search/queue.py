"""The work queue: which trainings come next. Runners take cohorts from it and give outcomes back; it writes the study."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from optuna.trial import FrozenTrial, TrialState, create_trial

from mtlsearch.data import Dataset
from mtlsearch.engine import Outcome, Training, thins
from mtlsearch.engine.seeds import derive
from mtlsearch.evidence.pick import Pick
from mtlsearch.search.arms import ARMS
from mtlsearch.search.proposal import propose
from mtlsearch.search.study import Ledger, Study, candidate_of, directions, objectives
from mtlsearch.space import SearchSpace

CONFIRMATION_REPLICATE = 100_000  # replicates from here on are fresh: the search never used their seeds and folds
KIN = 4  # candidates in a row that have one shape and train as one stack
ATTEMPTS = 2  # a cohort whose worker died is tried again once


@dataclass(frozen=True)
class Cohort:
    """Trainings of one arm that one worker trains together."""

    arm: str
    trainings: tuple[Training, ...]


class Line(Protocol):
    """One arm's trainings in order: how many, in what groups, and how each is made."""

    arm: str
    total: int
    cohort: int
    whole: bool  # a cohort that was cut short is trained again as a whole: its members were compared with each other

    def ready(self, index: int) -> bool:
        """Whether the cohort of this index may begin now."""
        ...

    def training(self, number: int) -> Training:
        """The training of this number, entered into the study as running if it is new."""
        ...

    def finish(self, outcome: Outcome) -> None:
        """Record an outcome."""
        ...

    def finished(self) -> set[int]:
        """The numbers with a terminal state."""
        ...


class SearchLine:
    """The trainings of a search arm. Training n is a pure function of the seed and of the cohorts before its own."""

    def __init__(self, study: Study, arm: str, dataset: Dataset, space: SearchSpace) -> None:
        request = study.request
        self.arm, self.total, self.cohort = arm, request.trainings, request.cohort
        self.whole = request.rungs and thins(space.training.epochs, request.cohort // request.replicates, len(dataset.tasks))
        self._request, self._dataset, self._space = request, dataset, ARMS[arm].pin(space)
        self._sampler = ARMS[arm].sampler or request.sampler
        self._directions = directions(dataset, space.cost)
        self._ledger = Ledger(study.arm(arm, self._directions))

    def finished(self) -> set[int]:
        """The numbers with a terminal state."""
        return self._ledger.finished

    def ready(self, index: int) -> bool:
        """All that the cohort's proposals depend on is finished."""
        return self._ledger.finished.issuperset(range(self._known(index)))

    def _known(self, index: int) -> int:
        return max(0, index - self._request.lag + 1) * self.cohort

    def training(self, number: int) -> Training:
        """The training of this number; a new one is proposed, or repeats the candidate before it as a replicate."""
        if number == len(self._ledger.trials):
            self._ledger.enter(self._new(number))
        trial = self._ledger.trials[number]
        replicate = trial.user_attrs["replicate"]
        return Training(number, candidate_of(trial).components(), replicate, self._request.seed)

    def _new(self, number: int) -> FrozenTrial:
        first = number - number % self._request.replicates
        if number == first:
            history = [_bare(trial) for trial in self._ledger.trials[: self._known(number // self.cohort)]]
            seed = derive(self._request.seed, self.arm, number)
            candidate, asked = propose(self._space, self._sampler, seed, history, self._directions, self._model(number))
            stored = json.loads(json.dumps(candidate.to_json()))  # as the storage spells it: lists, no tuples
        else:
            asked = self._ledger.trials[first]
            stored = asked.user_attrs["candidate"]
        replicate = sum(trial.user_attrs["candidate"] == stored for trial in self._ledger.trials)
        return create_trial(
            state=TrialState.RUNNING,
            params=asked.params,
            distributions=asked.distributions,
            system_attrs=asked.system_attrs,
            user_attrs={"candidate": stored, "replicate": replicate},
        )

    def _model(self, number: int) -> FrozenTrial | None:
        """The trial whose shape a new candidate takes: the first of its kin in the cohort; None for that one itself."""
        position = number % self.cohort
        first = number - position % (KIN * self._request.replicates)
        return None if first == number else self._ledger.trials[first]

    def finish(self, outcome: Outcome) -> None:
        """Record an outcome under the tasks' validation metrics."""
        self._ledger.record(outcome, objectives(outcome, self._dataset, self._space.cost))


class ConfirmationLine:
    """The picks, each trained with the same fresh seeds and scored on the test rows. Training n is pick n // seeds."""

    def __init__(self, study: Study, picks: Sequence[Pick]) -> None:
        self.arm, self._seed, self._seeds = study.confirmation, study.request.seed, study.request.seeds
        self._picks, self.total, self.cohort, self.whole = list(picks), len(picks) * self._seeds, study.request.cohort, False
        self._ledger = Ledger(study.arm(self.arm))

    def finished(self) -> set[int]:
        """The numbers with a terminal state."""
        return self._ledger.finished

    def ready(self, index: int) -> bool:
        """Always: nothing here depends on a result."""
        return True

    def training(self, number: int) -> Training:
        """The training of this number."""
        pick, replicate = self._picks[number // self._seeds], CONFIRMATION_REPLICATE + number % self._seeds
        if number == len(self._ledger.trials):
            attrs = {"arm": pick.arm, "replicate": replicate}
            self._ledger.enter(create_trial(state=TrialState.RUNNING, user_attrs=attrs))
        return Training(number, pick.composition, replicate, self._seed, test=True)

    def finish(self, outcome: Outcome) -> None:
        """Record an outcome; its value is the training time, for want of an objective."""
        self._ledger.record(outcome, [outcome.train_seconds])


def _bare(trial: FrozenTrial) -> FrozenTrial:
    """A trial as a sampler needs it: without our attributes, which are long to copy."""
    bare = copy.copy(trial)
    bare.user_attrs = {}
    return bare


class WorkQueue:
    """Hands out cohorts, arm by arm in turn, and takes outcomes back. `stop` ends it early."""

    def __init__(self, lines: Sequence[Line], observe: Callable[[str, Outcome], None]) -> None:
        self._lines = {line.arm: line for line in lines}
        self._observe = observe
        self._in_flight: dict[str, set[int]] = {line.arm: set() for line in lines}
        self._attempts: dict[tuple[str, int], int] = {}
        self.stopped = False

    @property
    def finished(self) -> bool:
        """True when nothing is left to hand out or to wait for, or when the queue was stopped."""
        return self.stopped or all(len(line.finished()) >= line.total for line in self._lines.values())

    @property
    def running(self) -> int:
        """Trainings handed out and not yet back."""
        return sum(len(numbers) for numbers in self._in_flight.values())

    def stop(self) -> None:
        """Hand out nothing more."""
        self.stopped = True

    def next(self) -> Cohort | None:
        """The next cohort, from the arm that is furthest behind; None when nothing can begin right now."""
        if self.stopped:
            return None
        found = [(min(numbers), line, numbers) for line in self._lines.values() if (numbers := self._open(line))]
        if not found:
            return None
        _, line, numbers = min(found, key=lambda each: each[0])
        self._in_flight[line.arm].update(numbers)
        return Cohort(line.arm, tuple(line.training(number) for number in numbers))

    def _open(self, line: Line) -> list[int]:
        """The unfinished numbers of the first cohort that nobody works on, if it may begin; all of them if the line wants it."""
        taken = line.finished() | self._in_flight[line.arm]
        first = next((number for number in range(line.total) if number not in taken), None)
        if first is None or not line.ready(first // line.cohort):
            return []
        start = first - first % line.cohort
        cohort = range(start, min(start + line.cohort, line.total))
        if line.whole and self._in_flight[line.arm].isdisjoint(cohort):
            return list(cohort)
        return [number for number in cohort if number not in taken]

    def done(self, arm: str, outcome: Outcome) -> None:
        """Record one outcome. A repeated one changes nothing."""
        self._in_flight[arm].discard(outcome.number)
        if outcome.number not in self._lines[arm].finished():
            self._lines[arm].finish(outcome)
            self._observe(arm, outcome)

    def lost(self, cohort: Cohort, reason: str) -> None:
        """A worker died: what it had not finished is handed out once more, then failed with the reason."""
        for training in cohort.trainings:
            key = (cohort.arm, training.number)
            if training.number in self._lines[cohort.arm].finished():
                continue
            self._in_flight[cohort.arm].discard(training.number)
            self._attempts[key] = self._attempts.get(key, 0) + 1
            if self._attempts[key] >= ATTEMPTS:
                self.done(cohort.arm, Outcome.failed(training.number, f"the worker died: {reason}"))
