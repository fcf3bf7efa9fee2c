"""What `status` shows: for every arm what is done, running, failed and left. Reads the study only, never the data."""

from typing import Any

from optuna.trial import TrialState
from rich.table import Table
from rich.text import Text

from mtlsearch.search.study import Study

COUNTED = {
    "complete": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "running": TrialState.RUNNING,
}


def overview(study: Study) -> dict[str, Any]:
    """Counts per arm and for the confirmation. `running` counts trainings that were begun and have no outcome yet."""
    request = study.request
    totals = dict.fromkeys(request.arms, request.trainings)
    totals[study.confirmation] = study.picked * request.seeds
    arms = []
    for arm, total in totals.items():
        states = [trial.state for trial in study.trials(arm)]
        counts = {name: states.count(state) for name, state in COUNTED.items()}
        arms.append(
            {
                "arm": arm,
                "trainings": total,
                **counts,
                "left": total - sum(s.is_finished() for s in states),
            }
        )
    finished = study.picked > 0 and all(row["left"] == 0 for row in arms)
    return {
        "folder": str(study.folder),
        "finished": finished,
        "wall_seconds": round(study.wall_seconds, 1),
        "arms": arms,
    }


def overview_table(value: dict[str, Any]) -> Table:
    """The overview for people."""
    state = (
        "finished"
        if value["finished"]
        else f"not finished; go on with: python cli.py resume {value['folder']}"
    )
    table = Table(
        title=Text(f"{value['folder']}: {state}"),
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    columns = ("arm", "trainings", *COUNTED, "left")
    for name in columns:
        table.add_column(name, justify="left" if name == "arm" else "right")
    for row in value["arms"]:
        table.add_row(*(str(row[name]) for name in columns))
    return table
