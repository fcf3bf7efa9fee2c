"""Comparisons over seeds and the verdict: right where there is a difference, silent where there is none."""

import numpy as np
import pytest

from mtlsearch.evidence import verdict as evidence
from mtlsearch.records import TrainingResult

BASE = [{"a": 0.80, "b": 2.0}, {"a": 0.82, "b": 2.1}, {"a": 0.78, "b": 1.9}, {"a": 0.81, "b": 2.0}]
WIGGLE = [0.000, 0.001, 0.002, 0.001]


TOGETHER, APART = [["a", "b"]], [["a"], ["b"]]


def outcomes(rows, resamples=()):
    """What trainings came to that scored these rows, and those on resampled test rows."""
    again = {task: [row[task] for row in resamples] for task in ("a", "b")} if resamples else {}
    return [
        TrainingResult(number, {}, row, 1, 1, [1], [[1.0]], 0.1, test_resamples=again)
        for number, row in enumerate(rows)
    ]


def compare(arm, rows, baseline, tasks):
    return evidence.compare(arm, outcomes(rows), outcomes(baseline), tasks)


def decide(comparisons, gains, groups=TOGETHER):
    return evidence.decide(comparisons, gains, dict.fromkeys(comparisons, groups))


def moved(a, b):
    return [
        {"a": row["a"] + a + w, "b": row["b"] + b + w} for row, w in zip(BASE, WIGGLE, strict=True)
    ]


def verdict(tasks, gains=None, **arms):
    comparisons = {
        arm: compare(arm, scores, BASE[: len(scores)], tasks) for arm, scores in arms.items()
    }
    return decide(comparisons, gains or dict.fromkeys(arms, 0.0))


def test_differences_are_oriented_so_that_positive_is_better(tasks):
    found = compare("searched", moved(0.05, -0.3), BASE, tasks)
    assert found.differences["a"].mean == pytest.approx(0.05 + 0.001)
    assert found.differences["b"].mean == pytest.approx(0.3 - 0.001)
    assert found.results == {"a": "win", "b": "win"}
    assert compare("searched", moved(-0.05, 0.3), BASE, tasks).results == {"a": "lose", "b": "lose"}
    assert compare("searched", moved(-0.001, -0.001), BASE, tasks).results == {
        "a": "tie",
        "b": "tie",
    }


def test_the_gain_is_relative_to_the_mean_of_the_baseline(tasks):
    found = compare(
        "searched",
        [{"a": 0.9, "b": 1.5}, {"a": 0.9, "b": 1.5}],
        [{"a": 0.7, "b": 2.0}, {"a": 0.8, "b": 2.0}],
        tasks,
    )
    per_seed = [(0.2 / 0.75 + 0.25) * 50, (0.1 / 0.75 + 0.25) * 50]
    assert found.gain.mean == pytest.approx(np.mean(per_seed))
    half = (
        12.7062047 * abs(per_seed[0] - per_seed[1]) / 2
    )  # Student's t at 97.5% with 1 degree of freedom
    assert found.gain.high - found.gain.mean == pytest.approx(half)


def test_unequal_numbers_of_seeds_are_refused(tasks):
    with pytest.raises(ValueError, match="longer"):
        compare("searched", BASE[:3], BASE, tasks)


def test_share_when_the_interval_is_above_zero(tasks):
    found = verdict(tasks, searched=moved(0.05, -0.3))
    assert (found.decision, found.arm, found.recommended) == ("share", "searched", "searched")
    assert found.sentence.startswith("Share:")
    assert "2 better, 0 undecided, 0 worse" in found.sentence


def test_do_not_share_when_the_interval_is_below_zero(tasks):
    found = verdict(tasks, searched=moved(-0.05, 0.3))
    assert (found.decision, found.recommended) == ("do not share", "single_task")
    assert found.sentence.startswith("Do not share:")


def test_cannot_tell_when_it_spans_zero(tasks):
    found = verdict(tasks, searched=moved(-0.001, -0.001))
    assert (found.decision, found.recommended) == ("cannot tell", "single_task")
    assert found.sentence.startswith("Cannot tell")


@pytest.mark.parametrize(("a", "b"), [(0.15, -1.5), (-0.5, 5.0)])
def test_one_seed_never_claims(tasks, a, b):
    found = verdict(tasks, searched=moved(a, b)[:1])
    assert found.decision == "cannot tell"
    assert "no interval from one seed" in found.sentence


def test_the_arm_with_the_best_validation_gain_stands_for_sharing(tasks):
    arms = {"searched": moved(-0.001, -0.001), "share_all": moved(0.05, -0.3)}
    assert verdict(tasks, {"searched": 2.0, "share_all": 1.0}, **arms).decision == "cannot tell"
    found = verdict(tasks, {"searched": 1.0, "share_all": 2.0}, **arms)
    assert (found.decision, found.arm) == ("share", "share_all")


