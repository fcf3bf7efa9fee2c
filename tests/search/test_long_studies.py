"""What a long study may not do twice, nor hold, nor read; and studies of many tasks."""

import json

import pytest
from optuna.trial import TrialState

from mtlsearch.evidence.affinity import fitting
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.search import schedules
from mtlsearch.search.affinity_file import AffinityFile
from mtlsearch.search.ledger import Ledger
from mtlsearch.search.proposal import propose
from mtlsearch.search.samplers import SAMPLERS
from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study import Study
from mtlsearch.search.trial_spelling import PACKED_TREE, TrialSpelling
from mtlsearch.space import SearchSpace

ARMS = ("searched", "single_task")


@pytest.fixture
def fits(monkeypatch):
    """How many trainings each fit of affinities rested on, and every large regression."""
    rested_on, searched = [], []
    fit = Affinity.fit.__func__

    def counted(cls, trials, scales, memory=fitting.NO_MEMORY):
        rested_on.append(len(trials))
        return fit(cls, trials, scales, memory)

    search = fitting.largest_evidence
    monkeypatch.setattr(Affinity, "fit", classmethod(counted))
    monkeypatch.setattr(
        fitting, "largest_evidence", lambda system: searched.append(system) or search(system)
    )
    monkeypatch.setattr(fitting, "MOST_FITTED_ANEW", 0)
    return rested_on, searched


def test_each_state_is_fitted_once_and_only_the_last_is_held(bench, fits, monkeypatch):
    rested_on, searched = fits
    made = []

    class Watched(schedules.ArmSchedule):
        def __init__(self, *parts):
            super().__init__(*parts)
            made.append(self)

    monkeypatch.setattr("mtlsearch.search.session.ArmSchedule", Watched)
    study = bench.run(trainings=12, replicates=1, arms=ARMS, cohort=4)
    of_arms = [count for count in rested_on if count <= 12]
    assert sorted(of_arms) == sorted([0, 4, 8] * len(ARMS))
    for schedule in made:
        assert schedule._affinity.cache_info().currsize == 1
        assert schedule._history.cache_info().currsize == 1
        for trial in schedule._ledger.stored:
            assert trial.user_attrs["result"]["history"] == []
    assert study.trials("searched")[0].result.history[0]

    before = len(searched)
    picks = [evidence_of(bench, study).choose() for _ in range(2)]
    assert len(searched) == before  # what the session found is kept beside the study
    assert picks[0] == picks[1] == list(study.picks())
    [kept] = study.folder.glob("affinities-*.json")
    kept.write_text("{", encoding="utf-8")  # damaged: fitted anew, the same
    assert evidence_of(bench, study).choose() == picks[0]
    assert len(searched) == before + len(bench.dataset.tasks)
    assert len(json.loads(kept.read_text("utf-8"))) == len(bench.dataset.tasks)


def evidence_of(bench, study):
    from mtlsearch.search.analysis import Analysis

    return Analysis(study, bench.dataset)


def test_what_is_kept_is_replaced_by_what_is_used(tmp_path):
    evidence = fitting.Evidence(fitting.np.array([0.1, 1 / 3]), 2.0)
    first = AffinityFile(tmp_path, "x")
    first.keep("a", evidence)
    first.keep("b", evidence)
    first.write()
    second = AffinityFile(tmp_path, "x")
    assert second.find("c") is None
    assert (second.find("b").precision == evidence.precision).all()
    second.write()
    assert AffinityFile(tmp_path, "x").find("a") is None
    assert AffinityFile(tmp_path, "x").find("b") is not None


def test_status_counts_and_reads_no_training(bench, monkeypatch):
    study = bench.create(trainings=4, replicates=1, arms=ARMS)
    bench.go_on(study, stop_after=3)
    states = [trial.state for arm in ARMS for trial in study.stored_trials(arm)]
    monkeypatch.setattr(Study, "stored_trials", lambda *_: pytest.fail("trainings are read"))
    status = StudyStatus.of(bench.reopen(study))
    assert sum(arm.complete for arm in status.arms) == states.count(TrialState.COMPLETE) >= 3
    assert sum(arm.running for arm in status.arms) == states.count(TrialState.RUNNING)
    assert [arm.left for arm in status.arms if arm.arm == "single_task"] == [
        4
        - sum(
            trial.number >= 0
            for trial in study.arm("single_task").get_trials()
            if trial.state.is_finished()
        )
    ]


def test_a_sampler_that_models_is_shown_the_latest_trials_only():
    assert SAMPLERS["affinity"].first_shown(900) == 0
    assert SAMPLERS["tpe"].first_shown(2500) == 1500
    assert SAMPLERS["nsga2"].first_shown(2500) == 0


def test_trees_of_many_tasks_are_one_attribute_and_come_back_as_they_went(bench):
    names = [f"assay {number}" for number in range(40)]
    mapping = {"tree": {"levels": 2}, "optimizer": {"learning_rate": {"log": [1e-3, 1e-2]}}}
    space = SearchSpace.from_mapping(mapping, len(names))
    study = bench.create(trainings=4, replicates=1, arms=("searched",)).arm("searched")
    ledger = Ledger("searched", study, names)
    trials = [propose(space, "random", seed, [], ["minimize"])[1] for seed in range(3)]
    for trial in trials:
        ledger.enter(trial)
    stored = study.get_trials()
    assert [list(trial.params) for trial in stored] == [["optimizer.learning_rate"]] * 3
    assert len(stored[0].user_attrs[PACKED_TREE]) == 2 * 39
    again = Ledger("searched", study, names)
    for trial, restored in zip(trials, again.stored, strict=True):
        assert list(restored.params.items()) == list(trial.params.items())
        assert restored.distributions == trial.distributions
        assert restored.user_attrs == trial.user_attrs

    spelled = TrialSpelling(names[:3], []).stored(
        propose(SearchSpace.from_mapping(mapping, 3), "random", 0, [], ["minimize"])[1]
    )
    begun = TrialSpelling(names, [spelled])  # a study that has begun goes on as it was spelled
    assert "assay 39 shares with" in begun.stored(trials[0]).params
