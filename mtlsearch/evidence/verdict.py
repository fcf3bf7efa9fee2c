"""The verdict: whether sharing pays, in a sentence with its figures, from confirmed test scores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mtlsearch.data import ScarceClass
from mtlsearch.evidence.comparison import ENSEMBLE, MODEL_NAMES, SINGLE, Comparison, Models
from mtlsearch.evidence.ensemble import NoEnsemble
from mtlsearch.evidence.interval import LARGEST_COUNT, Interval
from mtlsearch.wording import first_of_many

Groups = Sequence[Sequence[str]]  # the names of the tasks of each component
Decision = Literal["share", "share some", "do not share", "cannot tell"]


@dataclass(frozen=True)
class Contender:
    """The confirmed model of an arm that may stand for sharing.

    Attributes:
        comparison: The model beside the baseline's, on test rows.
        validation_gain: Its estimated mean gain on validation rows, in percent.
        groups: The tasks of each of its components.
        phrase: What the sentence calls it, such as "all on one trunk".
        pretrained: True when some of its weights were first learned from other tasks.
        breach: By how many percent more than it may be a task is estimated to be worse, on
            validation rows.
    """

    comparison: Comparison
    validation_gain: float
    groups: Groups
    phrase: str
    pretrained: bool = False
    breach: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The answer.

    Attributes:
        decision: The answer in few words.
        sentence: The answer with the figures that it rests on.
        arm: The arm that stood for sharing.
        recommended: The arm whose model to use.
        models: Whether ensembles or single models were compared.
        remark: What the other kind of models would say where that is another decision, or why the
            kind that was asked for could not be compared; None where there is nothing to say.
    """

    decision: Decision
    sentence: str
    arm: str | None
    recommended: str
    models: Models = SINGLE
    remark: str | None = None


def decide(
    contenders: Sequence[Contender],
    baseline: str,
    pretraining_control: str,
    scarce: Sequence[ScarceClass] = (),
) -> Verdict | None:
    """Decide on sharing: claimed only when the 95% interval of the mean gain leaves zero out.

    The contender with the best validation gain, the first of equals, stands for sharing; those that
    keep all limits on validation rows come first. Where a task may be only so much worse, sharing
    is claimed only when the 95% interval of its gain is within that limit. That sharing hurts is
    claimed only when it hurts every contender: a poor search is no evidence against sharing.

    Args:
        contenders: The confirmed models that share: all single models, or all ensembles.
        baseline: The name of the arm they were compared with, recommended unless sharing pays.
        pretraining_control: The name of the arm that pretrains without sharing. The sentence points
            to it when the gain of a pretrained model may be due to that.
        scarce: The classes that have few test rows, on which the score of their task rests.

    Returns:
        The verdict; None without contenders.
    """
    if not contenders:
        return None
    best = max(contenders, key=_promise)
    arm = best.comparison.arm
    models = best.comparison.models
    decision = _decision(best, contenders)
    sentence = _sentence(decision, best, scarce)
    if decision not in ("share", "share some"):
        return Verdict(decision, sentence, arm, baseline, models)
    if best.pretrained:
        sentence += (
            " Its weights began pretrained, which may be a part of this gain: "
            f"the arm {pretraining_control} tells what that does alone."
        )
    return Verdict(decision, sentence, arm, arm, models)


def settle(
    asked: str,
    single: Verdict,
    ensemble: Verdict | NoEnsemble,
) -> Verdict:
    """Return the verdict that counts, which is that of the models asked for, with its remark.

    Args:
        asked: Which models are to be handed over, and so to be judged: ENSEMBLE or SINGLE.
        single: The verdict from single models.
        ensemble: The verdict from ensembles of the same seeds; why there is none.
    """
    if isinstance(ensemble, NoEnsemble):
        if asked == SINGLE:
            return single
        remark = f"Single models were compared, since ensembles cannot be: {ensemble.reason}."
        return replace(single, remark=remark)
    if asked == SINGLE:
        return replace(single, remark=_disagreement(single, ensemble, MODEL_NAMES[ENSEMBLE]))
    return replace(ensemble, remark=_disagreement(ensemble, single, MODEL_NAMES[SINGLE]))


def _disagreement(verdict: Verdict, other: Verdict, other_models: str) -> str | None:
    """What the other models say, where that is another decision."""
    if verdict.decision == other.decision:
        return None
    return f"From {other_models} alone the answer would be another. {other.sentence}"


def _promise(contender: Contender) -> tuple[bool, float]:
    """What contenders are ordered by."""
    return contender.breach == 0.0, contender.validation_gain


