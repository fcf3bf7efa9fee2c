"""A study is timed once: before it begins, on the data at hand."""

from dataclasses import replace

import pytest

import mtlsearch.search.first_timing as first_timing
from mtlsearch.errors import UsageError
from mtlsearch.search.first_timing import FirstTiming, budget_of_minutes, forecast_of
from mtlsearch.search.time_budget import within_minutes

ARMS = ("share_all", "single_task")


@pytest.fixture
def asked(bench):
    return replace(bench.request(trainings=8, replicates=2, arms=ARMS), seeds="auto")


def test_minutes_become_a_budget_that_is_recorded_and_not_timed_again(bench, asked, monkeypatch):
    space = bench.space()
    asked = replace(asked, minutes=5.0)
    budget, timing = budget_of_minutes(asked, bench.dataset, space)
    assert budget == within_minutes(asked, timing.timings)
    assert budget.trainings > asked.trainings
    study = bench.create(**{name: getattr(budget, name) for name in ("trainings", "seeds", "arms")})
    timing.keep(study)
    monkeypatch.setattr(first_timing, "time_trainings", None)
    again = forecast_of(bench.reopen(study), bench.dataset, space)
    assert again.timings == timing.timings
    assert again.request.trainings == budget.trainings


def test_separate_models_and_longer_trainings_take_more(bench, asked):
    short, long = [
        FirstTiming.of(asked, bench.dataset, bench.space(training={"epochs": epochs})).timings
        for epochs in (2, 20)
    ]
    assert 0 < short.trainings["share_all"] < short.trainings["single_task"]
    assert long.trainings["share_all"] > 3 * short.trainings["share_all"]
    assert (short.first_fold, short.later_fold) == (0, 0)


def test_what_another_machine_trains_is_not_timed_here(bench, asked):
    elsewhere = replace(asked, minutes=5.0, ray_address="auto")
    with pytest.raises(UsageError, match="say --trainings"):
        budget_of_minutes(elsewhere, bench.dataset, bench.space())
