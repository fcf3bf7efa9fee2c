"""`Search` is an estimator in scikit-learn's manner."""

import os
import pickle
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import mtlsearch
from mtlsearch import Search, open_study
from mtlsearch.report.model import Report
from tests.support.running_program import complete, run_warm
from tests.support.small_search import SMALL_SETTINGS, TASKS, penguins

FINDINGS = ("verdict_", "front_", "leaderboard_", "affinity_", "report_", "best_model_", "study_")
QUIET = {**SMALL_SETTINGS, "progress": False, "verbose": False}


def test_the_findings_are_there_after_fit_only(fitted: Search) -> None:
    for name in FINDINGS:
        assert not hasattr(Search(), name)
        assert getattr(fitted, name) is not None
    with pytest.raises(NotFittedError):
        Search().predict(penguins())
    with pytest.raises(NotFittedError):
        Search().resume()


def test_the_constructor_only_stores_and_clones_are_not_fitted(fitted: Search) -> None:
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    assert not hasattr(again, "study_")
    assert again.set_params(trainings=9).trainings == 9
    unfitted = pickle.loads(pickle.dumps(Search("quick", importance={"sex": 3})))
    assert unfitted.importance == {"sex": 3}


def test_the_report_is_that_of_the_study_s_folder(fitted: Search) -> None:
    assert isinstance(fitted.report_, Report)
    assert fitted.report_.study.finished
    assert fitted.report_page_.is_file()
    assert str(fitted.verdict_) in fitted.report_page_.read_text("utf-8")


def test_the_leaderboard_has_each_model_and_its_ensemble_by_skill(fitted: Search) -> None:
    table = fitted.leaderboard_
    assert sorted(table["model"]) == ["searched"] * 2 + ["single_task"] * 2
    assert table["skill"].is_monotonic_decreasing
    assert table["recommended"].sum() == 1
    assert table.loc[table["recommended"], "model"].item() == fitted.verdict_.recommended
    searched = table[(table["model"] == "searched") & (table["of"] == "ensemble")].iloc[0]
    gain = fitted.report_.comparison_of("searched", "ensemble").gain
    baseline = table[(table["model"] == "single_task") & (table["of"] == "ensemble")].iloc[0]
    assert searched["gain"] == gain.mean
    assert searched["gain_low"] == gain.low
    assert searched["skill"] - baseline["skill"] == pytest.approx(gain.mean)
    assert searched["parameters"] == 2 * fitted.report_.model_of("searched").parameters


def test_front_and_affinities_are_the_report_s(fitted: Search) -> None:
    front = fitted.report_.front
    assert len(fitted.front_) == len(front) > 0
    assert set(fitted.front_["tree"]) == {candidate.tree for candidate in front}
    affinity = fitted.affinity_
    assert len(affinity) == len(fitted.report_.affinity.pairs) * affinity["levels"].max()
    assert {"task", "other", "levels", "gain", "low", "high"} == set(affinity.columns)


def test_predictions_are_rows_in_the_users_units(fitted: Search) -> None:
    rows = penguins().drop(columns=list(TASKS)).iloc[40:47]
    answers = fitted.predict(rows)
    assert answers.index.equals(rows.index)
    assert set(answers["species"]) <= {"Adelie", "Chinstrap", "Gentoo"}
    assert answers["body_mass_g"].between(2000, 8000).all()
    chances = fitted.predict_proba(rows)
    assert list(chances["sex"].columns) == ["female", "male"]
    np.testing.assert_allclose(chances["species"].sum(axis=1), 1.0)
    assert chances["species"].idxmax(axis=1).tolist() == answers["species"].tolist()
    assert chances[("sex", "male")].tolist() == answers["sex_probability"].tolist()
    with pytest.raises(mtlsearch.DataError, match="missing columns: island"):
        fitted.predict(rows.drop(columns="island"))


def test_the_score_is_the_mean_skill_on_rows_with_targets(fitted: Search) -> None:
    table = penguins()
    score = fitted.score(table)
    assert 0 < score < 100
    targets = table[list(TASKS)]
    assert fitted.score(table.drop(columns=list(TASKS)), targets) == score
    shuffled = targets.sample(frac=1.0, random_state=0).reset_index(drop=True)
    assert fitted.score(table.drop(columns=list(TASKS)), shuffled) < 20 < score
    with pytest.raises(mtlsearch.DataError, match="no column sex"):
        fitted.score(table.drop(columns="sex"))


def test_a_study_that_is_opened_has_the_same_findings(fitted: Search) -> None:
    study = open_study(fitted.study_.folder, progress=False, verbose=False)
    assert study.report_ == fitted.report_
    pd.testing.assert_frame_equal(study.leaderboard_, fitted.leaderboard_)
    assert study.status() == mtlsearch.status(study.folder)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.study_.folder == fitted.study_.folder


def test_its_notebook_output_says_the_answer(fitted: Search) -> None:
    page = fitted.study_._repr_html_()
    assert fitted.verdict_.sentence in page
    assert page.count("<tr>") == 4
    assert fitted._repr_mimebundle_()["text/html"] == page
    assert "text/html" in Search()._repr_mimebundle_()
    error = mtlsearch.DataError("x.csv: no such file")
    assert error._render_traceback_() == ["DataError: x.csv: no such file"]


