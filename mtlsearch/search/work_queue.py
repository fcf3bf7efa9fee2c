"""The work queue: which cohort is trained next.

Runners take cohorts from it and give results back; the schedules write the study.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mtlsearch.records import Job, TrainingResult
from mtlsearch.search.schedules import Schedule

ATTEMPTS = 2  # a cohort whose worker died is tried again once

logger = logging.getLogger(__name__)

Observe = Callable[[str, TrainingResult], None]


@dataclass(frozen=True)
class Cohort:
    """Trainings of one arm that one worker trains together."""

    arm: str
    jobs: tuple[Job, ...]


Phases = Iterator[Sequence[Schedule]]


class WorkQueue:
    """Hands out cohorts, arm by arm in turn, and takes results back. `stop` ends it early.

    What it is made with holds up no phase: it is trained beside all of them. `observe` is called
    with the arm and the result of every training that is recorded.
    """

    def __init__(self, schedules: Sequence[Schedule], observe: Observe) -> None:
        self.stopped = False
        self._observe = observe
        self._schedules: dict[str, Schedule] = {}
        self._in_flight: dict[str, set[int]] = {}
        self._attempts: dict[tuple[str, int], int] = {}
        self._phases: Phases | None = None
        self._phase: Sequence[Schedule] = ()
        self._add(schedules)

    def follow(self, phases: Phases) -> None:
        """Hand out phase after phase; the next one is asked for when all of the last is finished.

        So a phase may depend on the results of those before it.
        """
        self._phases = phases
        self._advance()

    def _add(self, schedules: Sequence[Schedule]) -> None:
        for schedule in schedules:
            self._schedules[schedule.arm] = schedule
            self._in_flight[schedule.arm] = set()

    def _advance(self) -> None:
        """Begin the next phase if the present one is finished, unless it is the last."""
        while self._phases is not None and not self.stopped and _are_finished(self._phase):
            phase = next(self._phases, None)
            if phase is None:
                self._phases = None
                return
            self._phase = phase
            self._add(phase)

    @property
    def finished(self) -> bool:
        """True when nothing is left to hand out or to wait for, or when the queue was stopped."""
        if self.stopped:
            return True
        return self._phases is None and _are_finished(list(self._schedules.values()))

    @property
    def running(self) -> int:
        """The number of trainings that were handed out and are not yet back."""
        return sum(len(numbers) for numbers in self._in_flight.values())

    def stop(self) -> None:
        """Hand out nothing more."""
        self.stopped = True

    def next(self) -> Cohort | None:
        """The next cohort, from the arm that is furthest behind.

        None when nothing can begin right now.
        """
        if self.stopped:
            return None
        waiting: dict[str, list[int]] = {}
        for arm, schedule in self._schedules.items():
            numbers = self._waiting(schedule)
            if numbers:
                waiting[arm] = numbers
        if not waiting:
            return None
        # what holds up a phase goes before what is beside it
        phase = {schedule.arm for schedule in self._phase}
        arm = min(waiting, key=lambda name: (waiting[name][0], name not in phase))
        self._in_flight[arm].update(waiting[arm])
        schedule = self._schedules[arm]
        jobs = [schedule.job(number) for number in waiting[arm]]
        return Cohort(arm, tuple(jobs))

    def _waiting(self, schedule: Schedule) -> list[int]:
        """The unfinished numbers, in order, of the first cohort that nobody works on.

        None of them if it may not begin.
        """
        taken = schedule.finished() | self._in_flight[schedule.arm]
        first = 0
        while first in taken:
            first += 1
        if first >= schedule.total:
            return []
        index = first // schedule.cohort
        if not schedule.ready(index):
            return []
        end_of_cohort = (index + 1) * schedule.cohort
        end = min(end_of_cohort, schedule.total)
        return [number for number in range(first, end) if number not in taken]

    def done(self, arm: str, result: TrainingResult) -> None:
        """Record one result. A repeated one changes nothing."""
        self._in_flight[arm].discard(result.number)
        schedule = self._schedules[arm]
        if result.number in schedule.finished():
            return
        schedule.finish(result)
        if result.failure:
            logger.warning("%s: training %d failed: %s", arm, result.number, result.failure)
        self._observe(arm, result)
        self._advance()

    def lost(self, cohort: Cohort, reason: str) -> None:
        """Take back the cohort of a worker that died.

        What it had not finished is handed out once more, and then failed with the reason.
        """
        arm = cohort.arm
        logger.warning("%s: a worker died: %s", arm, reason)
        unfinished = []
        for job in cohort.jobs:
            if job.number not in self._schedules[arm].finished():
                unfinished.append(job.number)
        for number in unfinished:
            self._in_flight[arm].discard(number)
            attempts = self._attempts.get((arm, number), 0) + 1
            self._attempts[arm, number] = attempts
            if attempts >= ATTEMPTS:
                result = TrainingResult.failed(number, f"the worker died: {reason}")
                self.done(arm, result)


def _are_finished(schedules: Sequence[Schedule]) -> bool:
    return all(len(schedule.finished()) >= schedule.total for schedule in schedules)
