"""The verdict: right where there is a difference, silent where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from mtlsearch.evidence import verdict
from mtlsearch.evidence.comparison import compare
from mtlsearch.evidence.ensemble import NoEnsemble
from mtlsearch.evidence.verdict import Contender
from tests.support.confirmed import BASELINE, scored, shifted
from tests.support.skill import scales_of

BASELINE_ARM = "alone"
CONTROL_ARM = "warmed_up"
TOGETHER = [["a", "b"]]
BETTER = shifted(0.05, -0.3)
WORSE = shifted(-0.05, 0.3)
UNDECIDED = shifted(-0.001, -0.001)


def contender(tasks, rows, arm="ours", gain=0.0, groups=TOGETHER, pretrained=False):
    """The model of an arm with these test scores, beside the first seeds of the baseline."""
    baseline = scored(BASELINE[: len(rows)])
    comparison = compare(arm, scored(rows), baseline, scales_of(tasks))
    return Contender(comparison, gain, groups, f"the model of {arm}", pretrained)


def decide(*contenders):
    return verdict.decide(contenders, BASELINE_ARM, CONTROL_ARM)


def test_share_when_the_interval_is_above_zero(tasks):
    found = decide(contender(tasks, BETTER))
    assert (found.decision, found.arm, found.recommended) == ("share", "ours", "ours")
    start = "Share: the model of ours beats separate models, mean gain of single models over "
    assert found.sentence.startswith(start)
    assert "2 better, 0 undecided, 0 worse" in found.sentence


def test_do_not_share_when_the_interval_is_below_zero(tasks):
    found = decide(contender(tasks, WORSE))
    assert (found.decision, found.arm) == ("do not share", "ours")
    assert found.recommended == BASELINE_ARM
    start = "Do not share: the model of ours is worse than separate models, mean gain"
    assert found.sentence.startswith(start)


def test_cannot_tell_when_it_spans_zero(tasks):
    found = decide(contender(tasks, UNDECIDED))
    assert (found.decision, found.arm) == ("cannot tell", "ours")
    assert found.recommended == BASELINE_ARM
    start = "Cannot tell whether sharing pays: the model of ours against separate models, mean gain"
    assert found.sentence.startswith(start)


@pytest.mark.parametrize(("a", "b"), [(0.15, -1.5), (-0.5, 5.0)])
def test_one_seed_never_claims(tasks, a, b):
    found = decide(contender(tasks, shifted(a, b)[:1]))
    assert found.decision == "cannot tell"
    assert "no interval from one seed" in found.sentence


def test_the_arm_with_the_best_validation_gain_stands_for_sharing(tasks):
    found = decide(
        contender(tasks, UNDECIDED, "first", gain=2.0),
        contender(tasks, BETTER, "second", gain=1.0),
    )
    assert found.decision == "cannot tell"
    found = decide(
        contender(tasks, UNDECIDED, "first", gain=1.0),
        contender(tasks, BETTER, "second", gain=2.0),
    )
    assert (found.decision, found.arm) == ("share", "second")


def test_of_equal_validation_gains_the_first_stands_for_sharing(tasks):
    found = decide(contender(tasks, BETTER, "first"), contender(tasks, UNDECIDED, "second"))
    assert (found.decision, found.arm) == ("share", "first")


def test_harm_is_not_claimed_while_another_sharing_arm_is_undecided(tasks):
    harmful = contender(tasks, WORSE, "first", gain=2.0)
    assert decide(harmful, contender(tasks, UNDECIDED, "second")).decision == "cannot tell"
    assert decide(harmful, contender(tasks, WORSE, "second")).decision == "do not share"


@pytest.mark.parametrize("pretrained", [True, False])
@pytest.mark.parametrize("rows", [BETTER, UNDECIDED])
def test_a_gain_that_may_be_due_to_pretraining_says_so(tasks, rows, pretrained):
    found = decide(contender(tasks, rows, pretrained=pretrained))
    said = "began pretrained" in found.sentence
    assert said == (pretrained and rows is BETTER)
    assert (f"the arm {CONTROL_ARM} tells" in found.sentence) == said


def test_without_a_sharing_arm_there_is_no_verdict():
    assert decide() is None


def test_without_a_true_difference_sharing_is_claimed_in_about_one_of_forty(tasks):
    draw = np.random.default_rng(0)
    decisions = []
    for _ in range(400):
        models = []
        for _ in range(2):
            rows = [{"a": draw.normal(0.8, 0.02), "b": draw.normal(2.0, 0.1)} for _ in range(5)]
            models.append(scored(rows))
        baseline, ours = models
        comparison = compare("ours", ours, baseline, scales_of(tasks))
        found = decide(Contender(comparison, 1.0, TOGETHER, "the model"))
        decisions.append(found.decision)
    assert decisions.count("share") / 400 < 0.06
    assert decisions.count("do not share") / 400 < 0.06
    assert decisions.count("cannot tell") < 400


def test_a_true_difference_is_mostly_found(tasks):
    draw = np.random.default_rng(1)
    decisions = []
    for _ in range(100):
        models = []
        for mean in (0.8, 0.88):
            rows = [{"a": draw.normal(mean, 0.02), "b": draw.normal(2.0, 0.02)} for _ in range(5)]
            models.append(scored(rows))
        baseline, ours = models
        comparison = compare("ours", ours, baseline, scales_of(tasks))
        found = decide(Contender(comparison, 1.0, TOGETHER, "the model"))
        decisions.append(found.decision)
    assert decisions.count("share") > 80


def verdict_on(tasks, rows, models):
    """The verdict on models with these test scores, said to be single ones or ensembles."""
    found = contender(tasks, rows)
    comparison = replace(found.comparison, models=models)
    return decide(replace(found, comparison=comparison))


def test_the_sentence_names_the_models_that_were_compared(tasks):
    single = verdict_on(tasks, BETTER, "single")
    ensemble = verdict_on(tasks, BETTER, "ensemble")
    assert (single.models, ensemble.models) == ("single", "ensemble")
    assert ", mean gain of single models over tuned single-task +" in single.sentence
    assert ", mean gain of ensembles of 4 seeds over tuned single-task +" in ensemble.sentence


def test_the_models_that_were_asked_for_decide_and_no_remark_is_made_of_agreement(tasks):
    single = verdict_on(tasks, BETTER, "single")
    ensemble = verdict_on(tasks, BETTER, "ensemble")
    assert verdict.settle("ensemble", single, ensemble) == ensemble
    assert verdict.settle("single", single, ensemble) == single
    assert ensemble.remark is None


def test_where_the_other_models_decide_otherwise_it_is_said_with_their_figures(tasks):
    single = verdict_on(tasks, BETTER, "single")
    ensemble = verdict_on(tasks, UNDECIDED, "ensemble")
    found = verdict.settle("ensemble", single, ensemble)
    assert (found.decision, found.recommended) == ("cannot tell", BASELINE_ARM)
    start = "From single models alone the answer would be another. Share: the model of ours"
    assert found.remark.startswith(start)
    found = verdict.settle("single", single, ensemble)
    assert (found.decision, found.recommended) == ("share", "ours")
    start = "From ensembles alone the answer would be another. Cannot tell whether"
    assert found.remark.startswith(start)


def test_where_ensembles_cannot_be_compared_single_models_are_and_it_is_said(tasks):
    single = verdict_on(tasks, BETTER, "single")
    missing = NoEnsemble("it takes two confirmed models")
    found = verdict.settle("ensemble", single, missing)
    assert (found.models, found.decision) == ("single", "share")
    assert "since ensembles cannot be: it takes two confirmed models." in found.remark
    assert verdict.settle("single", single, missing).remark is None


def test_what_is_shared_by_some_is_named(tasks):
    found = decide(contender(tasks, BETTER, groups=[["a", "c"], ["b"]]))
    assert (found.decision, found.recommended) == ("share some", "ours")
    assert found.sentence.startswith("Share some (a+c; alone: b): that beats separate models, mean")
    found = decide(contender(tasks, BETTER, groups=[["a", "c"], ["b", "d"]]))
    assert found.sentence.startswith("Share some (a+c; b+d): that beats")


def test_of_many_groups_and_tasks_the_first_are_named(tasks):
    large = [f"w{number}" for number in range(30)]
    pairs = [[f"p{number}", f"q{number}"] for number in range(20)]
    alone = [[f"x{number}"] for number in range(9)]
    sentence = decide(contender(tasks, BETTER, groups=[large, *pairs, *alone])).sentence
    assert "w0+w1+w2+w3+w4+w5+w6+w7+22 more; p0+q0; " in sentence
    assert "; p6+q6; 13 more; alone: x0, x1, x2, x3, x4, x5, x6, x7, 1 more)" in sentence


def test_an_undecided_verdict_says_what_it_would_take(tasks):
    rows = []
    for row, gain in zip(BASELINE, (0.02, -0.01, 0.02, -0.005), strict=True):
        rows.append({"a": row["a"] + gain, "b": row["b"]})
    found = decide(contender(tasks, rows))
    assert found.decision == "cannot tell"
    assert "seeds would tell" in found.sentence


def test_where_the_test_rows_are_too_few_more_of_them_would_tell(tasks):
    noise = np.random.default_rng(0).normal(0, 0.05, size=100)
    ours = scored(shifted(0.02, 0.0), [{"a": 0.82 + error, "b": 2.0} for error in noise])
    baseline = scored(BASELINE, [{"a": 0.8, "b": 2.0}] * 100)
    comparison = compare("ours", ours, baseline, scales_of(tasks))
    found = decide(Contender(comparison, 0.0, TOGETHER, "the model"))
    assert found.decision == "cannot tell"
    assert "times as many test rows would tell" in found.sentence
