"""What importance, auxiliary tasks and limits change in gains, picks and the verdict."""

import dataclasses

import pytest

from mtlsearch.evidence import verdict
from mtlsearch.evidence.comparison import compare
from mtlsearch.evidence.contenders import Contender
from mtlsearch.evidence.front import front
from mtlsearch.evidence.relative_gain import breach, mean_relative_gain
from mtlsearch.evidence.selection import pick
from mtlsearch.tasks import TaskOptions, loss_weights, stopping_weights
from tests.support.confirmed import BASELINE, scored, shifted
from tests.support.contests import question
from tests.support.skill import scales_of

REFERENCE = {"a": 0.8, "b": 2.0}


def with_options(tasks, **options):
    """The tasks, some with options by their names."""
    changed = []
    for task in tasks:
        given = TaskOptions(**options.get(task.name, {}))
        changed.append(dataclasses.replace(task, options=given))
    return tuple(changed)


def test_gains_are_weighted_by_importance(tasks):
    scores = {"a": 0.88, "b": 1.6}  # 10% and 20% better, or 16 and 20 points
    weighted = with_options(tasks, b={"importance": 3})
    assert mean_relative_gain(tasks, scores, REFERENCE) == pytest.approx(15)
    assert mean_relative_gain(weighted, scores, REFERENCE) == pytest.approx((10 + 3 * 20) / 4)
    assert scales_of(tasks).gain(scores, REFERENCE) == pytest.approx(18)
    assert scales_of(weighted).gain(scores, REFERENCE) == pytest.approx((16 + 3 * 20) / 4)
    deviations = {"a": 0.08, "b": 0.0}
    assert scales_of(weighted).deviation(deviations) == pytest.approx(16 / 4)


def test_an_auxiliary_task_is_in_no_gain_and_on_no_front(tasks, evaluate):
    helped = with_options(tasks, b={"auxiliary": True, "importance": 5})
    scores = {"a": 0.88, "b": float("nan")}
    assert mean_relative_gain(helped, scores, REFERENCE) == pytest.approx(10)
    assert scales_of(helped).gain(scores, REFERENCE) == pytest.approx(16)
    assert scales_of(helped).deviation({"a": 0.08, "b": 9.0}) == pytest.approx(16)
    candidates = [evaluate(0, 0.9, 3.0), evaluate(1, 0.6, 1.0)]
    assert [summary.number for summary in front(candidates, tasks)] == [0, 1]
    assert [summary.number for summary in front(candidates, helped)] == [0]
    assert pick("searched", candidates, scales_of(helped), REFERENCE).candidate == 0


def test_the_pick_keeps_to_the_limits(tasks, evaluate):
    candidates = [evaluate(0, 0.9, 2.1), evaluate(1, 0.82, 2.01), evaluate(2, 0.81, 2.0)]
    limited = with_options(tasks, b={"at_most_worse": 1})
    free = pick("searched", candidates, scales_of(tasks), REFERENCE)
    assert (free.candidate, free.breach) == (0, 0)
    kept = pick("searched", candidates, scales_of(limited), REFERENCE)
    assert (kept.candidate, kept.breach) == (1, 0)
    broken = pick("searched", candidates[:1], scales_of(limited), REFERENCE)
    assert (broken.candidate, broken.breach) == (0, pytest.approx(4))
    assert breach(limited, {"a": 0.1, "b": 2.2}, REFERENCE) == pytest.approx(9)


def decided(tasks, rows, breaches=(0.0,)):
    """The verdict where each contender has these test scores."""
    contenders = []
    for number, value in enumerate(breaches):
        baseline = scored(BASELINE[: len(rows)])
        comparison = compare(f"arm {number}", scored(rows), baseline, scales_of(tasks))
        gain = float(-number)
        contenders.append(Contender(comparison, gain, [["a", "b"]], "the model", False, value))
    return verdict.decide(contenders, question(contenders))


@pytest.mark.parametrize(
    ("limit", "decision", "said"),
    [
        (30, "share", "b may be 30% worse, which is kept: -15"),
        (15.05, "cannot tell", "b may be 15.05% worse, which is not sure to be kept: -15"),
        (1, "do not share", "b may be 1% worse, which is broken: -15"),
    ],
)
def test_sharing_is_claimed_only_within_the_limits(tasks, limit, decision, said):
    rows = shifted(0.3, 0.3)  # a is much better, b 15% worse
    assert decided(tasks, rows).decision == "share"
    limited = with_options(tasks, b={"at_most_worse": limit})
    answer = decided(limited, rows)
    assert answer.decision == decision
    assert said in answer.figures


def test_a_contender_that_keeps_the_limits_stands_for_sharing(tasks):
    limited = with_options(tasks, b={"at_most_worse": 30})
    assert decided(limited, shifted(0.3, 0.3), breaches=(0.0, 0.0)).arm == "arm 0"
    assert decided(limited, shifted(0.3, 0.3), breaches=(2.0, 0.0)).arm == "arm 1"


def test_no_claim_is_made_of_an_auxiliary_task(tasks):
    helped = with_options(tasks, b={"auxiliary": True})
    comparison = compare("ours", scored(shifted(0.05, 0.9)), scored(BASELINE), scales_of(helped))
    assert comparison.results == {"a": "win"}
    assert (comparison.result("a"), comparison.result("b")) == ("win", "lose")
    assert "1 better, 0 undecided, 0 worse" in decided(helped, shifted(0.05, 0.9)).figures


def test_weights_of_losses_have_a_mean_of_1():
    plain, heavy = TaskOptions(), TaskOptions(importance=3)
    helper = TaskOptions(auxiliary=True)
    assert loss_weights([plain, plain, plain]) == [1, 1, 1]
    assert loss_weights([plain, heavy]) == [0.5, 1.5]
    assert loss_weights([heavy]) == [1]
    assert loss_weights([plain, helper]) == [1, 1]
    assert stopping_weights([plain, heavy, helper]) == [0.75, 2.25, 0]
    assert stopping_weights([helper]) == [1]
