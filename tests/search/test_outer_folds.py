"""Studies with outer folds: each fold is blind to its test rows, and resumes as any study does."""

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from mtlsearch.data import TEST, load
from mtlsearch.data.outer_folds import first_outer_fold, further_outer_folds
from mtlsearch.data.roles import with_splits
from mtlsearch.errors import DataError, StudyError, UsageError
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.pooled import pool_intervals
from mtlsearch.export.from_study import Order, export_from_study
from mtlsearch.report.build import build_report
from mtlsearch.report.html import render_page
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.column_importance import UNSCORED, column_importance
from mtlsearch.search.diagnosis import Diagnosis
from mtlsearch.search.parts import parts_of
from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study import Study, part_seed
from mtlsearch.search.study_loading import check_folds, divide_study
from mtlsearch.space import SearchSpace
from mtlsearch.tasks.metrics import ACCURACY

COUNT = 3
TINY = {"trainings": 2, "replicates": 1, "cohort": 2, "seeds": 2}
DIVIDED = {**TINY, "outer_folds": COUNT}


@pytest.fixture(scope="module")
def divided(penguins):
    """The penguins with the test rows of the first of three outer folds."""
    return first_outer_fold(penguins, COUNT, 0)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, divided, bench_at):
    """A finished study of three outer folds."""
    bench = bench_at(tmp_path_factory.mktemp("divided"), divided)
    return bench.run(**DIVIDED)


@pytest.fixture(scope="module")
def analysis(finished, divided):
    return Analysis(finished, divided)


@pytest.fixture(scope="module")
def diagnosis(analysis):
    found = Diagnosis.of(analysis)
    assert found is not None
    return found


def traces(study, dataset, trace):
    """What every part of a study came to."""
    return [trace(part.study) for part in parts_of(study, dataset)]


def test_every_part_has_searches_picks_and_a_confirmation_of_its_own(finished, divided):
    parts = parts_of(finished, divided)
    assert [part.name for part in parts] == ["", "fold-2", "fold-3", "all-rows"]
    for part in parts:
        assert [len(part.study.trials(arm)) for arm in part.study.request.arms] == [2, 2]
        assert [pick.arm for pick in part.study.picks()] == ["searched", "single_task"]
        assert len(part.study.stored_trials(part.study.confirmation)) == 4
    seeds = {part.study.request.seed for part in parts}
    assert len(seeds) == len(parts)


def test_a_fold_is_what_a_study_without_its_test_labels_would_be(
    finished, divided, trace, tmp_path, bench_at
):
    """With the labels of its test rows shuffled, everything that is trained and picked in fold 2 is
    the same to the last bit.
    """
    second = further_outer_folds(divided, COUNT, 0)[0]
    rows = np.flatnonzero(second.sources["penguins"].splits.role == TEST)
    order = np.random.default_rng(0).permutation(rows)
    targets = {name: values.copy() for name, values in divided.targets.items()}
    for values in targets.values():
        values[rows] = values[order]
    splits = {name: source.splits for name, source in second.sources.items()}
    shuffled = with_splits(replace(second, targets=targets), splits)
    study = bench_at(tmp_path, shuffled).run(**TINY, seed=part_seed(0, "fold-2"))
    assert trace(study) == trace(parts_of(finished, divided)[1].study)


def test_comparisons_are_those_of_the_folds_pooled(analysis):
    folds = [fold.own_ensemble_comparisons["searched"] for fold in analysis.outer_folds]
    pooled = analysis.ensemble_comparisons["searched"]
    assert isinstance(pooled, Comparison)
    assert pooled.outer_folds == COUNT
    assert pooled.gain == pool_intervals([fold.gain for fold in folds], analysis.weights, 2)
    assert analysis.tested_rows == 342
    assert analysis.verdict is not None
    assert f"ensembles of 2 seeds in {COUNT} outer folds" in analysis.verdict.figures


def test_the_report_shows_the_picks_of_all_folds(finished, divided, analysis):
    space = SearchSpace.from_mapping(finished.request.space, len(divided.tasks))
    report = build_report(finished, divided, space)
    outer = report.outer_folds
    assert outer is not None
    assert (outer.tested_rows, outer.rows) == (342, 342)
    names = [task.name for task in divided.tasks]
    for fold, reported in zip(analysis.outer_folds, outer.folds, strict=True):
        trees = {pick.arm: pick.composition.spell(names) for pick in fold.picks}
        assert reported.trees == trees
    shared = {(pair.task, pair.other): pair.folds for pair in outer.pairs}
    groups = [fold.pick_of("searched").composition.groups(names) for fold in analysis.outer_folds]
    for (task, other), count in shared.items():
        together = [any(task in group and other in group for group in fold) for fold in groups]
        assert count == sum(together)
    [model, _] = report.confirmed
    scores = [fold.confirmed[0].scores("sex")[0] for fold in analysis.outer_folds]
    assert model.test["sex"][0] == pytest.approx(float(analysis.weights.shares @ scores))
    assert "342 of 342 rows were test rows" in render_page(report)


