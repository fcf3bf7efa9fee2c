"""What a user may do with a finished study: commands to copy."""

from mtlsearch.program import command
from mtlsearch.search.study import Study

MORE = 2  # times the budget that going on has


def next_steps(study: Study) -> list[str]:
    """Return a line of introduction, and one for each command with what it does."""
    folder = str(study.folder)
    trainings = MORE * study.request.trainings
    steps = {
        command("report", folder, "--open"): "opens the report in a browser",
        command("export", folder, "--to", f"{folder}-model"): (
            "writes the recommended model as plain PyTorch code"
        ),
        command("resume", folder, "--trainings", trainings): "goes on with twice the budget",
    }
    width = max(len(step) for step in steps)
    return ["next:", *(f"  {step:{width}}  {what}" for step, what in steps.items())]
