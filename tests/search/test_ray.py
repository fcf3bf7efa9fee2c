"""Ray only spreads the work: a study comes to the same on two workers as in this process."""

import json

import pytest
import ray
from ray.tune.search import Searcher

from mtlsearch.errors import UsageError
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.search.runners.ray import Fault, QueueSearcher
from mtlsearch.search.schedules import ArmSchedule
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.system_errors import ProgramFault
from mtlsearch.training.engine_choice import Choice


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
    return [TrainingJob.from_json(each).number for each in json.loads(config["jobs"])]


def report(*finished):
    return {"results": [TrainingResult.failed(number, "worn out") for number in finished]}


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


def test_what_a_worker_reported_is_let_go_of_once_it_is_recorded(queue):
    searcher = QueueSearcher(queue)
    searcher.suggest("one")
    reported = report(0, 1)
    searcher.on_trial_result("one", reported)
    assert reported["results"] == []


def test_an_error_in_the_driver_ends_the_run_and_is_kept(queue):
    searcher = QueueSearcher(queue)
    searcher.suggest("one")
    searcher.on_trial_result("one", report(99))
    assert isinstance(searcher.error, IndexError)
    assert searcher.suggest("two") == Searcher.FINISHED


def test_a_fault_in_a_worker_ends_the_run_and_its_traceback_is_logged(queue, caplog):
    searcher = QueueSearcher(queue)
    searcher.suggest("one")
    fault = Fault("KeyError: 'x'", "Traceback: in the worker")
    searcher.on_trial_complete("one", {**report(0), "fault": fault})
    assert str(searcher.error) == "KeyError: 'x'"
    assert "Traceback: in the worker" in caplog.text
    assert searcher.suggest("two") == Searcher.FINISHED


def test_a_mistake_of_the_user_in_a_worker_is_raised_as_such(queue):
    searcher = QueueSearcher(queue)
    searcher.suggest("one")
    fault = Fault("UsageError: no device", "", UsageError("no device"))
    searcher.on_trial_complete("one", {**report(), "fault": fault})
    assert isinstance(searcher.error, UsageError)


def test_a_fault_in_rays_workers_reaches_the_log_of_the_study(bench, monkeypatch):
    study = bench.create(runner="ray", workers=1, trainings=2, cohort=2)
    study.set_engine(Choice("serial", 1, {}))
    monkeypatch.setattr(WorkerContext, "__reduce__", lambda self: (BrokenContext, ()))
    with pytest.raises(ProgramFault, match=r"log\.txt"):
        bench.go_on(study)
    log = (study.folder / "log.txt").read_text("utf-8")
    assert "a fault of ours" in log
    assert "in make_worker" in log


class BrokenContext:
    """What a worker is given in the place of its context."""

    def make_worker(self):
        raise KeyError("a fault of ours")
