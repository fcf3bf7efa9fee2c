"""How long what is left of a study will take, by what its trainings took so far.

A training that is left is taken to be like those of its arm that are known; where there are none,
as forecast. What one worker does is divided by how much was done in a second of the clock.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mtlsearch.records import TrainingResult
from mtlsearch.search.forecast import (
    CHOICES,
    Forecast,
    count_searches,
    first_seeds,
    parallel_workers,
    seconds_of_choice,
)
from mtlsearch.search.part_names import base_arm
from mtlsearch.search.request import Request
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.study import REFERENCES_ARM

REPORT_SECONDS = 8.0  # to write a report of few trainings at the end
TRUST = 10.0  # seconds of the clock that the expected pace counts as, beside what is measured

Clock = Callable[[], float]


@dataclass
class Tally:
    """The trainings of an arm that are known, and what they took in seconds of one worker."""

    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one more."""
        self.count += 1
        self.seconds += seconds


@dataclass
class Pace:
    """What trainings take, and how many of them are done side by side.

    Attributes:
        forecast: What was expected before the first; None where it could not be timed.
        clock: Seconds from some moment on.
    """

    forecast: Forecast | None = None
    clock: Clock = time.monotonic
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _done: float = 0.0  # seconds of workers in this session, after the first training
    _began: float | None = None  # when the first training of this session was known

    def remember(self, arm: str, result: TrainingResult) -> None:
        """Take a training of an earlier session for an example."""
        tally = self._tallies.setdefault(base_arm(arm), Tally())
        tally.add(result.train_seconds)

    def add(self, arm: str, result: TrainingResult) -> None:
        """Take a training of this session for an example, and for work that was done."""
        self.remember(arm, result)
        if self._began is None:
            self._began = self.clock()
        else:
            self._done += result.train_seconds

    def knows(self, arms: Sequence[str]) -> bool:
        """Whether a training of each of these arms is known."""
        return self._tallies.keys() >= set(arms)

    def seconds_left(
        self,
        request: Request,
        schedules: Sequence[Schedule],
        confirms: bool,
    ) -> float | None:
        """The seconds on the clock until the report is written; None while nothing tells.

        Args:
            request: What is asked for; its budget is that of the arms.
            schedules: What is trained now, references included.
            confirms: Whether the confirmation is among them, and not still to come.
        """
        work = 0.0
        for schedule in schedules:
            left = _total(request, schedule) - len(schedule.finished())
            if left <= 0:
                continue
            seconds = self._seconds_of(request, schedule)
            if seconds is None:
                return None
            work += left * seconds
        if not confirms:
            seconds = self._mean_of_arms(request)
            if seconds is None:
                return None
            models = len(request.arms) * count_searches(request)
            work += models * first_seeds(request) * seconds
        speed = self._speed(request)
        slowdown = max(1.0, self._expected_speed(request) / speed)
        report = REPORT_SECONDS * slowdown  # on a machine that is busy with other things
        return work / speed + report + self._seconds_of_choices(request, confirms)

    def _seconds_of_choices(self, request: Request, confirms: bool) -> float:
        """How long all trainings are fitted until the report is written."""
        if self.forecast is None:
            return 0.0
        choices = CHOICES - 1 if confirms else CHOICES
        return choices * seconds_of_choice(request, self.forecast.timings)

    def _speed(self, request: Request) -> float:
        """The seconds of workers that pass in a second of the clock.

        It counts from the first training of this session on, before which workers were started.
        """
        expected = self._expected_speed(request)
        elapsed = 0.0 if self._began is None else self.clock() - self._began
        return (self._done + TRUST * expected) / (elapsed + TRUST)

    def _expected_speed(self, request: Request) -> float:
        """The same as it was expected before the first training."""
        workers = float(parallel_workers(request))
        return workers if self.forecast is None else min(workers, self.forecast.speed)

    def _seconds_of(self, request: Request, schedule: Schedule) -> float | None:
        """What one training of a schedule takes."""
        arm = base_arm(schedule.arm)
        if arm == REFERENCES_ARM:
            return self._seconds_of_fit(schedule)
        if arm in self._tallies:
            tally = self._tallies[arm]
            return tally.seconds / tally.count
        if self.forecast is not None and arm in self.forecast.timings.trainings:
            return self.forecast.timings.trainings[arm]
        return self._mean_of_arms(request)

    def _seconds_of_fit(self, schedule: Schedule) -> float | None:
        """What one fit of a reference takes that is left: those of the first fold take longer."""
        timings = None if self.forecast is None else self.forecast.timings
        first_left = max(0, schedule.cohort - len(schedule.finished()))
        if timings is not None and first_left:
            left = schedule.total - len(schedule.finished())
            first = timings.first_fold * first_left
            later = timings.later_fold * (left - first_left)
            return (first + later) / schedule.cohort / left
        tally = self._tallies.get(REFERENCES_ARM)
        return None if tally is None else tally.seconds / tally.count

    def _mean_of_arms(self, request: Request) -> float | None:
        """What a training of the search takes, on average over the arms."""
        means = []
        for arm in request.arms:
            if arm in self._tallies:
                means.append(self._tallies[arm].seconds / self._tallies[arm].count)
            elif self.forecast is not None:
                means.append(self.forecast.timings.trainings[arm])
        return sum(means) / len(means) if means else None


def _total(request: Request, schedule: Schedule) -> int:
    """How many trainings a schedule has with the budget of a request."""
    arm = base_arm(schedule.arm)
    return request.budget(arm) if arm in request.arms else schedule.total
