"""The ensemble of each arm: made of every seed that was confirmed, from the predictions kept."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.data import TEST
from mtlsearch.evidence.ensemble import Ensemble, NoEnsemble
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import TrainingResult
from mtlsearch.report.build import build_report
from mtlsearch.report.model import SeedLeftOut
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.schedules import ConfirmationSchedule
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace

SEEDS = 3
TRAININGS = 2
ARMS = ("searched", "single_task")
FAILURE = "loss became NaN in epoch 2"


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory, penguins, bench_at):
    """A study whose first confirmed training failed and whose second succeeded; and its bench."""
    bench = bench_at(tmp_path_factory.mktemp("ensembles"), penguins)
    study = bench.create(trainings=TRAININGS, seeds=SEEDS, arms=ARMS, cohort=1)
    bench.go_on(study, stop_after=TRAININGS * len(ARMS))
    study.set_picks(Analysis(study, penguins).choose())
    schedule = ConfirmationSchedule(study, study.picks())
    schedule.job(0)
    schedule.finish(TrainingResult.failed(0, FAILURE))
    bench.go_on(study, stop_after=1)
    return bench, study


def test_what_is_not_trained_yet_is_left_out_with_what_failed(interrupted, penguins):
    _, study = interrupted
    analysis = Analysis(study, penguins)
    [model] = analysis.confirmed
    assert [training.seed_index for training in model.trainings] == [1]
    assert model.left_out == {0: FAILURE, 2: "not trained yet"}
    assert isinstance(analysis.ensembles["searched"], NoEnsemble)


@pytest.fixture(scope="module")
def report(interrupted, penguins):
    """The report of the same study after it was finished."""
    bench, study = interrupted
    bench.go_on(study)
    space = SearchSpace.from_mapping(study.request.space, len(penguins.tasks))
    return build_report(study, penguins, space)


def test_every_seed_that_succeeded_is_in_the_ensemble_and_others_are_said(report):
    ensembles = {model.arm: model.ensemble for model in report.confirmed}
    assert ensembles["searched"].seeds == (1, 2)
    assert ensembles["searched"].left_out == (SeedLeftOut(0, FAILURE),)
    assert ensembles["single_task"].seeds == (0, 1, 2)
    assert ensembles["single_task"].left_out == ()


def test_the_reported_scores_are_those_of_the_stored_predictions(report, interrupted, penguins):
    _, study = interrupted
    role = penguins.sources["penguins"].splits.role
    for model in report.confirmed:
        stored = []
        for seed in model.ensemble.seeds:
            stored.append(np.load(study.folder / f"confirmed/{model.arm}-{TRAININGS}-{seed}.npz"))
        gains = []
        for number, scale in enumerate(SkillScales.on_test_rows(penguins).of_task):
            task = scale.task
            mean = np.mean([arrays[f"prediction_{number}"] for arrays in stored], axis=0)
            score = task.metric.score(penguins.targets[task.name][role == TEST], mean)
            single = np.mean(model.test[task.name])
            gains.append(scale.points(score - single))
            entry = model.ensemble.tasks[task.name]
            assert entry.score == pytest.approx(score)
            assert entry.single == pytest.approx(single) == model.mean[task.name]
            assert entry.gain.mean == pytest.approx(gains[-1], abs=1e-6)
            assert entry.low < score < entry.high <= 1.0
        assert model.ensemble.gain.mean == pytest.approx(np.mean(gains), abs=1e-6)
        assert model.ensemble.gain.low < model.ensemble.gain.mean
        assert model.ensemble.reason is None


def test_single_models_are_compared_seed_by_seed_and_ensembles_as_wholes(
    report, interrupted, penguins
):
    """Both over the seeds that succeeded in both arms: 1 and 2."""
    _, study = interrupted
    searched, single_task = report.confirmed
    single, ensemble = report.comparisons
    assert (single.models, single.seeds) == ("single", 2)
    assert (ensemble.models, ensemble.seeds) == ("ensemble", 2)
    differences = np.subtract(searched.test["sex"], single_task.test["sex"][1:])
    assert single.tasks["sex"].difference.mean == pytest.approx(np.mean(differences))

    task = penguins.tasks[1]
    role = penguins.sources["penguins"].splits.role
    labels = penguins.targets["sex"][role == TEST]
    scores = []
    for arm in ARMS:
        predictions = []
        for seed in (1, 2):
            stored = np.load(study.folder / f"confirmed/{arm}-{TRAININGS}-{seed}.npz")
            predictions.append(stored["prediction_1"])
        scores.append(task.metric.score(labels, np.mean(predictions, axis=0)))
    difference = ensemble.tasks["sex"].difference.mean
    assert difference == pytest.approx(scores[0] - scores[1])
    assert difference != pytest.approx(np.mean(differences))
    assert report.verdict.models == "ensemble"
    assert "gain of ensembles of 2 seeds of searched over single-task" in report.verdict.figures


@pytest.mark.parametrize("asked", ["ensemble", "single"])
def test_one_word_in_the_study_says_what_the_verdict_is_on(asked, interrupted, report, penguins):
    """The study is finished by `report`."""
    _, finished = interrupted
    study = Study.open(finished.folder)
    study.request = replace(study.request, compare=asked)
    analysis = Analysis(study, penguins)
    assert analysis.verdict.models == asked
    gains = {"single": analysis.comparisons, "ensemble": analysis.ensemble_comparisons}
    assert f"{gains[asked]['searched'].gain.mean:+.2f} points" in analysis.verdict.figures


def test_without_a_second_common_seed_single_models_are_compared_and_it_is_said(
    report, interrupted, penguins, tmp_path
):
    _, study = interrupted
    folder = tmp_path / "copy"
    shutil.copytree(study.folder, folder)
    path = folder / f"confirmed/single_task-{TRAININGS}-2.npz"
    arrays = dict(np.load(path))
    arrays["prediction_1"][:] = np.nan
    np.savez(path, **arrays)
    analysis = Analysis(Study.open(folder), penguins)
    assert isinstance(analysis.ensembles["single_task"], Ensemble)
    assert isinstance(analysis.ensemble_comparisons["searched"], NoEnsemble)
    assert analysis.verdict.models == "single"
    assert analysis.verdict.remark == (
        "Single models were compared, since ensembles cannot be: it takes two confirmed models: "
        "search with more --seeds."
    )


def test_a_seed_whose_score_is_undefined_is_left_out(report, interrupted, penguins, tmp_path):
    _, study = interrupted
    folder = tmp_path / "copy"
    shutil.copytree(study.folder, folder)
    path = folder / f"confirmed/single_task-{TRAININGS}-2.npz"
    arrays = dict(np.load(path))
    arrays["prediction_1"][:] = np.nan
    np.savez(path, **arrays)
    analysis = Analysis(Study.open(folder), penguins)
    _, single_task = analysis.confirmed
    assert single_task.left_out == {2: "its test score is undefined for sex"}
    ensemble = analysis.ensembles["single_task"]
    kept = [training.predictions["sex"] for training in single_task.trainings]
    np.testing.assert_array_equal(ensemble.predictions["sex"], np.mean(kept, axis=0))
    assert len(kept) == 2
