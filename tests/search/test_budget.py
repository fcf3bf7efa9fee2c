"""How the budget is spent: equal for all arms, on validation only, to its end whatever fails."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.datasets import load_breast_cancer

from mtlsearch.data import TEST, load
from mtlsearch.errors import NoCandidateError
from mtlsearch.evidence.ensemble import NoEnsemble
from mtlsearch.evidence.scoring import TestScores
from mtlsearch.evidence.selection import Pick
from mtlsearch.initializations import Pretrained, Random
from mtlsearch.records import TrainingResult
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import ARMS
from mtlsearch.search.confirmed_models import Confirmed, ConfirmedTraining
from mtlsearch.search.ledger import files_of
from mtlsearch.search.schedules import ArmSchedule, ConfirmationSchedule
from mtlsearch.search.session import Observer, work
from mtlsearch.search.work_queue import WorkQueue

STARTED = ("pretrain_finetune", "meta_learning")
WILD = {"learning_rate": 0.005, "weight_decay": {"choice": [0.0, 1e30]}}


@pytest.fixture(scope="module")
def all_arms(tmp_path_factory, penguins, bench_at):
    """A finished study with every arm, its bench and what was observed."""
    bench = bench_at(tmp_path_factory.mktemp("all"), penguins)
    study = bench.create(arms=tuple(ARMS), trainings=6, seeds=2)
    return bench, study, bench.go_on(study)


def test_every_arm_has_the_same_budget_and_every_training_one_end(all_arms):
    _, study, watch = all_arms
    for arm in ARMS:
        trials = study.stored_trials(arm)
        assert [trial.number for trial in trials] == list(range(6))
        assert all(trial.state.is_finished() for trial in trials)
        assert sorted(outcome.number for name, outcome in watch.seen if name == arm) == list(
            range(6)
        )
    assert watch.phases == [list(ARMS), [study.confirmation]]


def test_every_arm_trains_for_the_same_epochs(all_arms):
    _, study, _ = all_arms
    most = {
        arm: max(max(t.user_attrs["result"]["epochs"]) for t in study.stored_trials(arm))
        for arm in ARMS
    }
    assert {epochs for arm, epochs in most.items() if arm not in STARTED} == {3}
    for arm in STARTED:  # the rest went into what they begin with
        for trial in study.stored_trials(arm):
            donated = round(3 * trial.user_attrs["candidate"]["initialization"]["pretraining"])
            assert donated > 0
            assert max(trial.user_attrs["result"]["epochs"]) == 3 - donated


def test_the_arms_keep_to_their_part_of_the_space(all_arms):
    _, study, _ = all_arms
    trees = {
        arm: {str(trial.user_attrs["candidate"]["tree"]) for trial in study.stored_trials(arm)}
        for arm in ARMS
    }
    separate = str([[[0], [1], [2]]] * 2)
    assert (
        trees["single_task"] == trees["pretrain_finetune"] == trees["meta_learning"] == {separate}
    )
    assert trees["share_all"] == {str([[[0, 1, 2]]] * 2)}
    assert len(trees["searched"]) > 1
    starts = {
        arm: [trial.user_attrs["candidate"]["initialization"] for trial in study.stored_trials(arm)]
        for arm in ARMS
    }
    assert {
        (each["name"], each["tasks"], each["pretraining"]) for each in starts["pretrain_finetune"]
    } == {("pretrained", "others", 0.5)}
    assert {each["name"] for each in starts["meta_learning"]} == {"reptile"}
    assert len({each["inner_steps"] for each in starts["meta_learning"]}) > 1
    assert {each["name"] for arm in ARMS if arm not in STARTED for each in starts[arm]} == {
        "random"
    }


def test_single_task_begins_at_random_whatever_the_space_says(bench):
    start = {"choice": [{"name": "pretrained"}, {"name": "reptile"}]}
    study = bench.run(
        space=bench.space(initialization=start),
        arms=("share_all", "single_task"),
        trainings=4,
        replicates=1,
    )
    found = {
        arm: {t.user_attrs["candidate"]["initialization"]["name"] for t in study.stored_trials(arm)}
        for arm in study.request.arms
    }
    assert found == {"share_all": {"pretrained", "reptile"}, "single_task": {"random"}}


def test_test_rows_are_scored_in_the_confirmation_only(all_arms):
    bench, study, _ = all_arms
    for arm in ARMS:
        assert not any(files_of(trial) for trial in study.stored_trials(arm))
        schedule = ArmSchedule(study, arm, bench.dataset, bench.space())
        assert not any(schedule.job(number).replicate.confirms for number in range(6))
    confirmation = study.stored_trials(study.confirmation)
    assert len(confirmation) == 2 * len(study.picks())
    for trial in confirmation:
        assert files_of(trial).keys() == {"predictions", "weights"}


def test_the_picks_are_fixed_before_the_first_test_row_is_scored(bench):
    study = bench.create()

    class Stop(Observer):
        begun = ()

        def begin(self, schedules, queue):
            self.begun += ([schedule.arm for schedule in schedules],)
            if len(self.begun) == 2:
                assert study.picks() == bench.reopen(study).picks() != []
                assert bench.reopen(study).stored_trials(study.confirmation) == []

        def observe(self, arm, result):
            assert bool(result.predictions) == (len(self.begun) == 2)

    watch = Stop()
    work(study, bench.dataset, bench.space(), watch)
    assert watch.begun == (["searched", "single_task"], [study.confirmation])


def test_the_picks_follow_from_the_stored_validation_scores(all_arms):
    bench, study, _ = all_arms
    analysis = Analysis(bench.reopen(study), bench.dataset)
    assert analysis.choose() == study.picks()
    assert [pick.arm for pick in study.picks()] == list(ARMS)
    for pick in study.picks():
        assert sorted(task for part in pick.composition for task in part.tasks) == [0, 1, 2]
        if pick.candidate is not None:
            assert pick.candidate in [each.number for each in analysis.candidates[pick.arm]]


def test_all_picks_are_confirmed_with_the_same_fresh_seeds(all_arms):
    bench, study, _ = all_arms
    analysis = Analysis(study, bench.dataset)
    seeds = [[training.seed_index for training in model.trainings] for model in analysis.confirmed]
    assert seeds == [[0, 1]] * len(ARMS)
    searched = {trial.replicate.number for arm in ARMS for trial in study.trials(arm)}
    schedule = ConfirmationSchedule(study, study.picks())
    fresh = {schedule.job(number).replicate.number for number in range(schedule.total)}
    assert len(fresh) == 2
    assert not fresh & searched
    assert ARMS[analysis.verdict.arm].shares


@pytest.mark.parametrize("start", [Random(), Pretrained()])
def test_the_verdict_says_when_the_model_that_won_began_pretrained(bench, start):
    def sure(arm, accuracy):
        candidate = dataclasses.replace(
            bench.candidate(bench.space()), initialization=start if arm == "searched" else Random()
        )
        scores = [
            {"species": accuracy + wiggle, "sex": 0.8, "body_mass_g": 0.8}
            for wiggle in (0.0, 0.001, 0.002)
        ]
        trainings = []
        for number, row in enumerate(scores):
            result = TrainingResult(number, {}, 1, 1, [1], [[1.0]], 0.1)
            scored = TestScores(row, {})
            trainings.append(ConfirmedTraining(number, result, {}, scored, bench.folder, {}))
        return Confirmed(Pick(arm, 0, candidate.composition(), 1.0), trainings)

    study = bench.create(space=bench.space(for_conclusions=True))
    analysis = Analysis(study, bench.dataset)
    analysis.confirmed = [sure("searched", 0.9), sure("single_task", 0.7)]
    analysis.picks = [model.pick for model in analysis.confirmed]
    analysis.own_ensemble_comparisons = {"searched": NoEnsemble("there are no predictions")}
    found = analysis.verdict
    assert found.decision in ("share", "share some")
    assert ("pretrained" in " ".join(found.caveats)) == (start == Pretrained())


def test_without_an_arm_that_shares_there_is_no_verdict(bench):
    study = bench.run(
        "alone", bench.space(), trainings=2, arms=("single_task", "pretrain_finetune")
    )
    analysis = Analysis(study, bench.dataset)
    assert len(analysis.confirmed) == 2
    assert analysis.verdict is None


def test_all_arms_train_a_cohort_on_the_same_replicates_and_the_next_on_others(all_arms):
    _, study, _ = all_arms
    for arm in ARMS:
        trials = study.stored_trials(arm)
        assert [trial.user_attrs["replicate"] for trial in trials] == [0, 1, 0, 1, 4, 5]
        keys = [str(trial.user_attrs["candidate"]) for trial in trials]
        assert keys[::2] == keys[1::2]


def test_a_space_of_constants_makes_one_candidate_with_many_replicates(bench):
    constants = {"sharing": {"name": "none"}, "optimizer": {"learning_rate": 0.005}}
    study = bench.run(
        space=bench.space(**constants), arms=("share_all",), trainings=5, replicates=1
    )
    trials = study.stored_trials("share_all")
    assert len({str(trial.user_attrs["candidate"]) for trial in trials}) == 1
    assert [trial.user_attrs["replicate"] for trial in trials] == [0, 1, 2, 3, 4]
    assert len({str(trial.values) for trial in trials}) > 1
    [summary] = Analysis(study, bench.dataset).candidates["share_all"]
    assert summary.replicates == 5
    assert study.picks()[0].candidate == 0


def test_failed_trainings_do_not_stop_the_study(bench):
    study = bench.run(space=bench.space(optimizer=WILD), trainings=8, replicates=1)
    for arm in study.request.arms:
        states = [trial.state.name for trial in study.stored_trials(arm)]
        assert len(states) == 8
        assert set(states) == {"COMPLETE", "FAIL"}
        for trial in study.stored_trials(arm):
            assert (trial.state.name == "FAIL") == (
                trial.user_attrs["candidate"]["optimizer"]["weight_decay"] == 1e30
            )
            assert (trial.state.name == "FAIL") == (
                "not finite" in (trial.user_attrs["result"]["failure"] or "")
            )
    chosen = {
        part.candidate.optimizer.weight_decay for pick in study.picks() for part in pick.composition
    }
    assert chosen == {0.0}


def test_a_study_in_which_all_fails_says_why(bench):
    study = bench.create(
        space=bench.space(optimizer={"weight_decay": 1e30}), trainings=3, replicates=1
    )
    with pytest.raises(NoCandidateError, match="not finite") as error:
        bench.go_on(study)
    assert error.value.exit_code == 5
    assert [trial.state.name for trial in study.stored_trials("searched")] == ["FAIL"] * 3
    assert study.stored_trials(study.confirmation) == []


def test_more_tasks_than_a_sampler_bears(bench_of, trace, tmp_path):
    table = load_breast_cancer(as_frame=True).data.iloc[:, :12]
    table.to_csv(tmp_path / "cells.csv", index=False)
    bench = bench_of(
        load(str(tmp_path / "cells.csv"), [f"{name}:regression" for name in table.columns[:7]])
    )
    settings = {"trainings": 12, "arms": ("searched",), "replicates": 1}
    study = bench.create(**settings)
    bench.go_on(study, 5)
    study = bench.reopen(study)
    bench.go_on(study)
    assert [len(trial.values) for trial in study.stored_trials("searched")] == [7] * 12
    assert trace(study) == trace(bench.run("whole", **settings))


@pytest.mark.parametrize("cost", ["parameters", "macs"])
def test_a_cost_is_one_more_objective(bench, cost):
    study = bench.run(space=bench.space(cost=cost), arms=("searched",), trainings=3, replicates=1)
    field = {"parameters": "parameters", "macs": "macs_per_example"}[cost]
    for trial in study.stored_trials("searched"):
        assert trial.values[:3] == list(trial.user_attrs["result"]["scores"].values())
        assert trial.values[3] == trial.user_attrs["result"][field] > 0


def write_card(folder, table, tasks):
    folder.mkdir()
    table.to_csv(folder / "table.csv", index=False)
    card = {
        "name": "penguins",
        "sources": {"birds": {"path": "table.csv"}},
        "split": {"column": "split"},
    }
    card["tasks"] = {
        task.name: {"kind": task.kind.name, "metric": task.metric.name} for task in tasks
    }
    (folder / "card.yaml").write_text(yaml.safe_dump(card))
    return load(str(folder / "card.yaml"))


def as_table(dataset):
    """A dataset as the table it came from."""
    [source] = dataset.sources.values()
    table = source.inputs.copy()
    for task in dataset.tasks:
        values = dataset.targets[task.name]
        names = np.array([*task.classes, None], dtype=object)
        table[task.name] = (
            names[np.nan_to_num(values, nan=-1).astype(int)] if task.classes else values
        )
    table["split"] = np.array(["train", "val", "test"])[source.splits.role]
    return table


def corrupted(table):
    """The table with the inputs and targets of its test rows negated, shuffled and torn from each
    other.
    """
    table, rng = table.copy(), np.random.default_rng(0)
    test = table["split"] == "test"
    for column in table.columns.drop("split"):
        values = rng.permutation(table.loc[test, column].to_numpy())
        table.loc[test, column] = (
            -1000 * values if pd.api.types.is_numeric_dtype(table[column]) else values
        )
    return table


def test_nothing_before_the_confirmation_depends_on_the_test_rows(
    tmp_path, penguins, bench_of, trace
):
    table = as_table(penguins)
    datasets = [
        write_card(tmp_path / name, t, penguins.tasks)
        for name, t in (("as_is", table), ("bad", corrupted(table)))
    ]
    assert all((dataset.sources["birds"].splits.role == TEST).sum() == 52 for dataset in datasets)
    assert datasets[0].digest != datasets[1].digest
    sound, bad = (
        trace(bench_of(dataset).run(name, trainings=12, replicates=1))
        for name, dataset in zip("ab", datasets, strict=True)
    )
    confirmations = [each.pop("confirmation@12") for each in (sound, bad)]
    assert sound == bad
    assert sound["picks"]
    scores = [[row[-2]["scores"] for row in rows] for rows in confirmations]
    predictions = [[row[-1] for row in rows] for rows in confirmations]
    assert scores[0] == scores[1]
    assert predictions[0] != predictions[1]


def test_an_arm_that_is_behind_goes_first(bench):
    study = bench.create(trainings=8, cohort=2, replicates=1)
    schedules = [
        ArmSchedule(study, arm, bench.dataset, bench.space()) for arm in study.request.arms
    ]
    queue = WorkQueue(schedules, lambda arm, result: None)
    first, second = queue.next(), queue.next()
    assert {first.arm, second.arm} == {"searched", "single_task"}
    assert queue.next() is None
    for number in range(2):
        queue.done("single_task", TrainingResult.failed(number, "worn out"))
    following = queue.next()
    assert (following.arm, [job.number for job in following.jobs]) == (
        "single_task",
        [2, 3],
    )
