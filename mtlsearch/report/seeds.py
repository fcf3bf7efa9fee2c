"""How many seeds the answer rests on, and what would make it surer, in the report."""

from mtlsearch.evidence.interval import CONFIDENCE
from mtlsearch.report.model import Report, ReportedAdvice, ReportedSeeds
from mtlsearch.search.advice import advise
from mtlsearch.search.analysis import Analysis


def report_seeds(analysis: Analysis) -> ReportedSeeds | None:
    """Report the seeds of the confirmation; None before it has begun."""
    if not analysis.confirmed:
        return None
    plan = analysis.study.seed_plan
    sentence = plan.describe(analysis.added_seconds)
    if analysis.confidence != CONFIDENCE:
        sentence += (
            f" Each interval against single-task has {100 * analysis.confidence:g}% by itself, so "
            f"that {100 * CONFIDENCE:g}% is left when the number of seeds depends on the answer."
        )
    return ReportedSeeds(
        looks=plan.looks,
        confidence=analysis.confidence,
        added_seconds=round(analysis.added_seconds, 1),
        sentence=sentence,
    )


def report_advice(analysis: Analysis) -> tuple[ReportedAdvice, ...]:
    """Report what would make the answer surer."""
    reported = []
    for advice in advise(analysis):
        reported.append(ReportedAdvice(advice.command, round(advice.minutes, 2), advice.why))
    return tuple(reported)


def advice_lines(report: Report) -> list[str]:
    """Spell each advice: the command, how long it would take, and what it would change."""
    lines = []
    for advice in report.advice:
        lines.append(f"Surer with: {advice.command} ({_minutes(advice)}): {advice.why}.")
    return lines


def _minutes(advice: ReportedAdvice) -> str:
    if advice.minutes < 1:
        return "under a minute"
    return f"about {advice.minutes:.0f} min"
