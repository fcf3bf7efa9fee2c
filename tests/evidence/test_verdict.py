"""The verdict: right where there is a difference, silent where there is none."""

import numpy as np
import pytest

from mtlsearch.evidence import verdict
from mtlsearch.evidence.caveats import Caveat
from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.contenders import Contender
from mtlsearch.evidence.ensemble import NoEnsemble
from mtlsearch.evidence.interval import interval
from tests.support.contests import ALONE, CONTROL, TOGETHER, UNKNOWN, contender, limit, question

BETTER = (1.5, 4.0)
WORSE = (-4.0, -1.5)
UNSURE = (-2.0, 3.0)
NEGLIGIBLE = (-0.6, 0.8)


def decide(*contenders, **parts):
    return verdict.decide(contenders, question(contenders, **parts))


def test_share_when_the_interval_is_above_zero():
    found = decide(contender(BETTER))
    assert (found.decision, found.arm, found.recommended) == ("share", "ours", "ours")
    assert found.sentence == (
        "Share: the model of ours (ours) is better than separate models, with 95% confidence."
    )
    assert found.figures == (
        "Mean gain of ensembles of 5 seeds of ours over tuned single-task +2.75 points, 95% "
        "interval +1.50 to +4.00 (tasks: 0 better, 2 undecided, 0 worse)."
    )


def test_do_not_share_when_every_interval_is_below_zero():
    found = decide(contender(WORSE))
    assert (found.decision, found.recommended) == ("do not share", ALONE)
    assert found.sentence == (
        "Do not share: the model of ours (ours) is worse than separate models, with 95% confidence."
    )
    found = decide(contender(WORSE, "first"), contender(WORSE, "second"))
    assert "every model that shares (first, second) is worse" in found.sentence


def test_harm_is_not_claimed_while_another_sharing_arm_is_undecided():
    found = decide(contender(WORSE, "first", gain=2.0), contender(UNSURE, "second"))
    assert (found.decision, found.undecided) == ("cannot tell", ("second",))
    assert found.sentence == (
        "Cannot tell whether sharing pays. The model of first (first) is worse than separate "
        "models, but that speaks against sharing only where it is so of every model that shares, "
        "and of the model of second (second) it is not sure."
    )
    assert "; of second +0.50 points, 95% interval -2.00 to +3.00" in found.figures


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        (UNSURE, "may be better or worse than separate models by more than 1 point."),
        (
            (-0.5, 3.0),
            "is not worse than separate models by more than 1 point, but may be better by more "
            "than that.",
        ),
        (
            (-3.0, 0.5),
            "is not better than separate models by more than 1 point, but may be worse by more "
            "than that.",
        ),
    ],
)
def test_cannot_tell_when_it_spans_zero_and_leaves_the_margin(ends, said):
    found = decide(contender(ends))
    assert (found.decision, found.undecided) == ("cannot tell", ("ours",))
    assert found.sentence.endswith(f"The model of ours (ours) {said}")


def test_one_seed_never_claims():
    found = decide(contender(UNKNOWN))
    assert found.decision == "cannot tell"
    assert "cannot be known from one seed" in found.sentence
    assert "+1.00 points, no interval from one seed" in found.figures


@pytest.mark.parametrize("ends", [NEGLIGIBLE, (0.2, 0.8), (-0.8, -0.2), (-1.0, 1.0)])
def test_equal_when_the_interval_lies_within_the_margin(ends):
    found = decide(contender(ends))
    assert found.decision == "equal"
    assert found.sentence == (
        "Equal: the model of ours (ours) and separate models differ by no more than 1 point of "
        "mean skill, with 95% confidence."
    )
    assert decide(contender(ends), margin=0.1).decision != "equal"


def test_of_what_is_equal_the_cheaper_is_recommended_and_its_cost_said():
    found = decide(contender(NEGLIGIBLE), macs=50)
    assert found.recommended == "ours"
    assert found.why == (
        "Equal within 1 point, and cheaper: ours needs half of the multiply-accumulates and has "
        "a quarter of the parameters of alone."
    )
    found = decide(contender(NEGLIGIBLE), macs=300)
    assert found.recommended == ALONE
    assert "alone needs a third of the multiply-accumulates and has 67% of" in found.why


def test_equal_is_not_said_while_another_sharing_arm_may_gain_more():
    first = contender(NEGLIGIBLE, "first", gain=2.0)
    found = decide(first, contender(UNSURE, "second"))
    assert (found.decision, found.undecided) == ("cannot tell", ("second",))
    assert found.sentence.endswith(
        "The model of first (first) and separate models are equal within 1 point, but the model of "
        "second (second) may be better than that."
    )
    assert decide(first, contender(WORSE, "second")).decision == "equal"


def test_the_arm_with_the_best_validation_gain_stands_for_sharing():
    second = contender(BETTER, "second", gain=1.0)
    assert decide(contender(UNSURE, "first", gain=2.0), second).decision == "cannot tell"
    found = decide(contender(UNSURE, "first", gain=0.5), second)
    assert (found.decision, found.arm) == ("share", "second")


def test_of_equal_validation_gains_the_first_stands_for_sharing():
    found = decide(contender(BETTER, "first"), contender(UNSURE, "second"))
    assert (found.decision, found.arm) == ("share", "first")


