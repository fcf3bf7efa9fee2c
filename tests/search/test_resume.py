"""A study comes to the same whether or not it is interrupted, extended, or taken over from a
process that died.
"""

import pytest

from mtlsearch.errors import StudyError
from mtlsearch.records import TrainingResult
from mtlsearch.search.schedules import ArmSchedule
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.search.worker_context import WorkerContext
from mtlsearch.training.engine_choice import Choice

# Trainings enough for the sampler to leave its random start, and after how many results each
# session is stopped.
SAMPLERS = {
    "affinity": (24, [(1, 9), (15,), (22,)]),
    "tpe": (12, [(1, 2), (11,), (12,)]),
    "random": (4, [(3, 1), (4,)]),
    "nsga2": (20, [(5, 13)]),
    "nsga3": (20, [(18,)]),
}


def ignore(arm, outcome):
    pass


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_interrupted_study_comes_to_what_an_uninterrupted_one_does(bench, trace, whole, sampler):
    trainings, cases = SAMPLERS[sampler]
    settings = {"sampler": sampler, "trainings": trainings, "replicates": 1, "arms": ("searched",)}
    for stops in cases:
        study = bench.create("-".join(map(str, stops)), **settings)
        for stop in stops:
            assert len(bench.go_on(study, stop).seen) == stop
            study = bench.reopen(study)
        bench.go_on(study)
        assert trace(study) == whole(**settings)


def test_two_arms_and_replicates_survive_a_stop_after_every_outcome(bench, trace, whole):
    study, unfinished = bench.create(), 0
    for _ in range(14):  # twice six trainings, and a seed for each of two picks
        assert len(bench.go_on(study, 1).seen) == 1
        study = bench.reopen(study)
        unfinished += "RUNNING" in {
            trial.state.name for arm in study.request.arms for trial in study.stored_trials(arm)
        }
    assert bench.go_on(study, 1).seen == []
    assert unfinished > 8
    assert trace(study) == whole()


def test_a_stopped_session_says_how_to_go_on_and_keeps_what_is_finished(bench):
    study = bench.create()
    watch = bench.go_on(study, 3)
    assert "resume" in str(watch.interrupted)
    finished = [
        trial
        for arm in study.request.arms
        for trial in study.stored_trials(arm)
        if trial.state.is_finished()
    ]
    assert len(finished) == 3
    assert study.picks() == []


def test_extending_equals_a_longer_run_from_the_start(bench, trace, whole):
    settings = {"replicates": 2, "arms": ("searched",), "trainings": 14}
    study = bench.run(**{**settings, "trainings": 5})
    before = trace(study)
    study = bench.reopen(study)
    study.extend(14)
    bench.go_on(study)
    after = trace(study)
    assert after["searched"][:5] == before["searched"]
    assert after == whole(**settings)
    assert bench.reopen(study).request.trainings == 14


def test_a_study_only_grows(bench):
    study = bench.create(trainings=6)
    with pytest.raises(StudyError, match="only grows"):
        study.extend(5)
    assert bench.reopen(study).request.trainings == 6


def test_trainings_that_a_dead_process_left_running_are_done_again(bench, trace, whole):
    study = bench.create()
    for arm in study.request.arms:
        schedule = ArmSchedule(study, arm, bench.dataset, bench.space())
        assert [schedule.job(number).number for number in range(3)] == [0, 1, 2]
    assert [trial.state.name for trial in study.stored_trials("searched")] == ["RUNNING"] * 3
    study = bench.reopen(study)
    bench.go_on(study)
    assert trace(study) == whole()


def test_the_order_in_which_workers_finish_does_not_matter(bench, trace, whole):
    settings = {
        "trainings": 14,
        "cohort": 2,
        "proposal_delay": 2,
        "replicates": 1,
        "arms": ("searched",),
    }
    study = bench.create(**settings)
    queue = WorkQueue([ArmSchedule(study, "searched", bench.dataset, bench.space())], ignore)
    engine = WorkerContext(
        bench.dataset, bench.space().training, 0, Choice("serial", 1, {}), "cpu"
    ).make_engine()
    while not queue.finished:
        cohorts = [cohort for cohort in (queue.next(), queue.next()) if cohort]
        assert len(cohorts) == 2 or len(study.stored_trials("searched")) == 14
        assert queue.next() is None
        for cohort in reversed(cohorts):
            for outcome in reversed([each for each in engine.train(cohort.jobs) if each]):
                queue.done(cohort.arm, outcome)
    bench.go_on(study)
    assert trace(study) == whole(**settings)


def queue_of(bench, study, seen):
    schedule = ArmSchedule(study, "searched", bench.dataset, bench.space())
    return WorkQueue([schedule], lambda arm, outcome: seen.append((arm, outcome.number)))


def result(number, accuracy):
    return TrainingResult(
        number, {"species": accuracy, "sex": 0.5, "body_mass_g": 0.1}, 10, 10, [1], [[1.0]], 0.1
    )


def test_the_same_outcome_twice_changes_nothing(bench):
    study, seen = bench.create(), []
    queue = queue_of(bench, study, seen)
    queue.next()
    queue.done("searched", result(1, 0.7))
    before = study.stored_trials("searched")
    queue.done("searched", result(1, 0.7))
    queue.done("searched", result(1, 0.9))
    queue_of(bench, bench.reopen(study), seen).done("searched", result(1, 0.8))
    after = study.stored_trials("searched")
    assert [(trial.values, trial.user_attrs, trial.state) for trial in after] == [
        (trial.values, trial.user_attrs, trial.state) for trial in before
    ]
    assert after[1].user_attrs["result"]["scores"]["species"] == 0.7
    assert seen == [("searched", 1)]


def test_a_lost_cohort_is_handed_out_once_more_and_then_failed(bench):
    study, seen = bench.create(), []
    queue = queue_of(bench, study, seen)
    first = queue.next()
    assert queue.next() is None
    queue.done("searched", result(0, 0.7))
    queue.lost(first, "killed")
    second = queue.next()
    assert second.jobs == first.jobs[1:]
    queue.lost(second, "killed")
    states = [trial.state.name for trial in study.stored_trials("searched")]
    assert states == ["COMPLETE", "FAIL", "FAIL", "FAIL"]
    assert (
        study.stored_trials("searched")[1].user_attrs["result"]["failure"]
        == "the worker died: killed"
    )
    assert seen == [("searched", number) for number in range(4)]
    assert [job.number for job in queue.next().jobs] == [4, 5]
    assert queue.running == 2


def test_a_stopped_queue_hands_out_nothing(bench):
    queue = queue_of(bench, bench.create(), [])
    queue.stop()
    assert queue.next() is None
    assert queue.finished


def test_a_training_that_another_process_wrote_ends_the_search(bench):
    study = bench.create()
    schedule = ArmSchedule(study, "searched", bench.dataset, bench.space())
    assert schedule.job(0).number == 0
    bench.reopen(study).arm("searched").ask()
    with pytest.raises(StudyError, match="another process has written training 1 "):
        schedule.job(1)