def test_harm_is_not_claimed_while_another_sharing_arm_is_undecided(tasks):
    harmful, undecided = moved(-0.05, 0.3), moved(-0.001, -0.001)
    gains = {"searched": 2.0, "random": 1.0}
    assert verdict(tasks, gains, searched=harmful, random=undecided).decision == "cannot tell"
    assert verdict(tasks, gains, searched=harmful, random=harmful).decision == "do not share"


def test_a_gain_that_may_be_due_to_a_learned_start_says_so(tasks):
    for scores, said in ((moved(0.05, -0.3), True), (moved(0.0, 0.0), False)):
        comparisons = {"searched": compare("searched", scores, BASE, tasks)}
        for started in (["searched"], ["share_all"]):
            sentence = evidence.decide(
                comparisons, {"searched": 1.0}, {"searched": TOGETHER}, started
            ).sentence
            assert ("pretrained" in sentence) == (said and started == ["searched"])


def test_without_a_sharing_arm_there_is_no_verdict(tasks):
    assert verdict(tasks) is None


def test_without_a_true_difference_sharing_is_claimed_in_about_one_of_forty(tasks):
    rng, claims = np.random.default_rng(0), {"share": 0, "do not share": 0, "cannot tell": 0}
    for _ in range(400):
        single, shared = (
            [{"a": rng.normal(0.8, 0.02), "b": rng.normal(2.0, 0.1)} for _ in range(5)]
            for _ in range(2)
        )
        found = decide({"searched": compare("searched", shared, single, tasks)}, {"searched": 1.0})
        claims[found.decision] += 1
    assert claims["share"] / 400 < 0.06
    assert claims["do not share"] / 400 < 0.06
    assert claims["cannot tell"] < 400


def test_a_true_difference_is_mostly_found(tasks):
    rng, claimed = np.random.default_rng(1), 0
    for _ in range(100):
        single, shared = (
            [{"a": rng.normal(m, 0.02), "b": rng.normal(2.0, 0.02)} for _ in range(5)]
            for m in (0.8, 0.88)
        )
        claimed += (
            decide(
                {"searched": compare("searched", shared, single, tasks)}, {"searched": 1.0}
            ).decision
            == "share"
        )
    assert claimed > 80


def test_what_is_shared_by_some_is_named(tasks):
    comparisons = {"searched": compare("searched", moved(0.05, -0.3), BASE, tasks)}
    found = decide(comparisons, {"searched": 1.0}, [["a", "c"], ["b"]])
    assert (found.decision, found.recommended) == ("share some", "searched")
    assert found.sentence.startswith("Share some (a+c; alone: b): that beats")


def test_of_many_groups_and_tasks_the_first_are_named(tasks):
    comparisons = {"searched": compare("searched", moved(0.05, -0.3), BASE, tasks)}
    pairs, alone = [[f"p{n}", f"q{n}"] for n in range(20)], [[f"x{n}"] for n in range(9)]
    sentence = decide(
        comparisons, {"searched": 1.0}, [[f"w{n}" for n in range(30)], *pairs, *alone]
    ).sentence
    assert "w0+w1+w2+w3+w4+w5+w6+w7+22 more; p0+q0; " in sentence
    assert "; p6+q6; 13 more; alone: x0, x1, x2, x3, x4, x5, x6, x7, 1 more)" in sentence


def test_the_choice_of_test_rows_widens_the_interval(tasks):
    rng = np.random.default_rng(0)
    samples = [
        [{"a": 0.8 + x + rng.normal(0, 0.05), "b": 2.0} for _ in range(100)] for x in (0.05, 0.0)
    ]
    ours, theirs = (
        outcomes(rows, again) for rows, again in zip((moved(0.05, 0.0), BASE), samples, strict=True)
    )
    wide, narrow = (
        evidence.compare("searched", ours, theirs, tasks),
        compare("searched", moved(0.05, 0.0), BASE, tasks),
    )
    assert wide.gain.mean == pytest.approx(narrow.gain.mean)
    assert wide.gain.high - wide.gain.low > 5 * (narrow.gain.high - narrow.gain.low)
    assert narrow.results["a"] == "win"
    assert wide.results["a"] == "tie"


def test_results_per_task_are_corrected_for_their_number(tasks):
    found = compare(
        "searched",
        [
            {"a": row["a"] + x, "b": row["b"]}
            for row, x in zip(BASE, (0.01, 0.04, 0.03, 0.02), strict=True)
        ],
        BASE,
        tasks,
    )
    assert 0.025 < found.differences["a"].p < 0.05
    assert found.results == {"a": "tie", "b": "tie"}


def test_an_undecided_verdict_says_what_it_would_take(tasks):
    few = [
        {"a": row["a"] + x, "b": row["b"]}
        for row, x in zip(BASE, (0.02, -0.01, 0.02, -0.005), strict=True)
    ]
    found = decide({"searched": compare("searched", few, BASE, tasks)}, {"searched": 1.0})
    assert found.decision == "cannot tell"
    assert "seeds would tell" in found.sentence
