"""The words of a verdict, made of the very conditions that it was decided by."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.evidence.comparison import ENSEMBLE, MODEL_NAMES, Comparison
from mtlsearch.evidence.contenders import Contender, Contest, Groups
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.spelling import SCALE, points, spell_interval
from mtlsearch.wording import first_of_many

SURE = "with 95% confidence"


@dataclass(frozen=True)
class Reason:
    """Why nothing can be claimed.

    Attributes:
        sentence: The condition that is not met, in whole sentences.
        arms: The arms that do not meet it.
    """

    sentence: str
    arms: tuple[str, ...]


def sentence_of(decision: str, contest: Contest) -> str:
    """Return the answer in plain words: what to do, and how sure it is."""
    standing = contest.standing
    if decision == "share":
        return f"Share: {standing.name} is better than separate models, {SURE}."
    if decision == "share some":
        structure = _structure(standing.groups)
        return f"Share some ({structure}): {standing.name} is better than separate models, {SURE}."
    if decision == "equal":
        return (
            f"Equal: {standing.name} and separate models differ by no more than "
            f"{points(contest.margin)} {SCALE}, {SURE}."
        )
    if decision == "do not share":
        return f"Do not share: {_harm(contest.contenders)}, {SURE}."
    return "Cannot tell whether sharing pays."


def _harm(contenders: Sequence[Contender]) -> str:
    """What sharing costs, of all contenders together."""
    faults = []
    if any(contender.loses for contender in contenders):
        faults.append("is worse than separate models")
    if not all(contender.loses for contender in contenders):
        faults.append("costs a task more than it may")
    fault = " or ".join(faults)
    if len(contenders) == 1:
        return f"{contenders[0].name} {fault}"
    arms = first_of_many([contender.arm for contender in contenders])
    return f"every model that shares ({arms}) {fault}"


def reason_of(contest: Contest) -> Reason:
    """Return the condition that keeps the answer open, with the arms that do not meet it."""
    standing = contest.standing
    gain = standing.comparison.gain
    alone = (standing.arm,)
    if standing.hurts:
        return _not_all_hurt(contest)
    if gain.low is None:
        missing = _missing(standing.comparison)
        sentence = f"How sure the gain of {standing.name} is cannot be known from {missing}."
        return Reason(sentence, alone)
    limits = first_of_many([limit.task for limit in standing.unsure])
    fear = f"but {limits} may be worse than allowed" if limits else ""
    if standing.gains:
        return Reason(f"{_start(standing)} is better than separate models, {fear}.", alone)
    if not gain.within(contest.margin):
        unsure = f", {fear}" if fear else ""
        sentence = f"{_start(standing)} {_doubt(gain, contest.margin)}{unsure}."
        return Reason(sentence, alone)
    within = f"{_start(standing)} and separate models are equal within {points(contest.margin)}"
    if fear:
        return Reason(f"{within}, {fear}.", alone)
    hopes = contest.hopes
    names = first_of_many([contender.name for contender in hopes])
    sentence = f"{within}, but {names} may be better than that."
    return Reason(sentence, tuple(contender.arm for contender in hopes))


def _doubt(gain: Interval, margin: float) -> str:
    """What an interval that spans zero and leaves the margin leaves open."""
    reach = f"by more than {points(margin)}"
    if gain.high is not None and gain.high <= margin:
        return f"is not better than separate models {reach}, but may be worse by more than that"
    if gain.low is not None and gain.low >= -margin:
        return f"is not worse than separate models {reach}, but may be better by more than that"
    return f"may be better or worse than separate models {reach}"


def _not_all_hurt(contest: Contest) -> Reason:
    """Why nothing is said against sharing though the model that stands for it hurts."""
    standing = contest.standing
    fault = "is worse than separate models"
    if not standing.loses:
        fault = "costs a task more than it may"
    spared = contest.spared
    others = first_of_many([contender.name for contender in spared])
    sentence = (
        f"{_start(standing)} {fault}, but that speaks against sharing only where it is so of every "
        f"model that shares, and of {others} it is not sure."
    )
    return Reason(sentence, tuple(contender.arm for contender in spared))


def _start(contender: Contender) -> str:
    """The name of a contender at the start of a sentence."""
    name = contender.name
    return name[0].upper() + name[1:]


def figures_of(contest: Contest, undecided: Sequence[str], is_tuned: bool) -> str:
    """Return the figures that a verdict rests on, as a sentence.

    They are the mean gain of the model that stands for sharing with its interval, of what, how many
    tasks win and lose, the gains of tasks that may be only so much worse, and the gains of the
    other arms that leave the answer open. The baseline is called tuned where nothing speaks against
    that.
    """
    standing = contest.standing
    comparison = standing.comparison
    models = MODEL_NAMES[comparison.models]
    if comparison.models == ENSEMBLE:
        models += f" of {comparison.seeds} seeds"
    if comparison.outer_folds > 1:
        models += f" in {comparison.outer_folds} outer folds"
    gain = _spell(comparison, contest.margin)
    baseline = "tuned single-task" if is_tuned else "single-task"
    text = f"Mean gain of {models} of {standing.arm} over {baseline} {gain}"
    text += f" ({_counts(comparison)}){_limits(comparison)}"
    for contender in contest.contenders:
        if contender.arm in undecided and contender is not standing:
            text += f"; of {contender.arm} {_spell(contender.comparison, contest.margin)}"
            text += _limits(contender.comparison)
    return f"{text}."


def _counts(comparison: Comparison) -> str:
    """How many tasks win and lose."""
    results = list(comparison.results.values())
    wins = results.count("win")
    ties = results.count("tie")
    losses = results.count("lose")
    return f"tasks: {wins} better, {ties} undecided, {losses} worse"


def _spell(comparison: Comparison, margin: float) -> str:
    """The mean gain with its interval, in points of mean skill."""
    landmarks = (0.0, margin, -margin)
    return spell_interval(comparison.gain, landmarks, " points", _missing(comparison))


def _missing(comparison: Comparison) -> str:
    """What there is only one of, where there is no interval."""
    return "one seed" if comparison.seeds < 2 else "one test row of a class"


def _limits(comparison: Comparison) -> str:
    """The tasks that may be only so much worse, each with what it gains."""
    text = ""
    for limit in comparison.limits:
        state = "not sure to be kept"
        if limit.is_kept:
            state = "kept"
        elif limit.is_broken:
            state = "broken"
        worse = limit.at_most_worse
        gain = spell_interval(limit.gain, (0.0, -worse), "%", _missing(comparison))
        text += f"; {limit.task} may be {worse:g}% worse, which is {state}: {gain}"
    return text


def _structure(groups: Groups) -> str:
    """The groups that share and the tasks that stay alone: `a+c; alone: b`."""
    sharing = [first_of_many(group, "+") for group in groups if len(group) > 1]
    alone = [group[0] for group in groups if len(group) == 1]
    text = first_of_many(sharing, "; ")
    if alone:
        text += f"; alone: {first_of_many(alone)}"
    return text
