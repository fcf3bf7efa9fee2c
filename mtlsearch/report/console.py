"""What `search` prints at its end: a table of the confirmed arms and the verdict."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mtlsearch.report.ensembles import ensemble_sentence
from mtlsearch.report.model import Report, ReportedComparison, ReportedModel, SklearnBaseline

MOST_TASKS = 8  # columns of the table
NO_VERDICT = "No verdict: sharing and single-task were not both confirmed."


def summary(report: Report) -> RenderableType:
    """A table of the mean test scores and the gain of each confirmed arm; below it what their
    ensembles gain, and the verdict.
    """
    table = _empty_table(report)
    for model in report.confirmed:
        scores = _scores(report, model)
        gain = _gain(report.comparison_of(model.arm))
        table.add_row(Text(model.arm), *scores, gain)
    for baseline in report.sklearn_baselines:
        name = f"{baseline.name} (scikit-learn)"
        scores = _scores(report, baseline)
        table.add_row(name, *scores, "", style="dim")
    sentence = report.verdict.sentence if report.verdict else NO_VERDICT
    verdict = Text(sentence, style="bold")
    ensembles = ensemble_sentence(report)
    if not ensembles:
        return Group(table, Text(), verdict)
    return Group(table, Text(), Text(ensembles), Text(), verdict)


def _empty_table(report: Report) -> Table:
    table = Table(
        title="mean test scores over fresh seeds",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column("arm")
    for task in report.tasks[:MOST_TASKS]:
        header = Text(f"{task.name} ({task.scored_by})")
        table.add_column(header, justify="right")
    table.add_column("gain over single-task [95%]", justify="right")
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
