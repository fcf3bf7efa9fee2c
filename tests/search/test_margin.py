"""The margin of a study: asked for, answered by, changed without training anything."""

import pytest

from mtlsearch.errors import UsageError
from mtlsearch.evidence.ensemble import NoEnsemble
from mtlsearch.evidence.scoring import TestScores
from mtlsearch.evidence.selection import Pick
from mtlsearch.records import TrainingResult
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.confirmed_models import Confirmed, ConfirmedTraining
from mtlsearch.search.request import Request


def test_a_study_of_before_has_a_margin_of_one_point(bench):
    record = bench.create().request.to_json()
    del record["margin"]
    assert Request.from_json(record).margin == 1.0


@pytest.mark.parametrize("margin", [-0.1, float("nan"), float("inf")])
def test_a_margin_is_a_number_and_not_negative(bench, margin):
    with pytest.raises(UsageError, match="--margin: found"):
        bench.create().keep_margin(margin)


def test_a_margin_is_kept_only_where_it_is_to_be(bench):
    study = bench.create(margin=2.0)
    study.set_margin(3.0)
    assert study.request.margin == 3.0
    assert bench.reopen(study).request.margin == 2.0
    study.keep_margin(0.5)
    assert bench.reopen(study).request.margin == 0.5


def _confirmed(bench, arm, accuracy, macs):
    """A confirmed pick of three seeds."""
    composition = bench.candidate(bench.space()).composition()
    trainings = []
    for number, wiggle in enumerate((0.0, 0.0001, 0.0002)):
        scores = TestScores({"species": accuracy + wiggle, "sex": 0.8, "body_mass_g": 0.8}, {})
        result = TrainingResult(number, {}, macs, macs, [1], [[1.0]], 0.1)
        training = ConfirmedTraining(number, result, {}, scores, bench.folder, {})
        trainings.append(training)
    return Confirmed(Pick(arm, 0, composition, 1.0), trainings)


@pytest.mark.parametrize(("macs", "cheaper"), [(10, "share_all"), (90, "single_task")])
def test_the_answer_goes_by_the_margin_and_the_cheaper_model_is_used(bench, macs, cheaper):
    study = bench.create(space=bench.space(for_conclusions=True), margin=1.0)
    decisions = []
    for margin in (1.0, 0.01):
        study.set_margin(margin)
        analysis = Analysis(study, bench.dataset)
        analysis.confirmed = [
            _confirmed(bench, "share_all", 0.901, macs),
            _confirmed(bench, "single_task", 0.9, 30),
        ]
        analysis.picks = [model.pick for model in analysis.confirmed]
        analysis.own_ensemble_comparisons = {"share_all": NoEnsemble("there are no predictions")}
        decisions.append(analysis.verdict.decision)
        if margin == 1.0:
            assert analysis.verdict.recommended == cheaper
    assert decisions == ["equal", "share"]
