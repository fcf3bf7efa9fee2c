"""What `search` prints at its end: a table of the confirmed arms and the verdict."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mtlsearch.evidence.comparison import ENSEMBLE, MODEL_NAMES, SINGLE, Models
from mtlsearch.report.ensembles import ensemble_sentence
from mtlsearch.report.greedy_ensemble import greedy_sentence
from mtlsearch.report.model import Report, ReportedComparison, ReportedModel, SklearnBaseline

MOST_TASKS = 8  # columns of the table
NO_VERDICT = "No verdict: sharing and single-task were not both confirmed."


def summary(report: Report) -> RenderableType:
    """A table of the mean test scores and the gains of each confirmed arm; below it what their
    ensembles gain over their own models, and the verdict.
    """
    table = _empty_table(report)
    compared = _compared(report)
    for model in report.confirmed:
        scores = _scores(report, model)
        gains = [_gain(report.comparison_of(model.arm, models)) for models in compared]
        table.add_row(Text(model.arm), *scores, *gains)
    for baseline in report.sklearn_baselines:
        name = f"{baseline.name} (scikit-learn)"
        scores = _scores(report, baseline)
        table.add_row(name, *scores, style="dim")
    paragraphs: list[RenderableType] = [table]
    for text in (ensemble_sentence(report), greedy_sentence(report), _remark(report)):
        if text:
            paragraphs += [Text(), Text(text)]
    sentence = report.verdict.sentence if report.verdict else NO_VERDICT
    return Group(*paragraphs, Text(), Text(sentence, style="bold"))


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


def _empty_table(report: Report) -> Table:
    table = Table(
        title="mean test scores over fresh seeds",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column("arm")
    for task in report.tasks[:MOST_TASKS]:
        header = Text(f"{task.name}\n({task.scored_by})")
        table.add_column(header, justify="right")
    for models in _compared(report):
        header = Text(f"gain of {MODEL_NAMES[models]}\nover single-task [95%]")
        table.add_column(header, justify="right")
    return table


def _scores(report: Report, model: ReportedModel | SklearnBaseline) -> list[str]:
    """The mean scores of the first tasks; empty where a model has none."""
    scores = []
    for task in report.tasks[:MOST_TASKS]:
        mean = model.mean.get(task.name)
        scores.append("" if mean is None else f"{mean:.4g}")
    return scores


def _gain(comparison: ReportedComparison | None) -> str:
    if comparison is None:
        return ""
    gain = comparison.gain.maninis
    if gain.low is None or gain.high is None:
        return f"{gain.mean:+.2f}%"
    return f"{gain.mean:+.2f}% [{gain.low:+.2f}, {gain.high:+.2f}]"
