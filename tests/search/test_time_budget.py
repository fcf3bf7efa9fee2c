"""Minutes as a budget, the forecast that it rests on, and how long what is left takes."""

from dataclasses import replace

import pytest

from mtlsearch.errors import UsageError
from mtlsearch.records import TrainingResult
from mtlsearch.search.effort import EFFORTS, Wishes
from mtlsearch.search.forecast import (
    CHOICES,
    DRIVER_SECONDS,
    FIXED_SECONDS,
    OVERHEAD,
    Forecast,
)
from mtlsearch.search.pace import REPORT_SECONDS, TRUST, Pace
from mtlsearch.search.request import Request
from mtlsearch.search.study import REFERENCES_ARM
from mtlsearch.search.time_budget import MOST_TRAININGS, PLANNED, describe_budget, within_minutes
from mtlsearch.search.timings import Timings

ARMS = ("searched", "single_task")
TIMINGS = Timings({"searched": 1.0, "single_task": 3.0}, 20.0, 10.0, 35, 150)
PACED = replace(TIMINGS, tasks=3)
NAMES = ("first", "second")


def request(**settings):
    fixed = {"data": "d", "task_flags": (), "space": {}, "space_name": "s", "digest": "d"}
    given = {"arms": ARMS, "runner": "local", "seeds": 5}
    return Request(**fixed, created="now", **{**given, **settings})


def seconds(asked):
    return Forecast(asked, TIMINGS, NAMES).seconds


def test_a_forecast_adds_up_trainings_seeds_and_references():
    asked = request(trainings=10)
    workload = Forecast(asked, TIMINGS, NAMES).workload
    assert workload.arms == pytest.approx({"searched": 10.0, "single_task": 30.0})
    assert workload.confirmation == pytest.approx(5 * 4.0)
    assert workload.references == 20.0 + 4 * 10.0
    recorded = 20 + 10 + 10  # trainings, those that confirm, and fits
    assert seconds(asked) == pytest.approx(FIXED_SECONDS + workload.total + recorded * OVERHEAD)
    more = seconds(replace(asked, more_baseline=True)) - seconds(asked)
    assert more == pytest.approx(workload.arms["single_task"] + 10 * OVERHEAD)
    folds = Forecast(replace(asked, outer_folds=3), TIMINGS, NAMES).workload
    assert folds.search == pytest.approx(4 * workload.search)  # three folds, and all rows
    assert folds.references == 3 * workload.references


def test_tiny_trainings_take_what_the_driver_and_the_choice_take():
    tiny = replace(TIMINGS, trainings=dict.fromkeys(ARMS, 0.001), tasks=3)
    few, many = [
        Forecast(request(trainings=trainings, runner="ray", workers=64), tiny)
        for trainings in (10, 1000)
    ]
    assert many.training_seconds >= 2010 * DRIVER_SECONDS  # trainings, those that confirm
    assert many.choosing_seconds == CHOICES * tiny.choosing(2000)
    assert many.choosing_seconds > 100 * few.choosing_seconds
    slower = replace(tiny, choosing_factor=3.0)
    assert slower.choosing(2000) == pytest.approx(3 * tiny.choosing(2000))


def test_a_forecast_says_what_it_counts_and_what_takes_the_time():
    words = Forecast(request(trainings=10, seeds="auto"), TIMINGS, NAMES).describe()
    assert words == (
        "20 trainings (2 arms x 10), 10 to confirm (up to 40 while the answer is open), "
        "10 fits of 2 references: about 2 min 21 s on 1 worker, if trainings end after about 35 "
        "of 150 epochs; most of it: the references 50%, single_task 25%"
    )


@pytest.mark.parametrize("minutes", [4, 7.5, 30])
def test_the_budget_is_the_largest_that_fits(minutes):
    budget = within_minutes(request(minutes=minutes), TIMINGS, NAMES)
    available = 60 * minutes * PLANNED
    assert seconds(budget) <= available
    more = replace(budget, trainings=budget.trainings + budget.replicates)
    assert seconds(more) > available
    assert budget.cohort % budget.replicates == 0
    assert within_minutes(budget, TIMINGS, NAMES) == budget


