"""The work queue: which trainings come next. Runners take cohorts from it and give outcomes back; it writes the study."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optuna.trial import TrialState, create_trial

from mtlsearch.evidence.selection import Pick
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.study import Ledger, Study

CONFIRMATION_REPLICATE = (
    100_000  # replicates from here on are fresh: the search never used their seeds and folds
)
ATTEMPTS = 2  # a cohort whose worker died is tried again once


@dataclass(frozen=True)
class Cohort:
    """Trainings of one arm that one worker trains together."""

    arm: str
    trainings: tuple[TrainingJob, ...]


class ConfirmationSchedule:
    """The picks, each trained with the same fresh seeds and scored on the test rows. Training n is pick n // seeds."""

    def __init__(self, study: Study, picks: Sequence[Pick]) -> None:
        self.arm, self._seed, self._seeds = (
            study.confirmation,
            study.request.seed,
            study.request.seeds,
        )
        self._picks, self.total, self.cohort = (
            list(picks),
            len(picks) * self._seeds,
            study.request.cohort,
        )
        self._ledger = Ledger(study.arm(self.arm))

    def finished(self) -> set[int]:
        """The numbers with a terminal state."""
        return self._ledger.finished

    def ready(self, index: int) -> bool:
        """Always: nothing here depends on a result."""
        return True

    def training(self, number: int) -> TrainingJob:
        """The training of this number."""
        pick, replicate = (
            self._picks[number // self._seeds],
            CONFIRMATION_REPLICATE + number % self._seeds,
        )
        if number == len(self._ledger.trials):
            attrs = {"arm": pick.arm, "replicate": replicate}
            self._ledger.enter(create_trial(state=TrialState.RUNNING, user_attrs=attrs))
        return TrainingJob(number, pick.composition, replicate, self._seed, test=True)

    def finish(self, outcome: TrainingResult) -> None:
        """Record an outcome; its value is the training time, for want of an objective."""
        self._ledger.record(outcome, [outcome.train_seconds])


class WorkQueue:
    """Hands out cohorts, arm by arm in turn, and takes outcomes back. `stop` ends it early."""

    def __init__(
        self, lines: Sequence[Schedule], observe: Callable[[str, TrainingResult], None]
    ) -> None:
        self._lines = {line.arm: line for line in lines}
        self._observe = observe
        self._in_flight: dict[str, set[int]] = {line.arm: set() for line in lines}
        self._attempts: dict[tuple[str, int], int] = {}
        self.stopped = False

    @property
    def finished(self) -> bool:
        """True when nothing is left to hand out or to wait for, or when the queue was stopped."""
        return self.stopped or all(
            len(line.finished()) >= line.total for line in self._lines.values()
        )

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
        found = [
            (min(numbers), line, numbers)
            for line in self._lines.values()
            if (numbers := self._open(line))
        ]
        if not found:
            return None
        _, line, numbers = min(found, key=lambda each: each[0])
        self._in_flight[line.arm].update(numbers)
        return Cohort(line.arm, tuple(line.training(number) for number in numbers))

    def _open(self, line: Schedule) -> list[int]:
        """The unfinished numbers of the first cohort that nobody works on, if it may begin."""
        taken = line.finished() | self._in_flight[line.arm]
        first = next((number for number in range(line.total) if number not in taken), None)
        if first is None or not line.ready(first // line.cohort):
            return []
        start = first - first % line.cohort
        cohort = range(start, min(start + line.cohort, line.total))
        return [number for number in cohort if number not in taken]

    def done(self, arm: str, outcome: TrainingResult) -> None:
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
                self.done(
                    cohort.arm, TrainingResult.failed(training.number, f"the worker died: {reason}")
                )
