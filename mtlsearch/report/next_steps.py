"""What to do next: commands to copy, after a search and on the first screen of its page."""

from dataclasses import dataclass

from mtlsearch.program import command
from mtlsearch.report.model import Report

MORE = 2  # times the budget that going on has


@dataclass(frozen=True)
class NextStep:
    """A command and what it is for, as a sentence without its full stop."""

    command: str
    purpose: str


def open_page(report: Report) -> NextStep:
    """Return what shows the page, to whoever does not look at it."""
    return NextStep(
        command("report", report.study.folder, "--open"),
        "opens the report in a browser",
    )


def next_steps(report: Report) -> list[NextStep]:
    """Return what one may do with a study: with its model, or to bring it to its end."""
    folder = report.study.folder
    if report.verdict is None:
        purpose = "spends the rest of the budget and confirms the best of each arm"
        return [NextStep(command("resume", folder), purpose)]
    better = report.references.better if report.references else []
    model = f"{folder}-model"
    steps = [
        NextStep(
            command("export", folder, "--to", model),
            "writes the recommended model as plain PyTorch code",
        ),
        NextStep(
            command("predict", folder, "new.csv"),
            "predicts the rows of a table with that model",
        ),
    ]
    if better:
        names = ", ".join(better)
        steps.append(
            NextStep(
                command("export", folder, "--best-per-task", "--to", model),
                f"takes the ready-made model where that is better: {names}",
            )
        )
    more = MORE * report.study.settings.trainings
    steps.append(
        NextStep(
            command("resume", folder, "--trainings", more),
            "goes on with twice the budget",
        )
    )
    return steps
