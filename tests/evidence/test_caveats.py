"""Doubts about an answer: when there is one, what it says, and whether it lowers the answer."""

from dataclasses import replace

import pytest

from mtlsearch.evidence import verdict
from mtlsearch.evidence.caveats import (
    BaselineCaveat,
    Caveat,
    Rival,
    Trained,
    cut_off,
    few_candidates,
    few_seeds,
    is_tuned,
    late_improvement,
    marked_space,
    reached_by,
    still_improving,
)
from mtlsearch.evidence.interval import Interval
from mtlsearch.records import TrainingResult
from tests.support.contests import contender, question
from tests.support.skill import scales_of

SHARING = Interval(2.0, 1.0, 3.0)
SURE = Interval(1.7, 0.4, 3.0)
UNSURE = Interval(1.7, -0.4, 3.8)
WARNING = Caveat("Only 2 seeds were compared.", lowers=False)
DOUBT = BaselineCaveat("With linear models the gain is as large.", lowers=True)
OTHER_DOUBT = Caveat("Most trainings ended early.", lowers=True)


def rival(over_baseline: Interval, over_sharing: Interval) -> Rival:
    return Rival("linear models", over_baseline, over_sharing, "the networks may be under-trained")


@pytest.mark.parametrize(
    ("over_baseline", "over_sharing", "reaches"),
    [
        (SURE, Interval(-0.3, -1.0, 0.4), True),  # surely gains, and is not surely behind
        (SURE, Interval(-0.3, -0.5, -0.1), False),  # surely behind
        (UNSURE, Interval(-0.3, -1.0, 0.4), False),  # it may gain nothing
        (Interval(2.1, -0.4, 4.6), Interval(0.1, -1.0, 1.2), True),  # the larger gain
    ],
)
def test_a_rival_reaches_what_sharing_gains(over_baseline, over_sharing, reaches):
    caveats = reached_by([rival(over_baseline, over_sharing)], SHARING)
    assert bool(caveats) == reaches


def test_the_best_rival_is_named_with_both_gains():
    rivals = [
        rival(Interval(2.5, 1.0, 4.0), Interval(0.5, -1.0, 2.0)),
        replace(rival(Interval(3.5, 1.0, 6.0), Interval(1.5, 0.0, 3.0)), phrase="forests"),
    ]
    [caveat] = reached_by(rivals, SHARING)
    assert caveat.lowers
    assert caveat.sentence.startswith(
        "With forests the gain over the same single-task models is +3.5"
    )
    assert "as much as with sharing (+2.0" in caveat.sentence
    assert caveat.sentence.endswith("the networks may be under-trained.")


def test_where_sharing_gains_nothing_surely_there_is_nothing_to_reach():
    best = rival(Interval(9.0, 8.0, 10.0), Interval(8.0, 7.0, 9.0))
    assert not reached_by([best], Interval(1.0, -0.1, 2.1))


def result(epochs: list[int], number: int = 0) -> TrainingResult:
    history = [[1.0] * count for count in epochs]
    return TrainingResult(number, {"a": 1.0}, 1, 1, epochs, history, 0.1)


@pytest.mark.parametrize(
    ("side", "gain", "lowers"),
    [
        ("baseline", "above", True),
        ("baseline", "spans", True),
        ("baseline", "below", False),
        ("sharing", "above", False),
        ("sharing", "spans", True),
        ("sharing", "below", True),
    ],
)
def test_a_model_cut_off_lowers_all_claims_but_those_against_it(side, gain, lowers):
    trained = Trained("ours", side, [result([10, 10]), result([10, 4])])
    [caveat] = cut_off([trained], 10, gain)
    assert caveat.lowers == lowers
    assert isinstance(caveat, BaselineCaveat) == (side == "baseline")
    assert "(3 of 4) ended at the limit of 10 epochs" in caveat.sentence
    assert "--epochs 20" in caveat.sentence


def test_half_of_the_trainings_at_the_limit_are_not_most():
    assert not cut_off([Trained("ours", "baseline", [result([10, 4])])], 10, "above")


def test_the_last_third_of_the_candidates_is_told_from_the_others(tasks, evaluate):
    """The best of either task is looked for among all, as each takes its own."""
    early = [evaluate(number, a, b) for number, a, b in ((0, 0.5, 2.0), (1, 0.6, 3.0))]
    late = evaluate(2, 0.66, 1.5)
    assert late_improvement([late, *early], scales_of(tasks)) == pytest.approx((12 + 25) / 2)
    worse = evaluate(2, 0.4, 9.0)
    assert late_improvement([*early, worse], scales_of(tasks)) == 0.0
    assert (
        late_improvement([], scales_of(tasks))
        == late_improvement(early[:1], scales_of(tasks))
        == 0.0
    )


@pytest.mark.parametrize(("gain", "lowers"), [("above", True), ("spans", True), ("below", False)])
def test_a_baseline_that_still_improved_lowers_all_but_a_claim_against_sharing(gain, lowers):
    assert not still_improving("alone", 0.99, gain)
    [caveat] = still_improving("alone", 1.3, gain)
    assert caveat.lowers == lowers
    assert "by +1.3" in caveat.sentence and "--more-baseline" in caveat.sentence


def test_few_candidates_and_few_seeds_are_warnings(evaluate):
    candidates = [evaluate(number, 0.5, 2.0) for number in range(8)]
    assert not few_candidates("alone", candidates)
    [few] = few_candidates("alone", candidates[:7])
    assert "(7)" in few.sentence and not few.lowers
    assert not few_seeds(5)
    assert [caveat.lowers for caveat in few_seeds(4)] == [False]
    assert "Only one seed was" in few_seeds(1)[0].sentence


def test_a_marked_space_lowers():
    assert not marked_space("default", for_conclusions=True)
    [caveat] = marked_space("quick", for_conclusions=False)
    assert caveat.lowers and "The space quick" in caveat.sentence


def decide(ends, caveats):
    contenders = [contender(ends)]
    return verdict.decide(contenders, question(contenders, caveats=caveats))


@pytest.mark.parametrize("ends", [(2.0, 4.0), (-4.0, -2.0)])
def test_the_first_doubt_that_lowers_is_the_reason_and_all_are_kept(ends):
    lowered = decide(ends, [WARNING, DOUBT, OTHER_DOUBT])
    assert lowered.decision == "cannot tell"
    assert lowered.sentence.startswith(f"Cannot tell whether sharing pays. {DOUBT.sentence} ")
    doubts = (DOUBT, OTHER_DOUBT, WARNING)
    assert lowered.caveats == tuple(caveat.sentence for caveat in doubts)


def test_warnings_stand_beside_a_claim():
    claim = decide((2.0, 4.0), [WARNING])
    assert (claim.decision, claim.recommended) == ("share", "ours")
    assert claim.caveats == (WARNING.sentence,)


@pytest.mark.parametrize("caveat", [WARNING, replace(DOUBT, lowers=False)])
def test_the_baseline_is_called_tuned_where_no_doubt_is_about_it(caveat):
    claim = decide((2.0, 4.0), [caveat])
    assert ("over tuned single-task" in claim.figures) == is_tuned([caveat])
    assert is_tuned([caveat]) == (caveat is WARNING)
