"""The candidates of the search: scores, gains, which are on the front, and which tie there."""

from collections.abc import Mapping, Sequence

from mtlsearch.evidence.candidate_summary import CandidateSummary
from mtlsearch.evidence.front import front
from mtlsearch.evidence.interval import Interval, normal
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.report.components import report_composition
from mtlsearch.report.model import ReportedCandidate, ReportedInterval, ReportedScore


def report_candidates(
    summaries: Sequence[CandidateSummary],
    scales: SkillScales,
    reference: Mapping[str, float],
    cost: str,
) -> tuple[ReportedCandidate, ...]:
    """Report the candidates of all arms together, in their order.

    Gains are in points of skill over `reference`, a score per task. `cost` names what counts on the
    front besides the scores.
    """
    tasks = scales.tasks
    best = front(summaries, tasks, cost)
    best_keys = {_key(summary) for summary in best}
    best_gains = [_gain(summary, scales, reference) for summary in best]
    tie_threshold = _tie_threshold(best_gains)

    names = [task.name for task in tasks]
    candidates = []
    for summary in summaries:
        gain = _gain(summary, scales, reference)
        on_front = _key(summary) in best_keys
        tie = on_front and _upper_end(gain) >= tie_threshold
        candidate = _report_candidate(summary, names, gain, on_front, tie)
        candidates.append(candidate)
    return tuple(candidates)


def _key(summary: CandidateSummary) -> tuple[str, int]:
    """What tells candidates apart: the arm, and the number within it."""
    return summary.arm, summary.number


def _report_candidate(
    summary: CandidateSummary,
    names: Sequence[str],
    gain: Interval,
    on_front: bool,
    tie: bool,
) -> ReportedCandidate:
    return ReportedCandidate(
        arm=summary.arm,
        candidate=summary.number,
        scores={name: _score(summary, name) for name in names},
        replicates=summary.replicates,
        parameters=summary.parameters,
        macs_per_example=summary.macs_per_example,
        gain=ReportedInterval.of(gain),
        shares=summary.shares,
        on_front=on_front,
        tie=tie,
        tree=summary.composition.spell(names),
        composition=report_composition(summary.composition, names),
    )


def _score(summary: CandidateSummary, task: str) -> ReportedScore:
    return ReportedScore(
        mean=summary.scores[task],
        standard_error=summary.standard_errors[task],
        estimate=summary.estimates[task],
    )


def _gain(
    summary: CandidateSummary, scales: SkillScales, reference: Mapping[str, float]
) -> Interval:
    """The mean gain by the estimates; without ends where their deviations are not known."""
    gain = scales.gain(summary.estimates, reference)
    deviation = None
    if summary.deviations:
        deviation = scales.deviation(summary.deviations)
    return normal(gain, deviation)


def _tie_threshold(gains: Sequence[Interval]) -> float:
    """The lower end of the largest gain: those whose intervals reach it tie with it."""
    if not gains:
        return 0.0
    largest = max(gains, key=lambda gain: gain.mean)
    if largest.low is None:
        return largest.mean
    return largest.low


def _upper_end(gain: Interval) -> float:
    if gain.high is None:
        return gain.mean
    return gain.high
