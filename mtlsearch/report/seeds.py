"""How many seeds the answer rests on, in the report."""

from mtlsearch.evidence.interval import CONFIDENCE
from mtlsearch.report.model import ReportedSeeds
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
