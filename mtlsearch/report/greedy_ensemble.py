"""The ensemble that was chosen among the confirmed models: as reported, and in a sentence."""

from collections.abc import Sequence

from mtlsearch.evidence.comparison import Comparison
from mtlsearch.evidence.ensemble import Ensemble
from mtlsearch.report.formatting import gain, score_interval
from mtlsearch.report.model import (
    GreedyMember,
    GreedyScore,
    ModelLeftOut,
    Report,
    ReportedGreedyEnsemble,
    ReportedInterval,
)
from mtlsearch.search.analysis import GreedyEnsemble
from mtlsearch.tasks import Task


def report_greedy_ensemble(
    greedy: GreedyEnsemble | None,
    tasks: Sequence[Task],
) -> ReportedGreedyEnsemble | None:
    """Report a greedy ensemble, where there is one."""
    if greedy is None:
        return None
    choice = greedy.choice
    members = []
    for arm, count in choice.counts.items():
        members.append(GreedyMember(arm, count, choice.weights[arm]))
    scores = {}
    test_gain = None
    reason = None
    if isinstance(greedy.ensemble, Ensemble):
        scores = {task.name: _score(greedy.ensemble, task) for task in tasks}
    else:
        reason = greedy.ensemble.reason
    if isinstance(greedy.comparison, Comparison):
        test_gain = ReportedInterval.of(greedy.comparison.gain)
    else:
        reason = greedy.comparison.reason
    return ReportedGreedyEnsemble(
        members=tuple(members),
        left_out=tuple(ModelLeftOut(arm, why) for arm, why in choice.left_out.items()),
        seeds=choice.seeds,
        networks=choice.networks,
        validation_gain=choice.validation_gain,
        reference=choice.reference,
        seconds=choice.seconds,
        tasks=scores,
        gain=test_gain,
        reason=reason,
    )


def _score(ensemble: Ensemble, task: Task) -> GreedyScore:
    """The score of a task; its interval ends at the best score there is."""
    score = ensemble.scores[task.name]
    possible = task.metric.possible
    return GreedyScore(
        score=score.mean,
        low=None if score.low is None else possible(score.low),
        high=None if score.high is None else possible(score.high),
    )


def greedy_score(entry: GreedyScore) -> str:
    """A test score with its interval, ready to print."""
    return score_interval(entry.score, entry.low, entry.high)


def greedy_sentence(report: Report) -> str:
    """What the greedy ensemble is made of and gains; empty where there is none."""
    greedy = report.greedy_ensemble
    if greedy is None:
        return ""
    parts = [f"{member.weight:.0%} {member.arm}" for member in greedy.members]
    claim = f"no gain is known, as {greedy.reason}"
    if greedy.gain is not None:
        claim = f"over the ensemble of single-task {gain(greedy.gain)} points of skill on test rows"
    return (
        f"Greedy ensemble, chosen on validation rows: {', '.join(parts)}; "
        f"{greedy.networks} models to deploy; {claim}."
    )
