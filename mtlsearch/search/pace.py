"""How long what is left of a study will take, by what its trainings took so far.

A training that is left is taken to be like those of its arm that are known; where there are none,
as forecast. What one worker does is divided by how much was done in a second of the clock.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mtlsearch.records import TrainingResult
from mtlsearch.search.forecast import (
    Forecast,
    count_searches,
    first_seeds,
    parallel_workers,
)
from mtlsearch.search.part_names import base_arm
from mtlsearch.search.request import Request
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.study import REFERENCES_ARM

REPORT_SECONDS = 5.0  # to write the report at the end
TRUST = 20.0  # seconds of the clock that the number of workers counts as, beside what is measured


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
        request: What is asked for.
        forecast: What was expected before the first; None where it could not be timed.
    """

    request: Request
    forecast: Forecast | None = None
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _done: float = 0.0  # seconds of workers in this session
    _began: float | None = None

    def begin(self) -> None:
        """Workers begin."""
        if self._began is None:
            self._began = time.monotonic()

    def remember(self, arm: str, result: TrainingResult) -> None:
        """Take a training of an earlier session for an example."""
        tally = self._tallies.setdefault(base_arm(arm), Tally())
        tally.add(result.train_seconds)

    def add(self, arm: str, result: TrainingResult) -> None:
        """Take a training of this session for an example, and for work that was done."""
        self.remember(arm, result)
        self._done += result.train_seconds

    def seconds_left(self, schedules: Sequence[Schedule], confirms: bool) -> float | None:
        """The seconds on the clock until the report is written; None while nothing tells.

        Args:
            schedules: What is trained now, references included.
            confirms: Whether the confirmation is among them, and not still to come.
        """
        work = 0.0
        for schedule in schedules:
            left = schedule.total - len(schedule.finished())
            if not left:
                continue
            seconds = self._seconds_of(schedule)
            if seconds is None:
                return None
            work += left * seconds
        if not confirms:
            seconds = self._mean_of_arms()
            if seconds is None:
                return None
            models = len(self.request.arms) * count_searches(self.request)
            work += models * first_seeds(self.request) * seconds
        return work / self._speed() + REPORT_SECONDS

    def _speed(self) -> float:
        """The seconds of workers that pass in a second of the clock."""
        workers = parallel_workers(self.request)
        elapsed = 0.0 if self._began is None else time.monotonic() - self._began
        return (self._done + TRUST * workers) / (elapsed + TRUST)

    def _seconds_of(self, schedule: Schedule) -> float | None:
        """What one training of a schedule takes."""
        arm = base_arm(schedule.arm)
        if arm == REFERENCES_ARM:
            return self._seconds_of_fit(schedule)
        if arm in self._tallies:
            tally = self._tallies[arm]
            return tally.seconds / tally.count
        if self.forecast is not None and arm in self.forecast.timings.trainings:
            return self.forecast.timings.trainings[arm]
        return self._mean_of_arms()

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

    def _mean_of_arms(self) -> float | None:
        """What a training of the search takes, on average over the arms."""
        means = []
        for arm in self.request.arms:
            if arm in self._tallies:
                means.append(self._tallies[arm].seconds / self._tallies[arm].count)
            elif self.forecast is not None:
                means.append(self.forecast.timings.trainings[arm])
        return sum(means) / len(means) if means else None
