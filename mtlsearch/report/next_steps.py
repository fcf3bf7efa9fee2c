"""What to do next: commands to copy, on the first screen of the page."""

import shlex
from dataclasses import dataclass

from mtlsearch.report.model import Report

PROGRAM = "python cli.py"


@dataclass(frozen=True)
class NextStep:
    """A command and what it is for, as a sentence without its full stop."""

    command: str
    purpose: str


def next_steps(report: Report) -> list[NextStep]:
    """Return what one may do with a study: with its model, or to bring it to its end."""
    folder = shlex.quote(report.study.folder)
    if report.verdict is None:
        purpose = "spends the rest of the budget and confirms the best of each arm"
        return [NextStep(f"{PROGRAM} resume {folder}", purpose)]
    better = report.references.better if report.references else []
    steps = [
        NextStep(
            f"{PROGRAM} export {folder} --to model",
            "writes the recommended model as plain PyTorch, with what prepares its inputs",
        ),
        NextStep(
            f"{PROGRAM} predict {folder} new.csv",
            "predicts the rows of a table with that model",
        ),
    ]
    if better:
        names = ", ".join(better)
        steps.append(
            NextStep(
                f"{PROGRAM} export {folder} --best-per-task --to model",
                f"takes the ready-made model where that is better: {names}",
            )
        )
    return steps