@pytest.mark.parametrize(
    ("at_most_worse", "ends", "decision", "said"),
    [
        (3, BETTER, "share", "b may be 3% worse, which is kept: -1.50%"),
        (1, BETTER, "cannot tell", "b may be 1% worse, which is not sure to be kept: -1.50%"),
        (0.5, BETTER, "do not share", "b may be 0.5% worse, which is broken: -1.50%"),
        (1, NEGLIGIBLE, "cannot tell", "b may be 1% worse, which is not sure"),
        (0.5, NEGLIGIBLE, "do not share", "b may be 0.5% worse, which is broken"),
    ],
)
def test_limits_of_tasks_come_before_mean_gains(at_most_worse, ends, decision, said):
    bounded = contender(ends, limits=[limit(at_most_worse, (-2.2, -0.8))])
    found = decide(bounded)
    assert found.decision == decision
    assert said in found.figures
    if decision == "cannot tell":
        assert "but b may be worse than allowed" in found.sentence
        assert found.recommended == ALONE


@pytest.mark.parametrize("ends", [BETTER, WORSE, NEGLIGIBLE])
def test_a_caveat_that_lowers_forbids_every_claim(ends):
    warning = Caveat("There are few rows.", lowers=False)
    fault = Caveat("The baseline was still improving.", lowers=True)
    claimed = decide(contender(ends), caveats=[warning])
    assert claimed.decision != "cannot tell"
    assert claimed.caveats == (warning.sentence,)
    found = decide(contender(ends), caveats=[warning, fault])
    assert found.decision == "cannot tell"
    assert found.caveats == (fault.sentence, warning.sentence)
    assert found.sentence == (
        "Cannot tell whether sharing pays. The baseline was still improving. "
        f"The figures alone would say: {claimed.decision}."
    )


def test_where_the_figures_are_open_a_caveat_is_not_the_reason():
    found = decide(contender(UNSURE), caveats=[Caveat("There is a fault.", lowers=True)])
    assert "There is a fault." not in found.sentence
    assert found.caveats == ("There is a fault.",)


@pytest.mark.parametrize("pretrained", [True, False])
@pytest.mark.parametrize("ends", [BETTER, UNSURE])
def test_a_gain_that_may_be_due_to_pretraining_says_so(ends, pretrained):
    found = decide(contender(ends, pretrained=pretrained))
    said = " ".join(found.caveats)
    assert ("began pretrained" in said) == (pretrained and ends == BETTER)
    assert (f"the arm {CONTROL} tells" in said) == (pretrained and ends == BETTER)


def test_without_a_sharing_arm_there_is_no_verdict():
    assert decide() is None


def drawn(draw, mean):
    """The decision on a gain of which five seeds are drawn around the mean."""
    gain = interval(draw.normal(mean, 1.0, size=5).tolist())
    comparison = Comparison("ours", {}, {}, gain, relative=gain, seeds=5)
    return decide(Contender(comparison, 1.0, TOGETHER, "it")).decision


def test_false_claims_of_every_kind_are_rare():
    draw = np.random.default_rng(0)
    none = [drawn(draw, 0.0) for _ in range(400)]
    assert none.count("share") / 400 < 0.05
    assert none.count("do not share") / 400 < 0.05
    assert none.count("cannot tell") < 400
    beyond = [drawn(draw, 1.05) for _ in range(400)]
    assert beyond.count("equal") / 400 < 0.05


def test_a_true_difference_is_mostly_found():
    draw = np.random.default_rng(1)
    assert [drawn(draw, 3.0) for _ in range(100)].count("share") > 80


def test_the_models_that_were_asked_for_decide_and_no_remark_is_made_of_agreement():
    found = decide(contender(BETTER))
    assert verdict.settle("ensemble", found, found) == found
    assert verdict.settle("single", found, found).remark is None


def test_where_the_other_models_decide_otherwise_it_is_said_with_their_figures():
    single = decide(contender(BETTER))
    ensemble = decide(contender(UNSURE))
    found = verdict.settle("ensemble", single, ensemble)
    assert found.decision == "cannot tell"
    start = "From single models alone the answer would be another. Share: the model of ours"
    assert found.remark.startswith(start)
    assert found.remark.endswith(single.figures)
    found = verdict.settle("single", single, ensemble)
    assert (found.decision, found.recommended) == ("share", "ours")
    start = "From ensembles alone the answer would be another. Cannot tell whether"
    assert found.remark.startswith(start)


def test_where_ensembles_cannot_be_compared_single_models_are_and_it_is_said():
    single = decide(contender(BETTER))
    missing = NoEnsemble("it takes two confirmed models")
    found = verdict.settle("ensemble", single, missing)
    assert found.decision == "share"
    assert "since ensembles cannot be: it takes two confirmed models." in found.remark
    assert verdict.settle("single", single, missing).remark is None


def test_what_is_shared_by_some_is_named():
    found = decide(contender(BETTER, groups=[["a", "c"], ["b"]]))
    assert (found.decision, found.recommended) == ("share some", "ours")
    assert found.sentence.startswith("Share some (a+c; alone: b): the model of ours (ours) is")
    found = decide(contender(BETTER, groups=[["a", "c"], ["b", "d"]]))
    assert found.sentence.startswith("Share some (a+c; b+d): ")


def test_of_many_groups_and_tasks_the_first_are_named():
    large = [f"w{number}" for number in range(30)]
    pairs = [[f"p{number}", f"q{number}"] for number in range(20)]
    alone = [[f"x{number}"] for number in range(9)]
    sentence = decide(contender(BETTER, groups=[large, *pairs, *alone])).sentence
    assert "w0+w1+w2+w3+w4+w5+w6+w7+22 more; p0+q0; " in sentence
    assert "; p6+q6; 13 more; alone: x0, x1, x2, x3, x4, x5, x6, x7, 1 more)" in sentence