def test_nothing_is_said_unless_it_is_wanted(fitted: Search, tmp_path: Path, capfd) -> None:
    search = clone(fitted).set_params(study=tmp_path / "study", trainings=1, replicates=1)
    search.fit(penguins(), tasks=TASKS)
    assert capfd.readouterr() == ("", "")


def test_the_frame_is_in_the_study_wherever_that_lies(fitted: Search, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.copytree(fitted.study_.folder, moved)
    done = run_warm("resume", moved, "--margin", "2", cwd=tmp_path)
    assert done.code == 0, done.err
    study = open_study(moved, progress=False, verbose=False)
    assert study.report_.study.settings.margin == 2.0
    (moved / "data.parquet").unlink()
    with pytest.raises(mtlsearch.DataError, match=r"not at .*moved/data\.parquet; .* --data PATH"):
        open_study(moved)


def test_ctrl_c_leaves_a_study_that_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    settings = {**QUIET, "arms": "single_task", "trainings": 30, "seeds": 1}
    search = Search(**settings, study=folder)
    stopped = pytest.raises(mtlsearch.InterruptedSearchError, match="resume")
    with interrupted_when(lambda: complete(folder) > 1), stopped:
        search.fit(penguins(), tasks=TASKS)
    assert 1 < complete(folder) < 30
    assert "not finished" in repr(search.study_)
    assert search.verdict_ is None
    assert search.resume() is search
    assert search.study_.status().finished


@contextmanager
def interrupted_when(condition: Callable[[], bool]) -> Iterator[None]:
    """Send this process a Ctrl-C as soon as a condition holds."""

    def watch() -> None:
        until = time.monotonic() + 60
        while not condition() and time.monotonic() < until:
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def test_it_fits_in_a_pipeline_and_in_a_thread_that_is_not_the_main_one(tmp_path: Path) -> None:
    table = penguins()
    search = Search(**{**QUIET, "trainings": 1, "replicates": 1}, study=tmp_path / "study")
    pipeline = make_pipeline(FunctionTransformer(lambda rows: rows.drop(columns="year")), search)
    inputs = table.drop(columns=["species", "sex"])
    thread = threading.Thread(target=pipeline.fit, args=(inputs, table[["species", "sex"]]))
    thread.start()
    thread.join()
    assert "year" not in search.feature_names_in_
    assert "species" in pipeline.predict(inputs.head(3))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trainings": 0}, "trainings: found 0"),
        ({"trainings": "many"}, "trainings: found 'many'"),
        ({"arms": "serched"}, 'did you mean "searched"'),
        ({"seeds": -1}, 'seeds: found "-1"'),
        ({"space": 3}, "space: found int"),
        ({"ignore": "islnd"}, 'did you mean "island"'),
        ({"importance": {"sexx": 2}}, 'did you mean "sex"'),
    ],
)
def test_a_mistake_is_an_error_of_one_line(settings, words: str, tmp_path: Path) -> None:
    search = Search(**{**QUIET, **settings}, study=tmp_path / "study")
    with pytest.raises(mtlsearch.MtlsearchError) as caught:
        search.fit(penguins(), tasks=TASKS)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "study").exists()


def test_of_several_sources_each_has_its_own_predictions(tmp_path: Path) -> None:
    table = penguins()
    left = table[["bill_length_mm", "flipper_length_mm", "sex", "body_mass_g"]]
    right = table[["bill_depth_mm", "island", "species"]]
    card = {
        "sources": {"left": {"path": left}, "right": {"path": right}},
        "tasks": {
            "sex": {"source": "left"},
            "species": {"source": "right"},
            "body_mass_g": {"source": "left", "auxiliary": True},
        },
    }
    search = Search(**{**QUIET, "trainings": 1, "replicates": 1, "seeds": 1}, study=tmp_path / "s")
    search.fit(card)
    assert [*search.predict(left.head(3))][::2] == ["sex", "body_mass_g"]
    assert [*search.predict_proba(right.head(3))["species"]] == ["Adelie", "Chinstrap", "Gentoo"]
    assert search.score(right) == search.score(right, source="right") != search.score(left)
    with pytest.raises(mtlsearch.DataError, match="missing columns"):
        search.predict(right, source="left")


def test_errors_name_parameters(fitted: Search) -> None:
    with pytest.raises(mtlsearch.errors.UsageError, match=r"^outer_folds: found 0; it must be"):
        Search(outer_folds=0, runner="local").fit("penguins")
    with pytest.raises(
        mtlsearch.errors.StudyError, match=r"^trainings: found 1; the study already"
    ):
        fitted.resume(trainings=1)


def test_the_verdict_alone_is_that_of_the_report(fitted: Search) -> None:
    study = open_study(fitted.study_.folder)
    assert study.verdict_ == fitted.report_.verdict
    assert "report" not in vars(study._contents())


def test_the_next_steps_are_those_of_the_page(fitted: Search) -> None:
    page = fitted.report_page_.read_text("utf-8")
    _, opening, *steps = fitted.next_steps()
    assert "--open" in opening
    assert len(steps) >= 3
    for step in steps:
        assert step.split("  ")[1] in page
