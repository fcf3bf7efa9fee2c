"""A study with minutes: where trainings come in too slowly fewer are begun, and that is kept."""

from dataclasses import replace

import pytest

from mtlsearch.records import TrainingResult
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.parts import parts_of
from mtlsearch.search.schedules import ArmSchedule
from mtlsearch.search.time_keeping import AIM, LATEST, TimeKeeper
from mtlsearch.search.timings import Timings
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.space import SearchSpace

ARMS = ("share_all", "single_task")
MINUTES = 5.0


class Simulation:
    """A search in which every training takes so many seconds of a clock that nobody waits for."""

    def __init__(self, bench, study, seconds, expected=1.0):
        self.now, self.told, self.corrected = 0.0, [], []
        self._seconds, self.scores = seconds, {}
        space = SearchSpace.from_mapping(study.request.space, len(bench.dataset.tasks))
        self.keeper = TimeKeeper(
            parts_of(study, bench.dataset),
            MINUTES,
            self.told.append,
            self.corrected.append,
            clock=self._clock,
        )
        timings = Timings(dict.fromkeys(ARMS, expected), tasks=len(bench.dataset.tasks))
        self.keeper.expect(Forecast(study.request, timings))
        self.arms = [ArmSchedule(study, arm, bench.dataset, space) for arm in ARMS]
        self.queue = WorkQueue(self.arms, self._observe)
        self.keeper.begin(self.arms)

    def _observe(self, arm, result):
        self.keeper.observe(arm, result)

    def run(self, stop_after=10**6):
        """Train until nothing is left to train, or so many trainings are done."""
        while (cohort := self.queue.next()) is not None:
            for job in cohort.jobs:
                if not stop_after:
                    return
                stop_after -= 1
                self.now += self._seconds
                self.queue.done(cohort.arm, self._result(job.number))

    def _result(self, number):
        failed = replace(TrainingResult.failed(number, "-"), train_seconds=self._seconds)
        return replace(failed, failure=None, scores=self.scores) if self.scores else failed

    def _clock(self):
        self.now += 1e-3  # whatever is done takes some time
        return self.now


@pytest.fixture
def study(bench):
    space = bench.space()
    return bench.create(
        space=space, trainings=60, seeds=2, arms=ARMS, cohort=10, minutes=MINUTES, sampler="random"
    )


def test_what_comes_in_as_forecast_is_not_lowered(bench, study):
    simulation = Simulation(bench, study, seconds=1.0)
    simulation.run()
    assert simulation.told == []
    assert study.request.trainings == 60


def test_a_slow_study_ends_in_time_with_equal_budgets_and_keeps_that(bench, study, trace):
    simulation = Simulation(bench, study, seconds=5.0)
    simulation.run()
    budget = study.request.trainings
    assert 8 <= budget < 60
    assert [len(schedule.finished()) for schedule in simulation.arms] == [budget, budget]
    assert len(simulation.told) == 1
    assert f"{budget} trainings of each arm instead of 60" in simulation.told[0]
    confirming = len(ARMS) * study.request.seeds * 5.0
    assert simulation.now + confirming < LATEST * MINUTES * 60
    assert simulation.now > 0.5 * MINUTES * 60  # no more is given up than must be
    again = bench.reopen(study)
    assert again.request.trainings == budget
    assert (again.request.cohort, again.request.minutes) == (10, MINUTES)


def test_what_is_tried_is_the_beginning_of_what_would_have_been(bench, study):
    Simulation(bench, study, seconds=5.0).run()
    lowered = [trial.params for trial in study.stored_trials(ARMS[0])]
    whole = bench.create(
        "whole", trainings=60, seeds=2, arms=ARMS, cohort=10, minutes=MINUTES, sampler="random"
    )
    Simulation(bench, whole, seconds=0.1).run()
    tried = [trial.params for trial in whole.stored_trials(ARMS[0])]
    assert len(lowered) < len(tried) == 60
    assert tried[: len(lowered)] == lowered


def test_an_interrupted_study_goes_on_to_the_same_budget(bench, study):
    """The time of its earlier session counts, as if it had not been interrupted."""
    first = Simulation(bench, study, seconds=5.0)
    first.run(stop_after=25)
    study.add_seconds(first.now)
    again = bench.reopen(study)
    second = Simulation(bench, again, seconds=5.0)
    second.run()
    budget = again.request.trainings
    assert budget < 60
    assert [len(schedule.finished()) for schedule in second.arms] == [budget, budget]
    assert first.now + second.now < AIM * MINUTES * 60 + 5.0


def test_what_is_asked_for_afterwards_is_not_limited_by_the_minutes(bench, study):
    Simulation(bench, study, seconds=5.0).run()
    study.extend(trainings=100)
    assert (study.request.trainings, study.request.minutes) == (100, None)
    assert bench.reopen(study).request == study.request


def test_choosing_is_timed_and_what_it_takes_is_kept_back(bench, study):
    simulation = Simulation(bench, study, seconds=0.5)
    simulation.keeper._next_choice = 20
    simulation.scores = {task.name: 0.5 for task in bench.dataset.tasks}
    simulation.run(stop_after=45)
    assert len(simulation.corrected) == 2  # after 20 trainings, and after 40
    assert simulation.corrected[-1].timings == study.timings
    assert study.timings.choosing_factor > 0
    assert study.picks() == []
