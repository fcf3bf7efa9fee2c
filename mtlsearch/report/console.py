"""What `search` prints at its end: a table of the confirmed arms and the verdict."""

import math

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mtlsearch.evidence.comparison import ENSEMBLE, MODEL_NAMES, SINGLE, Models
from mtlsearch.report.ensembles import ensemble_sentence
from mtlsearch.report.formatting import gain, minutes
from mtlsearch.report.greedy_ensemble import greedy_sentence
from mtlsearch.report.model import (
    Report,
    ReportedComparison,
    ReportedInterval,
    ReportedModel,
    ReportedReference,
    ReportedReferences,
    ReportedVerdict,
)
from mtlsearch.wording import first_of_many

MOST_TASKS = 8  # columns of the table
DIGITS = 4  # of a score
MOST_DECIMALS = 8
NO_VERDICT = "No verdict: sharing and single-task were not both confirmed."


def summary(report: Report) -> RenderableType:
    """A table of the mean test scores and the gains of each confirmed arm and reference; below it
    on which tasks a reference is better, what the ensembles gain, and the verdict.
    """
    table = _empty_table(report)
    compared = _compared(report)
    for model in report.confirmed:
        scores = _scores(report, model)
        gains = [_gain(report.comparison_of(model.arm, models)) for models in compared]
        table.add_row(Text(model.arm), *scores, *gains)
    parts: list[RenderableType] = [table]
    if report.references is not None:
        for reference in report.references.models:
            name = f"{reference.name} ({reference.package})"
            gains = [_gain(report.comparison_of(reference.name, models)) for models in compared]
            table.add_row(name, *_scores(report, reference), *gains, style="dim")
        parts += _references(report, report.references)
    sentences = (_outer_folds(report), ensemble_sentence(report), greedy_sentence(report))
    for text in sentences:
        if text:
            parts += [Text(), Text(text)]
    parts += [Text(), *_answer(report.verdict)]
    if report.seeds is not None:
        parts.append(Text(report.seeds.sentence))
    return Group(*parts)


def _answer(verdict: ReportedVerdict | None) -> list[RenderableType]:
    """The answer in plain words, what to use, what would make it surer, and then the figures."""
    if verdict is None:
        return [Text(NO_VERDICT, style="bold")]
    lines: list[RenderableType] = [
        Text(verdict.sentence, style="bold"),
        Text(f"Use {verdict.recommended}. {verdict.why}"),
    ]
    for advice in verdict.advice:
        lines.append(Text(f"To be surer ({minutes(advice.minutes)}), since {advice.why}:"))
        lines.append(Text(f"  {advice.command}", no_wrap=True, overflow="ignore"))
    lines += [Text(caveat) for caveat in verdict.caveats]
    lines.append(Text(verdict.figures))
    if verdict.remark:
        lines.append(Text(verdict.remark))
    return lines


def _outer_folds(report: Report) -> str:
    """What the outer folds come to; empty where there is one set of test rows."""
    return report.outer_folds.sentence if report.outer_folds else ""


def _compared(report: Report) -> list[Models]:
    """Of which models there are gains; of single ones where there are none at all."""
    compared = [SINGLE]
    if any(entry.models == ENSEMBLE for entry in report.comparisons):
        compared.append(ENSEMBLE)
    return compared


def _references(report: Report, references: ReportedReferences) -> list[RenderableType]:
    """A table of what the references gain over the recommended model, and what that says."""
    parts: list[RenderableType] = [Text()]
    if references.choices:
        table = _titled(_references_title(report), "reference", report)
        table.add_column("mean", justify="right")
        table.add_column("minutes", justify="right")
        for model in references.models:
            gains = [_points(model.gains.get(task.name)) for task in report.tasks[:MOST_TASKS]]
            minutes = f"{model.seconds / 60:.1f}"
            table.add_row(model.name, *gains, _points(model.gain), minutes, style="dim")
        parts += [table, Text()]
    parts += [Text(notice, style="dim") for notice in references.notices]
    if references.sentence:
        parts.append(Text(references.sentence, style="bold"))
    return parts


def _references_title(report: Report) -> str:
    compared = MODEL_NAMES[report.verdict.models] if report.verdict else "models"
    return f"references, as {compared}: points of skill gained over the recommended model [95%]"


def _empty_table(report: Report) -> Table:
    table = _titled("mean test scores over fresh seeds", "arm", report, with_metrics=True)
    for models in _compared(report):
        header = Text(f"points of skill gained by {MODEL_NAMES[models]}\nover single-task [95%]")
        table.add_column(header, justify="right")
    return table


def _titled(title: str, first: str, report: Report, with_metrics: bool = False) -> Table:
    """A table without rows, of which the first columns are a name and the first tasks."""
    table = Table(
        title=title,
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column(first)
    for task in report.tasks[:MOST_TASKS]:
        header = f"{task.name}\n({task.scored_by})" if with_metrics else task.name
        table.add_column(Text(header), justify="right")
    return table


def _scores(report: Report, model: ReportedModel | ReportedReference) -> list[str]:
    """The mean scores of the first tasks; empty where a model has none."""
    scores = []
    for task in report.tasks[:MOST_TASKS]:
        mean = model.mean.get(task.name)
        decimals = _decimals(report, task.name)
        scores.append("" if mean is None else f"{mean:.{decimals}f}")
    return scores


def _decimals(report: Report, task: str) -> int:
    """The number of decimals of a task's column: four digits of its largest score."""
    largest = max((abs(model.mean[task]) for model in report.confirmed), default=1.0)
    if not largest:
        return DIGITS
    return min(MOST_DECIMALS, max(0, DIGITS - 1 - math.floor(math.log10(largest))))


def _gain(comparison: ReportedComparison | None) -> str:
    """The gain of a comparison; which tasks it is without, where it is not over all."""
    if comparison is None:
        return ""
    text = _points(comparison.gain)
    if comparison.missing:
        text += f"\nwithout {first_of_many(comparison.missing)}"
    return text


def _points(interval: ReportedInterval | None) -> str:
    """A gain in points with its interval; empty where there is none."""
    return "" if interval is None else gain(interval).replace("−", "-")