def test_the_exported_model_is_of_all_rows_and_says_so(finished, divided, analysis, tmp_path):
    space = SearchSpace.from_mapping(finished.request.space, len(divided.tasks))
    exported = export_from_study(finished, divided, space, Order("searched"), tmp_path / "model")
    assert "largest deviation on all rows" in exported.summary
    readme = (tmp_path / "model" / "README.md").read_text("utf-8")
    assert "searched and fitted on all rows" in readme
    scores = [fold.ensembles["searched"].test.scores["sex"] for fold in analysis.outer_folds]
    assert f"roc_auc {float(analysis.weights.shares @ scores):.4g} on test rows" in readme
    with pytest.raises(UsageError, match="--best-per-task"):
        export_from_study(
            finished, divided, space, Order(best_per_task=True), tmp_path / "references"
        )


def test_status_shows_the_folds(finished):
    status = StudyStatus.of(finished)
    assert status.finished
    assert {arm.part for arm in status.arms} == {"", "fold-2", "fold-3", "all-rows"}
    console = Console(width=120)
    with console.capture() as capture:
        console.print(status.table())
    assert "fold-3 confirmation@2" in capture.get()


def test_a_finished_study_gets_further_folds_and_resumes_after_interruptions(
    finished, penguins, divided, trace, bench
):
    study = bench.run(**TINY)
    own = trace(study)
    first = divide_study(study, penguins, COUNT)
    assert first.notices == divided.notices
    assert not StudyStatus.of(study).finished
    assert Analysis(study, first).verdict is None
    space = SearchSpace.from_mapping(study.request.space, len(first.tasks))
    report = build_report(study, first, space)
    assert not report.study.finished
    assert report.outer_folds is not None
    assert "not every fold has confirmed" in report.outer_folds.sentence

    bench.dataset = first
    for stop in (3, 8, 10):
        study = bench.reopen(study)
        assert len(bench.go_on(study, stop).seen) == stop
    bench.go_on(study)
    assert trace(study) == own
    assert traces(study, first, trace) == traces(finished, divided, trace)
    assert Analysis(study, first).verdict == Analysis(finished, divided).verdict


def test_a_number_of_folds_that_cannot_be_is_refused(bench, bench_of, penguins, finished):
    study = bench.create(**TINY)
    with pytest.raises(UsageError, match="--outer-folds: found 0; it must be at least 2"):
        divide_study(study, penguins, 0)
    with pytest.raises(StudyError, match="found 5; the study has 3"):
        divide_study(finished, penguins, 5)
    iris = load("iris+breast_cancer")
    other = bench_of(iris).create("iris", **TINY)
    with pytest.raises(StudyError, match=r"found 2; .* 20%, 20% .* allowed: 4, 5, 6; or search"):
        divide_study(other, iris, 2)
    assert other.request.outer_folds == 1


def test_a_fold_that_cannot_score_a_task_is_refused_before_anything_is_trained(penguins):
    """Beside the test rows of the first fold there is one row of a class."""
    labels = penguins.targets["sex"].copy()
    is_test = penguins.sources["penguins"].splits.role == TEST
    [others] = (~is_test & (labels == 0)).nonzero()
    labels[others[1:]] = np.nan
    scarce = replace(penguins, targets=penguins.targets | {"sex": labels})
    with pytest.raises(DataError, match="outer fold"):
        check_folds(scarce, outer_folds=5)


PROGRAM = """
import sys
from pathlib import Path
from mtlsearch.data import load
from mtlsearch.data.outer_folds import first_outer_fold
from mtlsearch.search.session import Observer, work
from mtlsearch.search.study import Study
from mtlsearch.space import SearchSpace
from mtlsearch.tasks.metrics import ACCURACY

study = Study.open(Path(sys.argv[1]))
dataset = first_outer_fold(load("penguins"), study.request.outer_folds, study.request.seed)
space = SearchSpace.from_mapping(study.request.space, len(dataset.tasks))
with study.lock():
    work(study, dataset, space, Observer())
"""


