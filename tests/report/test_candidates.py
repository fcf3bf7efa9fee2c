"""The candidates of the report: which are on the front, which tie there, and their gains."""

import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.report.candidates import report_candidates
from mtlsearch.report.model import ReportedInterval, ReportedScore
from mtlsearch.sharing import L2Sharing, NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings import Fixed
from tests.support.skill import scales_of
from tests.support.tasks import make_task

TASKS = (
    make_task("a", "binary", "roc_auc", classes=("0", "1")),
    make_task("b", "regression", "rmse"),
)
REFERENCE = {"a": 0.5, "b": 2.0}


def summarize(number, a, b, deviation=None, tree=None, sharing=None):
    """A candidate with these estimates; its raw scores are others."""
    candidate = Candidate(
        tree or SharingTree.separate(2, 1), Mlp(8), sharing or NoSharing(), Fixed()
    )
    deviations = {} if deviation is None else {"a": deviation, "b": 4 * deviation}
    return CandidateSummary(
        arm="searched",
        number=number,
        composition=candidate.composition(),
        scores={"a": 0.1, "b": 9.0},
        standard_errors={"a": 0.01, "b": None},
        estimates={"a": a, "b": b},
        deviations=deviations,
        replicates=2,
        parameters=12,
        macs_per_example=120,
    )


def report(*summaries):
    return report_candidates(summaries, scales_of(TASKS), REFERENCE, "none")


def test_those_whose_intervals_reach_the_best_ones_tie():
    candidates = report(
        summarize(0, 0.60, 1.9, 0.01),
        summarize(1, 0.59, 1.85, 0.01),
        summarize(2, 0.48, 1.8, 0.01),
    )
    assert [candidate.candidate for candidate in candidates] == [0, 1, 2]
    assert all(candidate.on_front for candidate in candidates)
    assert [candidate.tie for candidate in candidates] == [True, True, False]


def test_a_gain_has_the_interval_of_the_estimates():
    [candidate] = report(summarize(0, 0.60, 1.9, 0.01))
    assert candidate.gain.mean == pytest.approx((20 + 5) / 2)
    half_width = 1.96 * ((100 * 0.01 / 0.5) ** 2 + (100 * 0.04 / 2.0) ** 2) ** 0.5 / 2
    assert candidate.gain.low == pytest.approx(12.5 - half_width, rel=1e-3)
    assert candidate.gain.high == pytest.approx(12.5 + half_width, rel=1e-3)


def test_without_deviations_only_the_best_is_marked():
    candidates = report(summarize(0, 0.60, 1.9), summarize(1, 0.58, 1.85))
    assert [candidate.tie for candidate in candidates] == [True, False]
    assert candidates[0].gain == ReportedInterval(pytest.approx(12.5), None, None)


def test_who_is_beaten_on_every_task_is_neither_on_the_front_nor_a_tie():
    candidates = report(summarize(0, 0.60, 1.9, 0.5), summarize(1, 0.59, 1.95, 0.5))
    assert [candidate.on_front for candidate in candidates] == [True, False]
    assert [candidate.tie for candidate in candidates] == [True, False]


def test_scores_are_means_with_errors_and_estimates():
    [candidate] = report(summarize(7, 0.60, 1.9))
    assert candidate.scores == {
        "a": ReportedScore(mean=0.1, standard_error=0.01, estimate=0.60),
        "b": ReportedScore(mean=9.0, standard_error=None, estimate=1.9),
    }
    assert (candidate.replicates, candidate.parameters, candidate.macs_per_example) == (2, 12, 120)


def test_nothing_trained_is_no_candidates():
    assert report() == ()


def test_shares_says_whether_tasks_influence_each_other():
    shared = summarize(1, 0.6, 2.0, tree=SharingTree.shared(2, 1))
    candidates = report(summarize(0, 0.6, 2.0), shared)
    assert [candidate.shares for candidate in candidates] == [False, True]


def test_a_composition_names_its_tasks_and_settings():
    [separate] = report(summarize(0, 0.6, 2.0))
    assert [component.tasks for component in separate.composition] == [("a",), ("b",)]
    assert [component.levels for component in separate.composition] == [((("a",),),), ((("b",),),)]
    assert [component.soft_shared_levels for component in separate.composition] == [(), ()]
    assert separate.tree == "a ; b"
    settings = separate.composition[0].settings
    assert settings["backbone"]["name"] == "mlp" and settings["backbone"]["width"] == 8
    assert "tree" not in settings


def test_soft_shared_branches_are_one_component_with_the_levels_counted_from_1():
    tree = SharingTree.decode([0], [1], 3)  # together on the first level, apart on two
    [candidate] = report(summarize(0, 0.6, 2.0, tree=tree, sharing=L2Sharing(strength=0.1)))
    [component] = candidate.composition
    assert component.tasks == ("a", "b")
    assert component.levels == ((("a", "b"),), (("a",), ("b",)), (("a",), ("b",)))
    assert component.soft_shared_levels == (2, 3)
