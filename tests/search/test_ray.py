"""Ray only spreads the work: a study comes to the same on two workers as in this process."""

import json

import pytest
import ray
from ray.tune.search import Searcher

from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.search.runners.ray import QueueSearcher
from mtlsearch.search.schedules import ArmSchedule
from mtlsearch.search.work_queue import WorkQueue


def test_two_workers_come_to_what_this_process_does(bench, trace, whole):
    settings = {"trainings": 6, "cohort": 2}
    study = bench.create(runner="ray", workers=2, **settings)
    assert (
        len(bench.go_on(study).seen) == 14
    )  # twice six trainings, and a seed for each of two picks
    assert not ray.is_initialized()
    assert trace(bench.reopen(study)) == whole(**settings)


@pytest.fixture
def queue(bench):
    return WorkQueue(
        [
            ArmSchedule(
                bench.create(trainings=4, cohort=2), "searched", bench.dataset, bench.space()
            )
        ],
        lambda *_: None,
    )


def numbers(config):
    return [TrainingJob.from_json(each).number for each in json.loads(config["trainings"])]


def report(*finished):
    return {
        "outcomes": json.dumps(
            [TrainingResult.failed(number, "worn out").to_json() for number in finished]
        )
    }


def test_the_searcher_hands_out_cohorts_and_ends_with_the_queue(queue):
    searcher = QueueSearcher(queue)
    assert numbers(searcher.suggest("one")) == [0, 1]
    assert searcher.suggest("two") is None
    searcher.on_trial_result("one", report(0))
    searcher.on_trial_complete("one", report(1))
    assert numbers(searcher.suggest("three")) == [2, 3]
    searcher.on_trial_complete("three", report(2, 3))
    assert searcher.suggest("four") == Searcher.FINISHED


def test_what_a_dead_worker_did_not_finish_is_handed_out_again(queue):
    searcher = QueueSearcher(queue)
    searcher.suggest("one")
    searcher.on_trial_result("one", report(0))
    searcher.on_trial_complete("one", None, error=True)
    assert numbers(searcher.suggest("two")) == [1]
    assert searcher.error is None


def test_an_error_of_ours_ends_the_run_and_is_kept(queue):
    searcher = QueueSearcher(queue)
    searcher.suggest("one")
    searcher.on_trial_result("one", {"outcomes": "no json"})
    assert isinstance(searcher.error, ValueError)
    assert searcher.suggest("two") == Searcher.FINISHED
