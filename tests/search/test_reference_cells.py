"""References as cells of a study: fitted once, beside the confirmation, and chosen blindly."""

from dataclasses import replace

import numpy as np
import pytest

import mtlsearch.search.session as session_module
from mtlsearch.data import TEST
from mtlsearch.records import ReferenceFit, TrainingResult
from mtlsearch.references.trainer import ReferenceTrainer
from mtlsearch.report.build import build_report
from mtlsearch.report.references_csv import write_references
from mtlsearch.report.schema import report_from_json, report_to_json
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.schedules import ReferenceSchedule
from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study import REFERENCES_ARM
from mtlsearch.space import SearchSpace

NAMES = ("linear", "nearest_neighbours")
SEEDS = 3
FITS = len(NAMES) * SEEDS
SETTINGS = {"trainings": 2, "cohort": 2, "seeds": SEEDS, "references": True}
CONFIRMED = 2 * SEEDS  # of two arms


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory, penguins, bench_at):
    """A finished study that was stopped after some fits; its bench, and what was fitted when."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_module, "installed_references", lambda: NAMES)
        bench = bench_at(tmp_path_factory.mktemp("references"), penguins)
        study = bench.create(**SETTINGS)
        first = bench.go_on(study, stop_after=4 + 5)
        patch.setattr(session_module, "installed_references", lambda: ("random_forest",))
        second = bench.go_on(bench.reopen(study))
    return bench, bench.reopen(study), [first, second]


def test_fits_go_beside_the_search_and_what_is_finished_stays(interrupted):
    _, study, [first, second] = interrupted
    assert first.interrupted
    assert first.phases[0][-1] == REFERENCES_ARM
    fitted = [[arm for arm, _ in watch.seen].count(REFERENCES_ARM) for watch in (first, second)]
    assert 0 < fitted[0] < FITS
    assert sum(fitted) == FITS
    assert study.references == NAMES
    status = StudyStatus.of(study).arms[-1]
    assert (status.arm, status.trainings, status.complete) == (REFERENCES_ARM, FITS, FITS)


def test_every_confirmed_seed_has_a_fit_whose_predictions_are_kept(interrupted, penguins):
    _, study, _ = interrupted
    analysis = Analysis(study, penguins)
    test = (penguins.sources["penguins"].splits.role == TEST).sum()
    for reference in analysis.references:
        assert [fit.seed_index for fit in reference.fits] == list(range(SEEDS))
        settings = {str(fit.fit.settings) for fit in reference.fits}
        assert len(settings) == 1
        for fit in reference.fits:
            assert {len(values) for values in fit.predictions.values()} == {test}
    assert analysis.reference_choices.keys() == {task.name for task in penguins.tasks}


def test_a_report_fits_nothing_and_has_them_in_every_form(
    interrupted, penguins, monkeypatch, tmp_path
):
    _, study, _ = interrupted
    monkeypatch.setattr(ReferenceTrainer, "fit_of", None)
    space = SearchSpace.from_mapping(study.request.space, len(penguins.tasks))
    report = build_report(study, penguins, space)
    references = report.references
    assert report_from_json(report_to_json(report)).references == references
    assert [model.name for model in references.models] == list(NAMES)
    for model in references.models:
        assert all(len(scores) == SEEDS for scores in model.test.values())
        assert model.gain is not None and model.seconds > 0
    assert any("pip install lightgbm catboost" in notice for notice in references.notices)
    write_references(report, tmp_path / "references.csv")
    lines = (tmp_path / "references.csv").read_text("utf-8").splitlines()
    assert len(lines) == 1 + len(NAMES) * len(penguins.tasks)
    assert sum(",True," in line for line in lines) == len(penguins.tasks)


def test_a_longer_search_fits_nothing_again(interrupted):
    bench, study, _ = interrupted
    study.extend(4)
    watch = bench.go_on(bench.reopen(study))
    assert REFERENCES_ARM not in [arm for arm, _ in watch.seen]


def test_the_labels_of_test_rows_choose_nothing(interrupted, penguins):
    """With other test labels, as one of the references predicts them, the choice is the same."""
    _, study, _ = interrupted
    before = Analysis(study, penguins)
    test = penguins.sources["penguins"].splits.role == TEST
    for reference in before.references:
        targets = dict(penguins.targets)
        mass = targets["body_mass_g"].copy()
        mass[test] = reference.fits[0].predictions["body_mass_g"]
        targets["body_mass_g"] = mass
        after = Analysis(study, replace(penguins, targets=targets))
        [favoured] = [entry for entry in after.references if entry.name == reference.name]
        assert favoured.fits[0].scores.scores["body_mass_g"] == pytest.approx(1.0)
        for task, choice in before.reference_choices.items():
            assert after.reference_choices[task].reference == choice.reference
        assert np.isfinite(after.reference_choices["body_mass_g"].gain.mean)


def test_later_folds_wait_for_the_settings_of_the_first(bench):
    schedule = ReferenceSchedule(bench.create(**SETTINGS), NAMES)
    assert schedule.ready(0)
    assert not schedule.ready(1)
    jobs = [schedule.job(number) for number in range(len(NAMES))]
    assert [job.reference for job in jobs] == list(NAMES)
    chosen = {"sex": {"alpha": 10.0}}
    first = replace(TrainingResult.failed(0, ""), failure=None, reference=ReferenceFit(chosen))
    schedule.finish(first)
    assert not schedule.ready(1)
    schedule.finish(TrainingResult.failed(1, "the worker died"))
    assert schedule.ready(1)
    later = [schedule.job(number) for number in range(len(NAMES), 2 * len(NAMES))]
    assert [job.settings for job in later] == [chosen, {}]
    assert {job.replicate.index for job in later} == {1}
