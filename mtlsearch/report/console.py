"""What `search` prints at its end: a table of the confirmed arms and the verdict."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mtlsearch.evidence.comparison import ENSEMBLE, MODEL_NAMES, SINGLE, Models
from mtlsearch.report.ensembles import ensemble_sentence
from mtlsearch.report.greedy_ensemble import greedy_sentence
from mtlsearch.report.model import (
    Report,
    ReportedComparison,
    ReportedInterval,
    ReportedModel,
    ReportedReference,
    ReportedReferences,
)

MOST_TASKS = 8  # columns of the table
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
            table.add_row(name, *_scores(report, reference), style="dim")
        parts += _references(report, report.references)
    sentences = (
        _outer_folds(report),
        ensemble_sentence(report),
        greedy_sentence(report),
        _remark(report),
    )
    for text in sentences:
        if text:
            parts += [Text(), Text(text)]
    sentence = report.verdict.sentence if report.verdict else NO_VERDICT
    return Group(*parts, Text(), Text(sentence, style="bold"))


def _outer_folds(report: Report) -> str:
    """What the outer folds come to; empty where there is one set of test rows."""
    return report.outer_folds.sentence if report.outer_folds else ""


def _remark(report: Report) -> str:
    """What is to be said beside the verdict; empty where there is nothing."""
    if report.verdict is None:
        return ""
    return report.verdict.remark or ""


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
            gains = [_short(model.gains.get(task.name)) for task in report.tasks[:MOST_TASKS]]
            minutes = f"{model.seconds / 60:.1f}"
            table.add_row(model.name, *gains, _short(model.gain), minutes, style="dim")
        parts += [table, Text()]
    parts += [Text(notice, style="dim") for notice in references.notices]
    if references.sentence:
        parts.append(Text(references.sentence, style="bold"))
    return parts


def _references_title(report: Report) -> str:
    compared = MODEL_NAMES[report.verdict.models] if report.verdict else "models"
    return f"references, as {compared}: gain over the recommended model, % [95%]"


def _empty_table(report: Report) -> Table:
    table = _titled("mean test scores over fresh seeds", "arm", report, with_metrics=True)
    for models in _compared(report):
        header = Text(f"gain of {MODEL_NAMES[models]}\nover single-task [95%]")
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
        scores.append("" if mean is None else f"{mean:.4g}")
    return scores


def _gain(comparison: ReportedComparison | None) -> str:
    return _percent(comparison.gain.maninis if comparison else None)


def _percent(gain: ReportedInterval | None) -> str:
    """A gain with its interval; empty where there is none."""
    if gain is None:
        return ""
    if gain.low is None or gain.high is None:
        return f"{gain.mean:+.2f}%"
    return f"{gain.mean:+.2f}% [{gain.low:+.2f}, {gain.high:+.2f}]"


def _short(gain: ReportedInterval | None) -> str:
    """A gain of percents with its interval, for a narrow column; empty where there is none."""
    if gain is None:
        return ""
    if gain.low is None or gain.high is None:
        return f"{gain.mean:+.1f}"
    return f"{gain.mean:+.1f} [{gain.low:+.1f}, {gain.high:+.1f}]"
