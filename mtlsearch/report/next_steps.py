"""What to do next: commands to copy, on the first screen of the page."""

from dataclasses import dataclass

from mtlsearch.program import command
from mtlsearch.report.model import Report


@dataclass(frozen=True)
class NextStep:
    """A command and what it is for, as a sentence without its full stop."""

    command: str
    purpose: str


def next_steps(report: Report) -> list[NextStep]:
    """Return what one may do with a study: with its model, or to bring it to its end."""
    folder = report.study.folder
    if report.verdict is None:
        purpose = "spends the rest of the budget and confirms the best of each arm"
        return [NextStep(command("resume", folder), purpose)]
    better = report.references.better if report.references else []
    steps = [
        NextStep(
            command("export", folder, "--to", "model"),
            "writes the recommended model as plain PyTorch, with what prepares its inputs",
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
                command("export", folder, "--best-per-task", "--to", "model"),
                f"takes the ready-made model where that is better: {names}",
            )
        )
    return steps