def recorded(study):
    """How many trainings of all parts have their result."""
    path = f"file:{study.folder / 'study.db'}?mode=ro"
    with closing(sqlite3.connect(path, uri=True, timeout=30)) as database:
        query = "SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'"
        [[count]] = database.execute(query).fetchall()
    return count


@pytest.mark.slow
def test_a_study_that_is_killed_at_random_moments_comes_to_the_same(
    finished, divided, trace, tmp_path, bench_at
):
    bench = bench_at(tmp_path, divided)
    study = bench.create(**DIVIDED)
    draw = random.Random(0)
    command = [sys.executable, "-c", PROGRAM, str(study.folder)]
    for _ in range(4):
        enough = recorded(study) + draw.randrange(1, 7)
        program = subprocess.Popen(command)
        while recorded(study) < enough:
            assert program.poll() is None
            time.sleep(0.02)
        time.sleep(0.3 * draw.random())
        program.send_signal(signal.SIGKILL)
        program.wait()
    assert recorded(study) < recorded(finished)
    subprocess.run(command, check=True)
    study = bench.reopen(study)
    assert traces(study, divided, trace) == traces(finished, divided, trace)
    assert Analysis(study, divided).verdict == Analysis(finished, divided).verdict


def test_every_row_is_looked_at_once_by_a_model_that_was_blind_to_it(divided, diagnosis):
    for predicted in diagnosis.predicted_rows():
        labels = divided.targets[predicted.task.name]
        assert sorted(predicted.rows) == np.flatnonzero(~np.isnan(labels)).tolist()
        np.testing.assert_array_equal(predicted.labels, labels[predicted.rows])
        score = predicted.task.metric.score(predicted.labels, predicted.predictions)
        assert np.isfinite(score)


def test_the_curves_are_those_of_the_confirmed_trainings(analysis, diagnosis):
    curves = diagnosis.curves()
    assert {curve.arm for curve in curves} == {diagnosis.arm, diagnosis.beside}
    results = {}
    for model in analysis.confirmed:
        for training in model.trainings:
            results[model.arm, training.seed_index] = training.result
    for curve in curves:
        result = results[curve.arm, curve.seed]
        assert curve.validation in result.history
        assert curve.training in result.training_history
        assert len(curve.training) == len(curve.validation)
    told = {(curve.arm, task) for curve in curves for task in curve.tasks}
    assert len(told) == 2 * len(analysis.dataset.tasks)


def test_columns_are_looked_at_with_the_confirmed_networks(analysis, diagnosis):
    importances = diagnosis.importances()
    assert set(importances.notes.values()) == {"5 of 5 columns, 52 test rows, 2 networks"}
    columns = set(analysis.dataset.sources["penguins"].inputs)
    assert list(importances.by_task) == [task.name for task in analysis.dataset.tasks]
    for entries in importances.by_task.values():
        assert {entry.column for entry in entries} == columns
        assert any(entry.loss for entry in entries)


def test_where_the_weights_are_gone_the_report_is_made_without_them(finished, divided, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "copy")
    for path in (tmp_path / "copy" / "confirmed").glob("*.safetensors"):
        path.unlink()
    diagnosis = Diagnosis.of(Analysis(Study.open(tmp_path / "copy"), divided))
    importances = diagnosis.importances()
    assert not importances.by_task
    assert "cannot be read" in importances.notes["species"]


def test_a_score_that_is_not_defined_is_left_out_and_said(analysis, diagnosis):
    [model] = [model for model in analysis.confirmed if model.arm == diagnosis.arm]
    undefined = replace(ACCURACY, function=lambda labels, prediction: float("inf"))
    first, *others = analysis.dataset.tasks
    tasks = (replace(first, metric=undefined), *others)
    dataset = replace(analysis.dataset, tasks=tasks)
    importances = column_importance(model, dataset, analysis.test_scales, 0)
    assert first.name not in importances.by_task
    assert importances.notes[first.name] == UNSCORED
    assert set(importances.by_task) == {task.name for task in others}


def test_a_model_that_is_too_large_is_not_run_again_and_again(analysis, diagnosis):
    [model] = [model for model in analysis.confirmed if model.arm == diagnosis.arm]
    trainings = []
    for training in model.trainings:
        result = replace(training.result, macs_per_example=10**12)
        trainings.append(replace(training, result=result))
    large = replace(model, trainings=trainings)
    importances = column_importance(large, analysis.dataset, analysis.test_scales, 0)
    assert not importances.by_task and "too large" in importances.notes["species"]
