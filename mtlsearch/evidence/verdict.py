"""From confirmed test scores to statements: paired differences, wins and losses, and the verdict. Nothing is trained here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mtlsearch.data import METRICS, Task
from mtlsearch.evidence.gain import mean_gain
from mtlsearch.evidence.interval import Interval, interval

Scores = Sequence[Mapping[str, float]]  # per seed: task name -> test score
Decision = Literal["share", "do not share", "cannot tell"]
RESULTS = {"above": "win", "below": "lose", "spans": "tie"}
SHARING_ARMS = ("searched", "random", "share_all")  # one of them stands for sharing; the first of equals


@dataclass(frozen=True)
class Comparison:
    """An arm against single-task over the same seeds. `differences` are oriented: positive is better."""

    arm: str
    differences: Mapping[str, Interval]
    gain: Interval

    @property
    def results(self) -> dict[str, str]:
        """win, tie or lose per task: tie whenever the interval spans zero."""
        return {task: RESULTS[each.sign] for task, each in self.differences.items()}


@dataclass(frozen=True)
class Verdict:
    """The answer and the sentence that carries its figures. `arm` stood for sharing; `recommended` is the model to use."""

    decision: Decision
    sentence: str
    arm: str | None
    recommended: str


def compare(arm: str, scores: Scores, baseline: Scores, tasks: Sequence[Task]) -> Comparison:
    """Pair the seeds of an arm with those of the baseline; intervals are over seeds. Both must have the same length."""
    pairs = list(zip(scores, baseline, strict=True))
    signs = {task.name: 1.0 if METRICS[task.metric].higher_is_better else -1.0 for task in tasks}
    differences = {name: interval([sign * (ours[name] - theirs[name]) for ours, theirs in pairs]) for name, sign in signs.items()}
    reference = {task.name: sum(each[task.name] for each in baseline) / len(baseline) for task in tasks}
    paired = [mean_gain(tasks, ours, reference) - mean_gain(tasks, theirs, reference) for ours, theirs in pairs]
    return Comparison(arm, differences, interval(paired))


def decide(comparisons: Mapping[str, Comparison], validation_gains: Mapping[str, float]) -> Verdict | None:
    """The verdict on sharing: claimed only when the 95% interval of the mean gain leaves zero out.

    The sharing arm with the best validation gain stands for sharing. That it hurts is claimed only when no other
    sharing arm is undecided or better: a poor search is no evidence against sharing. None when no arm that shares was
    confirmed beside single-task.
    """
    arms = [arm for arm in SHARING_ARMS if arm in comparisons]
    if not arms:
        return None
    arm = max(arms, key=lambda name: validation_gains[name])
    sign = comparisons[arm].gain.sign
    decision: Decision = "share" if sign == "above" else "cannot tell"
    if all(comparisons[each].gain.sign == "below" for each in arms):
        decision = "do not share"
    return Verdict(decision, _sentence(decision, comparisons[arm]), arm, arm if decision == "share" else "single_task")


def _sentence(decision: Decision, comparison: Comparison) -> str:
    results = list(comparison.results.values())
    counts = f"{results.count('win')} better, {results.count('tie')} undecided, {results.count('lose')} worse"
    figures = f"mean gain over tuned single-task {_percent(comparison.gain)} (tasks: {counts})"
    best = "all on one trunk" if comparison.arm == "share_all" else "the best sharing structure found"
    return {
        "share": f"Share: {best} beats separate models, {figures}.",
        "do not share": f"Do not share: {best} is worse than separate models, {figures}.",
        "cannot tell": f"Cannot tell whether sharing pays: {best} against separate models, {figures}.",
    }[decision]


def _percent(gain: Interval) -> str:
    if gain.low is None:
        return f"{gain.mean:+.2f}%, no interval from one seed"
    return f"{gain.mean:+.2f}%, 95% interval {gain.low:+.2f}% to {gain.high:+.2f}%"
