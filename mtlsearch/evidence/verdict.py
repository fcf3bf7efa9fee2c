"""From confirmed test scores to statements: paired differences, wins and losses, and the verdict. Nothing is trained here."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mtlsearch.evidence.gain import mean_gain
from mtlsearch.evidence.interval import MOST, Interval, holm, interval
from mtlsearch.records import TrainingResult
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task

Scores = Mapping[str, float]  # task name -> score
Groups = Sequence[Sequence[str]]  # the names of the tasks of each component
Decision = Literal["share", "share some", "do not share", "cannot tell"]
RESULTS = {"above": "win", "below": "lose", "spans": "tie"}
NAMED = 8  # groups, tasks of a group, and tasks alone that the sentence names
STRUCTURES = {
    **dict.fromkeys(("searched", "random"), "the best sharing structure found"),
    **dict.fromkeys(("share_all", "static_weights"), "all on one trunk"),
}  # what stood for sharing, in words
LEARNED_START = " Its weights began pretrained, which may be a part of this gain: the arm pretrain_finetune tells what that does alone."


@dataclass(frozen=True)
class Comparison:
    """An arm against single-task over the same seeds and test rows. `differences` are oriented: positive is better.

    `seeds` is the number of pairs.
    """

    arm: str
    differences: Mapping[str, Interval]
    gain: Interval
    seeds: int

    @property
    def results(self) -> dict[str, str]:
        """win, tie or lose per task, corrected for their number (Holm 1979)."""
        return {task: RESULTS[sign] for task, sign in holm(self.differences).items()}


@dataclass(frozen=True)
class Verdict:
    """The answer and the sentence that carries its figures. `arm` stood for sharing; `recommended` is the model to use."""

    decision: Decision
    sentence: str
    arm: str | None
    recommended: str


def compare(
    arm: str,
    outcomes: Sequence[TrainingResult],
    baseline: Sequence[TrainingResult],
    tasks: Sequence[Task],
) -> Comparison:
    """Pair the seeds of an arm with those of the baseline; both must have the same length.

    The intervals are over seeds and, where the outcomes hold scores on resampled test rows, over test rows.
    """
    pairs = [
        (ours.test_scores, theirs.test_scores)
        for ours, theirs in zip(outcomes, baseline, strict=True)
    ]
    again = [_resampled(ours, theirs) for ours, theirs in zip(outcomes, baseline, strict=True)]
    reference = {
        task.name: sum(theirs[task.name] for _, theirs in pairs) / len(pairs) for task in tasks
    }

    def over(difference: Callable[[Scores, Scores], float]) -> Interval:
        means = [
            sum(difference(*pair) for pair in sample) / len(sample)
            for sample in zip(*again, strict=True)
        ]
        return interval([difference(*pair) for pair in pairs], means)

    differences = {task.name: over(_improvement(task)) for task in tasks}
    gain = over(
        lambda ours, theirs: mean_gain(tasks, ours, reference) - mean_gain(tasks, theirs, reference)
    )
    return Comparison(arm, differences, gain, len(pairs))


def _improvement(task: Task) -> Callable[[Scores, Scores], float]:
    sign = METRICS[task.metric].sign
    return lambda ours, theirs: sign * (ours[task.name] - theirs[task.name])


def _resampled(ours: TrainingResult, theirs: TrainingResult) -> list[tuple[Scores, Scores]]:
    """Both outcomes' scores on each sample of the test rows."""
    sides = [[dict(zip(each, row, strict=True)) for row in zip(*each.values(), strict=True)]
             for each in (ours.test_resamples, theirs.test_resamples)]  # fmt: skip
    return list(zip(*sides, strict=True))


def decide(
    comparisons: Mapping[str, Comparison],
    validation_gains: Mapping[str, float],
    groups: Mapping[str, Groups],
    started: Collection[str] = (),
) -> Verdict | None:
    """The verdict on sharing: claimed only when the 95% interval of the mean gain leaves zero out.

    Of the arms that share, whose `comparisons` these are, the one with the best validation gain, the first of equals, stands
    for sharing; `groups` are the components of each arm's model. That it hurts is claimed only when no other is undecided or
    better: a poor search is no evidence against sharing. None when no arm that shares was confirmed beside single-task.

    The models of arms in `started` begin with weights that were learned from other tasks, as separate models do not: that
    their gain may be due to this is said.
    """
    if not comparisons:
        return None
    arm = max(comparisons, key=lambda name: validation_gains[name])
    sign, own = comparisons[arm].gain.sign, groups.get(arm, ())
    decision: Decision = "cannot tell"
    if sign == "above":
        decision = "share some" if len(own) > 1 else "share"
    if all(each.gain.sign == "below" for each in comparisons.values()):
        decision = "do not share"
    recommended = arm if decision in ("share", "share some") else "single_task"
    sentence = _sentence(decision, comparisons[arm], own) + (
        LEARNED_START if arm == recommended and arm in started else ""
    )
    return Verdict(decision, sentence, arm, recommended)


def _sentence(decision: Decision, comparison: Comparison, groups: Groups) -> str:
    results = list(comparison.results.values())
    counts = f"{results.count('win')} better, {results.count('tie')} undecided, {results.count('lose')} worse"
    figures = f"mean gain over tuned single-task {_percent(comparison.gain)} (tasks: {counts})"
    best = STRUCTURES.get(comparison.arm, f"the best {comparison.arm} model")
    together = _some("; ", [_some("+", group) for group in groups if len(group) > 1])
    alone = _some(", ", [group[0] for group in groups if len(group) == 1])
    return {
        "share": f"Share: {best} beats separate models, {figures}.",
        "share some": f"Share some ({together}{f'; alone: {alone}' if alone else ''}): that beats separate models, {figures}.",
        "do not share": f"Do not share: {best} is worse than separate models, {figures}.",
        "cannot tell": f"Cannot tell whether sharing pays: {best} against separate models, {figures}.{_advice(comparison)}",
    }[decision]


def _some(between: str, names: Sequence[str]) -> str:
    """The names, or the first of many."""
    more = len(names) - NAMED
    return between.join([*names[:NAMED], *([f"{more} more"] if more > 0 else [])])


def _advice(comparison: Comparison) -> str:
    """What it would take to tell, if the mean stayed as it is."""
    gain = comparison.gain
    if gain.low is None or gain.mean == 0.0:
        return ""
    if (seeds := gain.needed(comparison.seeds)) is not None:
        return f" If it stayed so, about {seeds} seeds would tell."
    times = math.ceil(
        8 * gain.rows / gain.mean**2
    )  # with half of the allowed variance left for the seeds
    return (
        f" If it stayed so, about {times} times as many test rows would tell."
        if times <= MOST
        else ""
    )


def _percent(gain: Interval) -> str:
    if gain.low is None:
        return f"{gain.mean:+.2f}%, no interval from one seed"
    return f"{gain.mean:+.2f}%, 95% interval {gain.low:+.2f}% to {gain.high:+.2f}%"