def test_what_the_answer_may_ask_for_is_fixed_and_there_is_an_upper_end():
    budget = within_minutes(request(minutes=1000, seeds="auto"), TIMINGS, NAMES)
    assert (budget.seeds, budget.trainings) == (5, MOST_TRAININGS)
    assert describe_budget(budget).endswith("more are begun only where --trainings says so")


def test_where_nothing_fits_it_says_what_would_take_how_long():
    with pytest.raises(UsageError) as caught:
        within_minutes(request(minutes=1), TIMINGS, NAMES)
    words = str(caught.value)
    assert (
        "8 trainings of each arm 32 s, the confirmation with 5 seeds 20 s, the references" in words
    )
    enough = float(words.split(": --minutes ")[1].split(",")[0])
    assert within_minutes(request(minutes=enough), TIMINGS, NAMES).trainings >= 8


def test_an_explicit_option_wins_over_the_effort_and_is_said():
    wishes = Wishes(trainings=40, space="mine.yaml")
    effort = wishes.with_effort("thorough")
    assert (effort.trainings, effort.space) == (40, "mine.yaml")
    assert effort.outer_folds == EFFORTS["thorough"].outer_folds
    assert wishes.describe("thorough") == (
        "--effort thorough: --space mine.yaml (as you say) --trainings 40 (as you say) "
        "--seeds auto --outer-folds 5"
    )
    with pytest.raises(UsageError, match='did you mean "thorough"'):
        wishes.with_effort("through")


class Part:
    """A schedule with so many trainings, of which some are done."""

    def __init__(self, arm, done, total, cohort=2):
        self.arm, self.total, self.cohort = arm, total, cohort
        self._done = done

    def finished(self):
        return set(range(self._done))


def test_what_is_left_counts_what_is_still_to_be_confirmed():
    asked = request(trainings=10)
    pace = Pace(Forecast(asked, PACED, NAMES))
    arms = [Part("searched", 4, 10), Part("single_task", 10, 10)]
    searching = pace.seconds_left(asked, arms, confirms=False)
    confirming = pace.seconds_left(asked, arms, confirms=True)
    speed = pace.forecast.speed
    choice = PACED.choosing(20)
    assert searching - confirming == pytest.approx(2 * 5 * 2.0 / speed + choice)
    fits = [Part(REFERENCES_ARM, 1, 10)]  # one of the first fold, and eight of later ones
    with_fits = pace.seconds_left(asked, [*arms, *fits], True)
    assert with_fits - confirming == pytest.approx((10 + 8 * 5.0) / speed)
    smaller = pace.seconds_left(replace(asked, trainings=4), arms, confirms=False)
    given_up = 6 * 1.0 / speed + CHOICES * (choice - PACED.choosing(8))
    assert searching - smaller == pytest.approx(given_up)


def test_what_trainings_took_counts_more_than_what_was_expected():
    asked = request(trainings=10)
    pace = Pace(Forecast(asked, TIMINGS, NAMES))
    arms = [Part("fold-2 searched", 0, 10)]
    before = pace.seconds_left(asked, arms, confirms=True)
    failed = replace(TrainingResult.failed(0, "worn out"), train_seconds=50.0)
    pace.remember("fold-2 searched", failed)
    after = pace.seconds_left(asked, arms, confirms=True)
    assert after - before == pytest.approx(10 * 49.0 / pace.forecast.speed)
    assert Pace().seconds_left(asked, arms, confirms=True) is None


def test_the_pace_is_measured_from_the_first_training_on():
    now = [100.0]
    asked = request(trainings=10)
    pace = Pace(Forecast(asked, TIMINGS, NAMES), clock=lambda: now[0])
    arms = [Part("searched", 0, 10)]
    done = replace(TrainingResult.failed(0, "worn out"), train_seconds=1.0)
    pace.add("searched", done)  # after 100 s in which workers were started
    first = pace.seconds_left(asked, arms, confirms=True)
    now[0] += 9 * TRUST
    for _ in range(9):
        pace.add("searched", done)
    slow = (9 + TRUST * pace.forecast.speed) / (10 * TRUST)
    left = pace.seconds_left(asked, arms, confirms=True)
    expected = pace.forecast.speed
    report = REPORT_SECONDS * (expected / slow - 1)  # which is written as slowly
    assert left - first == pytest.approx(10 / slow - 10 / expected + report)
