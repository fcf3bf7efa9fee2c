"""The trials of one arm as they are stored, and the records that are made of them."""

import copy
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from mtlsearch.candidate import Candidate
from mtlsearch.errors import StudyError
from mtlsearch.records import Replicate, TrainingResult, Trial
from mtlsearch.search.confirmed_files import FILES
from mtlsearch.search.trial_spelling import TrialSpelling

# The attributes of a stored trial: one of the search has a candidate, one of the confirmation an
# arm. Beside these are some for people, whom Optuna's dashboard shows them; nothing reads them.
CANDIDATE = "candidate"  # what is trained, as JSON
ARM = "arm"  # the arm whose pick is trained
REPLICATE = "replicate"  # the index of the replicate within its phase
RESULT = "result"  # what the training came to, as JSON
TREE = "tree"  # for people: who shares which stages, in a line


class Ledger:
    """The trials of one arm, written through to the storage and kept here.

    They are read from the storage only once: one process at a time writes a study. Should another
    one have written, the storage tells by the number that it gives. The histories of their epochs,
    which are most of them, are not kept.

    Args:
        arm: The arm.
        study: Its trials in the storage.
        tasks: The names of the tasks, for an arm whose trials have trees as parameters.

    Attributes:
        stored: The trials as Optuna has them; trial n is the arm's training n.
        finished: The numbers of those that have their result.
    """

    def __init__(self, arm: str, study: optuna.Study, tasks: Sequence[str] = ()) -> None:
        self._arm = arm
        self._storage = study._storage
        self._study_id = study._study_id
        self._trials: dict[int, Trial] = {}
        stored = study.get_trials(deepcopy=False)
        self._spelling = TrialSpelling(tasks, stored)
        self.stored: list[FrozenTrial] = []
        for trial in stored:
            self.stored.append(_without_history(self._spelling.restored(trial)))
        self.finished: set[int] = set()
        for trial in self.stored:
            if trial.state.is_finished():
                self.finished.add(trial.number)

    def candidate(self, number: int) -> Candidate:
        """The candidate of a trial of the search."""
        return _candidate_of(self.stored[number])

    def replicate(self, number: int) -> Replicate:
        """The replicate of a trial of the search."""
        return _replicate_of(self.stored[number])

    def parameters(self, number: int) -> dict[str, Any]:
        """The parameters of a trial of the search, as the storage spells them."""
        return self._spelling.stored(self.stored[number]).params

    def trials(self, until: int) -> list[Trial]:
        """The records of the finished trials of the search among the first `until`."""
        trials = []
        for stored in self.stored[:until]:
            if stored.number in self.finished:
                trials.append(self._trial(stored))
        return trials

    def _trial(self, stored: FrozenTrial) -> Trial:
        """The record of a finished trial, made once."""
        number = stored.number
        if number not in self._trials:
            self._trials[number] = trial_of(self._arm, stored)
        return self._trials[number]

    def enter(self, trial: FrozenTrial) -> None:
        """Append a running trial.

        Raises StudyError where the storage gives it another number than the next.
        """
        number = len(self.stored)
        entered = copy.copy(trial)
        entered.number = number
        entered._trial_id = self._storage.create_new_trial(
            self._study_id,
            template_trial=self._spelling.stored(trial),
        )
        at_number = self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
        if entered._trial_id != at_number:
            raise StudyError(
                f"{self._arm}: another process has written training {number} of this study; "
                "let one process work on it, and use resume"
            )
        self.stored.append(entered)

    def record(
        self,
        result: TrainingResult,
        values: Sequence[float],
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        """Give a running trial its one terminal state; a second result changes nothing.

        Args:
            result: What the training came to.
            values: The values of Optuna's objectives, which a failed training has none of.
            attributes: Further attributes of the trial.
        """
        if result.number in self.finished:
            return
        added = dict(attributes or {}) | _for_people(result)
        added[RESULT] = result.to_json()
        trial = copy.copy(self.stored[result.number])
        if result.complete:
            trial.state = TrialState.COMPLETE
            trial.values = list(values)
        else:
            trial.state = TrialState.FAIL
            trial.values = None
        trial.datetime_complete = datetime.now()
        trial.user_attrs = trial.user_attrs | added
        self._store(trial, added)
        self.stored[result.number] = _without_history(trial)
        self.finished.add(result.number)

    def _store(self, trial: FrozenTrial, attributes: Mapping[str, Any]) -> None:
        """Write attributes of a trial, and then its state: with this it is finished."""
        trial_id = trial._trial_id
        for name, value in attributes.items():
            self._storage.set_trial_user_attr(trial_id, name, value)
        self._storage.set_trial_state_values(trial_id, trial.state, trial.values)


def _without_history(trial: FrozenTrial) -> FrozenTrial:
    """The trial without the losses of its epochs, on which no proposal rests."""
    result = trial.user_attrs.get(RESULT)
    if result is None:
        return trial
    kept = copy.copy(trial)
    kept.user_attrs = trial.user_attrs | {RESULT: {**result, "history": []}}
    return kept


def _for_people(result: TrainingResult) -> dict[str, Any]:
    """What a person wants to know of a result who sees the attributes of its trial."""
    if not result.complete:
        return {"failure": result.failure}
    return {"validation scores": result.scores, "seconds": round(result.train_seconds, 2)}


def is_recorded(stored: FrozenTrial) -> bool:
    """Whether a stored trial has its result."""
    return stored.state.is_finished() and RESULT in stored.user_attrs


def result_of(stored: FrozenTrial) -> TrainingResult:
    """The result of a stored trial that has one, without predictions and weights."""
    return TrainingResult.from_json(stored.user_attrs[RESULT])


def trial_of(arm: str, stored: FrozenTrial) -> Trial:
    """The record of a stored trial of the search that has its result."""
    return Trial(
        arm=arm,
        number=stored.number,
        candidate=_candidate_of(stored),
        replicate=_replicate_of(stored),
        result=result_of(stored),
    )


def confirmed_seed(stored: FrozenTrial) -> tuple[str, int]:
    """The arm whose pick a stored trial of the confirmation trains, and the index of its seed."""
    return stored.user_attrs[ARM], stored.user_attrs[REPLICATE]


def files_of(stored: FrozenTrial) -> dict[str, str]:
    """The files that hold what a stored trial of the confirmation handed over."""
    files = {}
    for name in FILES:
        if name in stored.user_attrs:
            files[name] = stored.user_attrs[name]
    return files


def _candidate_of(stored: FrozenTrial) -> Candidate:
    return Candidate.from_json(stored.user_attrs[CANDIDATE])


def _replicate_of(stored: FrozenTrial) -> Replicate:
    return Replicate("search", stored.user_attrs[REPLICATE])
