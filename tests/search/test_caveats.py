"""What lowers an answer: an under-trained baseline, seen by what ready-made models gain over it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mtlsearch.search.session as session_module
from mtlsearch.data import ColumnFlags, Dataset, load
from mtlsearch.evidence.comparison import compare, compare_ensembles
from mtlsearch.evidence.ensemble import jackknife
from mtlsearch.report.build import build_report
from mtlsearch.report.html import render_page
from mtlsearch.search.analysis import Analysis
from mtlsearch.space import SearchSpace

TASKS = 14
FEATURES = 8
PARTS = {"train": 120, "val": 40, "test": 400}
NAMES = ("linear", "nearest_neighbours")
SETTINGS = {
    "trainings": 2,
    "replicates": 1,
    "cohort": 2,
    "seeds": 3,
    "arms": ("single_task", "share_all"),
    "references": True,
    "engine": "forest",
}


def linear_table(folder: Path) -> Dataset:
    """Targets that are linear in the inputs, and much alike: linear models find all there is."""
    draw = np.random.default_rng(0)
    rows = sum(PARTS.values())
    x = draw.normal(size=(rows, FEATURES))
    common = draw.normal(size=(FEATURES, 1))
    weights = common + 0.3 * draw.normal(size=(FEATURES, TASKS))
    y = x @ weights / np.sqrt(FEATURES) + draw.normal(size=(rows, TASKS))
    columns = {f"x{number}": x[:, number] for number in range(FEATURES)}
    columns |= {f"y{number}": y[:, number] for number in range(TASKS)}
    columns["part"] = np.repeat(list(PARTS), list(PARTS.values()))
    path = folder / "linear.csv"
    pd.DataFrame(columns).to_csv(path, index=False)
    flags = [f"y{number}:regression" for number in range(TASKS)]
    return load(str(path), flags, ColumnFlags(split_column="part"))


@pytest.fixture(scope="module")
def analysis(tmp_path_factory, bench_at) -> Analysis:
    """A study of networks that are hardly tuned, in a space that claims may be made from."""
    folder = tmp_path_factory.mktemp("linear")
    dataset = linear_table(folder)
    bench = bench_at(folder, dataset)
    space = bench.space(
        training={"epochs": 30, "batch_size": 32, "patience": 5},
        optimizer={"learning_rate": 3e-3},
        for_conclusions=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "installed_references", lambda: NAMES)
        study = bench.run(space=space, **SETTINGS)
    return Analysis(study, dataset)


def test_sharing_is_not_claimed_while_linear_models_gain_as_much(analysis, monkeypatch):
    """Without caveats it is: the interval of the gain over single-task is above zero."""
    answer = analysis.verdict
    assert answer.decision == "cannot tell"
    first = "Cannot tell whether sharing pays. With linear models, one for each task, the gain over"
    assert answer.sentence.startswith(first)
    assert "tuned" not in answer.figures
    assert analysis.caveats[0].lowers

    unguarded = Analysis(analysis.study, analysis.dataset)
    monkeypatch.setattr(unguarded, "_caveats", lambda sharing: [])
    assert unguarded.verdict.decision == "share"
    assert "over tuned single-task" in unguarded.verdict.figures


def test_references_gain_over_the_baseline_as_arms_do(analysis):
    by_key = {(entry.arm, entry.models): entry for entry in analysis.reference_gains}
    assert len(by_key) == len(NAMES) * 2
    baseline = next(model for model in analysis.confirmed if model.arm == "single_task")
    linear = next(entry for entry in analysis.references if entry.name == "linear")

    fits = [fit.scores for fit in linear.fits]
    networks = [training.scores for training in baseline.trainings]
    scales = analysis.test_scales
    single = compare("linear", fits, networks, scales)
    assert by_key["linear", "single"].gain == single.gain

    scorer = analysis._scorer
    fitted = jackknife([fit.predictions for fit in linear.fits], scorer)
    trained = jackknife([training.predictions for training in baseline.trainings], scorer)
    ensemble = compare_ensembles("linear", fitted, trained, scales)
    assert by_key["linear", "ensemble"].gain == ensemble.gain
    assert by_key["linear", "ensemble"].results == ensemble.results


def test_references_stand_in_the_table_of_arms(analysis):
    space = SearchSpace.from_mapping(analysis.study.request.space, TASKS)
    report = build_report(analysis.study, analysis.dataset, space)
    reported = report.comparison_of("linear", "ensemble")
    assert reported.of_reference and not reported.missing
    assert reported.tasks.keys() == {task.name for task in report.tasks}
    page = render_page(report)
    arms = page[page.index('id="arms"') : page.index('id="ensembles"')]
    assert "linear" in arms and "nearest neighbours" in arms
    assert f"{reported.gain.mean:.1f}" in arms


def test_the_first_doubt_that_lowers_is_the_reason_and_the_others_are_said(analysis):
    answer = analysis.verdict
    assert analysis.caveats[0].sentence in answer.sentence
    assert set(answer.caveats) == {caveat.sentence for caveat in analysis.caveats}


@pytest.mark.parametrize("stop_after", [1, 5, 9])
def test_more_budget_for_the_baseline_comes_before_the_picks(bench, whole, trace, stop_after):
    settings = {"trainings": 4, "cohort": 2, "more_baseline": True}
    uninterrupted = whole(**settings)
    assert len(uninterrupted["single_task"]) == 8
    assert len(uninterrupted["searched"]) == 4
    study = bench.create(**settings)
    bench.go_on(study, stop_after=stop_after)
    again = bench.reopen(study)
    bench.go_on(again)
    assert trace(again) == uninterrupted


def test_a_finished_study_is_confirmed_anew_after_more_budget_for_the_baseline(bench, whole, trace):
    settings = {"trainings": 4, "cohort": 2}
    study = bench.run(**settings)
    before = study.confirmation
    study.extend_baseline()
    assert study.confirmation != before and not study.picks()
    again = bench.reopen(study)
    bench.go_on(again)
    assert trace(again) == whole(**settings, more_baseline=True)
