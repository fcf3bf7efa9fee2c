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
SHARING_ARMS = ("searched", "random", "share_all")  # in order of preference, the arm that stands for sharing


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


def decide(comparisons: Mapping[str, Comparison], confirmed: Sequence[str]) -> Verdict | None:
    """The verdict on sharing: claimed only when the 95% interval of the mean gain leaves zero out.

    None when no arm that shares was confirmed beside single-task.
    """
    arm = next((name for name in SHARING_ARMS if name in comparisons), None)
    if arm is None or "single_task" not in confirmed:
        return None
    comparison = comparisons[arm]
    sign = comparison.gain.sign
    decision: Decision = {"above": "share", "below": "do not share", "spans": "cannot tell"}[sign]  # type: ignore[assignment]
    return Verdict(decision, _sentence(decision, comparison), arm, arm if decision == "share" else "single_task")


def _sentence(decision: Decision, comparison: Comparison) -> str:
    results = list(comparison.results.values())
    counts = f"{results.count('win')} better, {results.count('tie')} undecided, {results.count('lose')} worse"
    figures = f"mean gain over tuned single-task {_percent(comparison.gain)} (tasks: {counts})"
    best = "all on one trunk" if comparison.arm == "share_all" else "the best sharing structure found"
    return {
        "share": f"Share: {best} beats separate models, {figures}.",
        "do not share": f"Do not share: {best} is worse than separate models, {figures}.",
        "cannot tell": f"Cannot tell: {best} and separate models are not distinguishable, {figures}.",
    }[decision]


def _percent(gain: Interval) -> str:
    if gain.low is None:
        return f"{gain.mean:+.2f}%, no interval from one seed"
    return f"{gain.mean:+.2f}%, 95% interval {gain.low:+.2f}% to {gain.high:+.2f}%"
