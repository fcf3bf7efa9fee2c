"""The candidates of the report: who is on the front, who ties, and what is only estimated."""

import pytest

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate
from mtlsearch.evidence.candidate_summary import CandidateSummary, recombined
from mtlsearch.evidence.selection import Pick
from mtlsearch.report.candidates import Field
from mtlsearch.sharing import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.task import Task
from mtlsearch.weightings import Fixed

TASKS = (
    Task("a", "binary", "roc_auc", "s", "a", ("0", "1")),
    Task("b", "regression", "rmse", "s", "b"),
)
REFERENCE = {"a": 0.5, "b": 2.0}


def evaluate(number, a, b, deviation=None, width=8, shared=False, costs=((5, 50), (7, 70))):
    """A candidate with these estimates; raw scores are others."""
    tree = SharingTree.shared(2, 1) if shared else SharingTree.separate(2, 1)
    parts = Candidate(tree, Mlp(width), NoSharing(), Fixed()).composition()
    deviations = {} if deviation is None else {"a": deviation, "b": 4 * deviation}
    scores, costs = {"a": 0.1, "b": 9.0}, ((12, 120),) if shared else costs
    return CandidateSummary(
        "searched",
        number,
        parts,
        scores,
        {"a": 0.01, "b": None},
        {"a": a, "b": b},
        deviations,
        2,
        12,
        120,
        costs,
    )


def field(*evaluated, picks=()):
    return Field.of({"searched": list(evaluated)}, picks, TASKS, REFERENCE, "none")


def test_those_whose_intervals_reach_the_best_ones_tie():
    rows = field(
        evaluate(0, 0.60, 1.9, 0.01), evaluate(1, 0.59, 1.85, 0.01), evaluate(2, 0.48, 1.8, 0.01)
    ).front()
    assert [row["candidate"] for row in rows] == [0, 1, 2]
    assert [row["tie"] for row in rows] == [True, True, False]
    assert rows[0]["gain"] == pytest.approx((20 + 5) / 2)
    reach = 1.96 * ((100 * 0.01 / 0.5) ** 2 + (100 * 0.04 / 2.0) ** 2) ** 0.5 / 2
    assert rows[0]["gain_interval"]["low"] == pytest.approx(12.5 - reach, rel=1e-3)


def test_without_deviations_only_the_best_is_marked():
    rows = field(evaluate(0, 0.60, 1.9), evaluate(1, 0.58, 1.85)).front()
    assert [row["tie"] for row in rows] == [True, False]
    assert rows[0]["gain_interval"] == {"mean": pytest.approx(12.5), "low": None, "high": None}


def test_a_recombined_pick_stands_among_them_as_estimated():
    first, second = evaluate(0, 0.60, 2.0, 0.01), evaluate(1, 0.5, 1.5, 0.02, width=16)
    composition = (first.composition[0], second.composition[1])
    found = field(first, second, picks=[Pick("searched", None, composition, 22.5)])
    [row] = found.front()
    assert (row["candidate"], row["replicates"], row["gain"]) == (None, 0, pytest.approx(22.5))
    assert row["scores"]["a"] == {"mean": None, "standard_error": None, "estimate": 0.60}
    assert (row["parameters"], row["macs_per_example"]) == (5 + 7, 50 + 70)
    assert [part["settings"]["backbone"]["width"] for part in row["composition"]] == [8, 16]
    assert [point["front"] for point in found.points()] == [False, False, True]
    assert found.of_arm("searched") == pytest.approx([10.0, 12.5])


def test_a_pick_that_is_a_candidate_is_not_shown_twice():
    first = evaluate(0, 0.60, 2.0, 0.01)
    assert len(field(first, picks=[Pick("searched", 0, first.composition, 10.0)]).points()) == 1


def test_where_the_costs_are_not_known_nothing_is_recombined():
    first, second = evaluate(0, 0.60, 2.0), evaluate(1, 0.5, 1.5, width=16, costs=())
    assert recombined((first.composition[0], second.composition[1]), [first, second], TASKS) is None
    assert recombined(first.composition, [first, second], TASKS).deviations == {}


def test_nothing_trained_is_an_empty_front():
    assert (field().front(), field().points()) == ([], [])


def test_shares_says_whether_tasks_influence_each_other():
    points = field(evaluate(0, 0.6, 2.0), evaluate(1, 0.6, 2.0, shared=True)).points()
    assert [point["shares"] for point in points] == [False, True]