def _decision(best: Contender, contenders: Sequence[Contender]) -> Decision:
    if all(_hurts(contender.comparison) for contender in contenders):
        return "do not share"
    if best.comparison.gain.sign != "above":
        return "cannot tell"
    if not all(limit.is_kept for limit in best.comparison.limits):
        return "cannot tell"
    return "share some" if len(best.groups) > 1 else "share"


def _hurts(comparison: Comparison) -> bool:
    """Whether the mean gain is below zero, or a task is worse than it may be."""
    if comparison.gain.sign == "below":
        return True
    return any(limit.is_broken for limit in comparison.limits)


def _sentence(decision: Decision, best: Contender, scarce: Sequence[ScarceClass]) -> str:
    figures = _figures(best.comparison) + _limits(best.comparison)
    caution = _caution(scarce)
    if decision == "share":
        return f"Share: {best.phrase} beats separate models, {figures}.{caution}"
    if decision == "share some":
        structure = _structure(best.groups)
        return f"Share some ({structure}): that beats separate models, {figures}.{caution}"
    if decision == "do not share":
        fault = "is worse than separate models"
        if best.comparison.gain.sign != "below":
            fault = "costs a task more than it may"
        return f"Do not share: {best.phrase} {fault}, {figures}.{caution}"
    question = "Cannot tell whether sharing pays"
    advice = caution or _advice(best.comparison)
    return f"{question}: {best.phrase} against separate models, {figures}.{advice}"


def _figures(comparison: Comparison) -> str:
    """The mean gain with its interval, of what, and how many tasks win and lose."""
    results = list(comparison.results.values())
    counts = ", ".join(
        [
            f"{results.count('win')} better",
            f"{results.count('tie')} undecided",
            f"{results.count('lose')} worse",
        ]
    )
    gain = _percent(comparison.gain, comparison.seeds)
    models = MODEL_NAMES[comparison.models]
    if comparison.models == ENSEMBLE:
        models += f" of {comparison.seeds} seeds"
    if comparison.outer_folds > 1:
        models += f" in {comparison.outer_folds} outer folds"
    return f"mean gain of {models} over tuned single-task {gain} (tasks: {counts})"


def _limits(comparison: Comparison) -> str:
    """The tasks that may be only so much worse, each with what it gains."""
    text = ""
    for limit in comparison.limits:
        state = "not sure to be kept"
        if limit.is_kept:
            state = "kept"
        elif limit.is_broken:
            state = "broken"
        gain = _percent(limit.gain, comparison.seeds)
        text += f"; {limit.task} may be {limit.at_most_worse:g}% worse, which is {state}: {gain}"
    return text


def _structure(groups: Groups) -> str:
    """The groups that share and the tasks that stay alone: `a+c; alone: b`."""
    sharing = [first_of_many(group, "+") for group in groups if len(group) > 1]
    alone = [group[0] for group in groups if len(group) == 1]
    text = first_of_many(sharing, "; ")
    if alone:
        text += f"; alone: {first_of_many(alone)}"
    return text


def _caution(scarce: Sequence[ScarceClass]) -> str:
    """What it rests on where a class has few test rows: then more seeds would not help."""
    if not scarce:
        return ""
    counts = first_of_many([str(entry) for entry in scarce], "; ")
    return (
        f" This rests on few rows ({counts}): "
        "more labelled rows of that class would tell, more seeds would not."
    )


def _advice(comparison: Comparison) -> str:
    """What it would take to tell, if mean and variances stayed as they are."""
    gain = comparison.gain
    if gain.low is None or gain.mean == 0.0 or gain.sign == "above":
        return ""  # or a limit is in doubt, of which the mean gain tells nothing
    seeds = gain.needed(comparison.seeds)
    if seeds is not None:
        return f" If it stayed so, about {seeds} seeds would tell."
    # The interval leaves zero out when it reaches about two standard deviations at most, that is
    # when the variance is a quarter of the squared mean. Half of that is left for the seeds.
    times = math.ceil(8 * gain.row_variance / gain.mean**2)
    if times > LARGEST_COUNT:
        return ""
    return f" If it stayed so, about {times} times as many test rows would tell."


def _percent(gain: Interval, seeds: int) -> str:
    if gain.low is None:
        missing = "one seed" if seeds < 2 else "one test row of a class"
        return f"{gain.mean:+.2f}%, no interval from {missing}"
    return f"{gain.mean:+.2f}%, 95% interval {gain.low:+.2f}% to {gain.high:+.2f}%"
