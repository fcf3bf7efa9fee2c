"""Keeps a study within its minutes: where trainings come in too slowly, fewer are begun.

Only what no arm has begun is given up, and all arms keep equal budgets. So what is tried stays a
pure function of the seed, and the budget that is left is stored: a resumed study goes on with it.
"""

import math
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace

from mtlsearch.errors import NoCandidateError
from mtlsearch.records import TrainingResult
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.pace import Clock, Pace
from mtlsearch.search.part_names import base_arm
from mtlsearch.search.parts import Part
from mtlsearch.search.request import Request
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.time_budget import FEWEST_CANDIDATES
from mtlsearch.wording import duration

LATEST = 0.95  # of the minutes, by which all must be expected to be done
AIM = 0.9  # of the minutes, for which a lower budget is taken: it is not lowered again and again
FIRST_CHOICE = 150  # trainings after which choosing is timed; then whenever they have doubled


class TimeKeeper:
    """Watches the search of a study with minutes, and lowers its budget as late as it can.

    Args:
        parts: All parts of the study.
        minutes: The time that the study may take, in all its sessions.
        tell: Tells the user what is decided.
        correct: Is given the forecast, once something of it is measured.
        clock: Seconds from some moment on, as `time.monotonic`.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        minutes: float,
        tell: Callable[[str], None],
        correct: Callable[[Forecast], None],
        clock: Clock = time.monotonic,
    ) -> None:
        self._parts = parts
        self._study = parts[0].study
        self._seconds = minutes * 60
        self._tell = tell
        self._correct = correct
        self._clock = clock
        self._spent_before = self._study.wall_seconds
        self._began = clock()
        self._pace = Pace(clock=clock)
        self._schedules: Sequence[Schedule] = ()
        self._next_choice = FIRST_CHOICE

    @property
    def _request(self) -> Request:
        """What is asked for, with the budget as it is now."""
        return self._study.request

    def expect(self, forecast: Forecast | None) -> None:
        """Begin with what was expected before the first training."""
        self._pace.forecast = forecast

    def begin(self, schedules: Sequence[Schedule]) -> None:
        """Watch the search, and what is trained beside it."""
        self._schedules = schedules
        for part in self._parts:
            for arm in self._request.arms:
                for trial in part.study.trials(arm):
                    self._pace.remember(arm, trial.result)

    def end(self) -> None:
        """Watch no more: what is left must be trained."""
        self._schedules = ()

    def observe(self, arm: str, result: TrainingResult) -> None:
        """Look at the time after a training, and lower the budget where it will not do.

        Nothing is decided before a training of every arm is known.
        """
        self._pace.add(arm, result)
        if not self._schedules or not self._pace.knows(self._request.arms):
            return
        self._time_choice()
        begun = self._begun()
        next_cohort = min(begun + self._request.cohort, self._request.trainings)
        if begun < next_cohort and self._end_of(next_cohort) > LATEST * self._seconds:
            self._lower(begun)

    def _lower(self, begun: int) -> None:
        """Take the largest budget that can be expected to fit, but all that is begun."""
        before = self._request.trainings
        fewest = max(begun, FEWEST_CANDIDATES * self._request.replicates)
        budgets = range(fewest, before, self._request.replicates)
        if not budgets:
            return
        fitting = bisect_right(budgets, AIM * self._seconds, key=self._end_of)
        budget = budgets[max(0, fitting - 1)]
        for part in self._parts:
            part.study.lower_budget(budget)
        end = duration(self._end_of(budget))
        self._tell(
            f"--minutes {self._seconds / 60:g}: {budget} trainings of each arm instead of "
            f"{before}, since they come in more slowly than forecast; about {end} in all. The "
            f"study keeps that; a search with --trainings {budget} divides its cohorts otherwise"
        )

    def _end_of(self, trainings: int) -> float:
        """When a study with this budget is expected to be done, in seconds from its beginning."""
        request = replace(self._request, trainings=trainings)
        left = self._pace.seconds_left(request, self._schedules, confirms=False)
        assert left is not None, "a training of every arm is known"
        return self._spent_before + self._clock() - self._began + left

    def _begun(self) -> int:
        """The smallest budget that has all that is begun, in whole candidates."""
        begun = 0.0
        for schedule in self._schedules:
            arm = base_arm(schedule.arm)
            if arm in self._request.arms:
                share = self._request.trainings / self._request.budget(arm)
                begun = max(begun, schedule.begun() * share)
        replicates = self._request.replicates
        return math.ceil(begun / replicates) * replicates

    def _time_choice(self) -> None:
        """Choose from the trainings so far, to see how long it takes; the choice is forgotten."""
        forecast = self._pace.forecast
        known = self._count_known()
        if forecast is None or not forecast.timings.tasks or known < self._next_choice:
            return
        self._next_choice = 2 * known
        first = self._parts[0]
        started = self._clock()
        try:
            Analysis(first.study, first.dataset).choose()
        except NoCandidateError:
            return
        expected = replace(forecast.timings, choosing_factor=1.0).choosing(known)
        factor = (self._clock() - started) / expected
        timings = replace(forecast.timings, choosing_factor=factor)
        self._study.set_timings(timings)
        self._pace.forecast = replace(forecast, timings=timings)
        self._correct(self._pace.forecast)

    def _count_known(self) -> int:
        """The number of finished trainings of the first part."""
        known = 0
        for schedule in self._schedules:
            if schedule.arm in self._request.arms:
                known += len(schedule.finished())
        return known
