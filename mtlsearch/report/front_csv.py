"""The Pareto front as a table for spreadsheets."""

import csv
from collections.abc import Sequence
from pathlib import Path

from mtlsearch.report.model import Report, ReportedCandidate

FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # as OWASP lists them
COSTS_AND_GAIN = ("replicates", "parameters", "macs_per_example", "gain_points", "tie", "tree")


def write_front(report: Report, path: Path) -> None:
    """Write a line for each candidate of the front.

    Texts that a spreadsheet would read as a formula, as a task named `=1+1`, begin with an
    apostrophe.
    """
    tasks = [task.name for task in report.tasks]
    errors = [f"{task}_standard_error" for task in tasks]
    header = ["arm", "candidate", *tasks, *errors, *COSTS_AND_GAIN]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([as_text(name) for name in header])
        for candidate in report.front:
            writer.writerow(_cells(candidate, tasks))


def as_text(words: str) -> str:
    """The words in such a way that spreadsheets take them for text."""
    return f"'{words}" if words.startswith(FORMULA_STARTS) else words


def _cells(candidate: ReportedCandidate, tasks: Sequence[str]) -> list[object]:
    scores = [candidate.scores[task] for task in tasks]
    return [
        as_text(candidate.arm),
        candidate.candidate,
        *(score.mean for score in scores),
        *(score.standard_error for score in scores),
        candidate.replicates,
        candidate.parameters,
        candidate.macs_per_example,
        candidate.gain.mean,
        candidate.tie,
        as_text(candidate.tree),
    ]
