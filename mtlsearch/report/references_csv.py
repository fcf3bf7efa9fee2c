"""The ready-made models as a table for spreadsheets."""

import csv
from pathlib import Path

from mtlsearch.report.front_csv import as_text
from mtlsearch.report.model import Report, ReportedReference, ReportedReferences, ReportedTask

HEADER = (
    "task",
    "metric",
    "reference",
    "validation",
    "test",
    "gain_points",
    "gain_low",
    "gain_high",
    "chosen",
    "result",
    "seconds_of_all_tasks",
)


def write_references(report: Report, path: Path) -> None:
    """Write a line for each task and reference that has a model of it.

    The gain is that over the recommended model. `chosen` marks the reference of a task that is best
    on validation rows, of which alone `result` says whether it is surely better. Without references
    there is no file.
    """
    path.unlink(missing_ok=True)
    references = report.references
    if references is None:
        return
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for task in report.tasks:
            for model in references.models:
                if task.name in model.mean:
                    writer.writerow(_cells(task, model, references))


def _cells(
    task: ReportedTask,
    model: ReportedReference,
    references: ReportedReferences,
) -> list[object]:
    gain = model.gains.get(task.name)
    choice = references.choice_of(task.name)
    is_chosen = choice is not None and choice.reference == model.name
    return [
        as_text(task.name),
        task.metric,
        model.name,
        model.validation[task.name],
        model.mean[task.name],
        gain.mean if gain else None,
        gain.low if gain else None,
        gain.high if gain else None,
        is_chosen,
        choice.result if choice is not None and is_chosen else None,
        model.seconds,
    ]
