"""What `search` prints at its end: the verdict and a table of the confirmed arms, from report.json."""

import json
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def summary(report: Path) -> RenderableType:
    """The verdict's sentence and, per confirmed arm, its mean test scores and its gain over single-task."""
    value = json.loads(report.read_text(encoding="utf-8"))
    gains = {each["arm"]: each["gain"]["maninis"] for each in value["comparisons"]}
    table = Table(
        title="mean test scores over fresh seeds",
        title_justify="left",
        box=None,
        padding=(0, 2, 0, 0),
    )
    table.add_column("arm")
    for task in value["tasks"][:8]:
        table.add_column(Text(f"{task['name']} ({task['metric']})"), justify="right")
    table.add_column("gain over single-task [95%]", justify="right")
    for each in value["confirmed"]:
        scores = [f"{each['mean'][task['name']]:.4g}" for task in value["tasks"][:8]]
        table.add_row(Text(each["arm"]), *scores, _gain(gains.get(each["arm"])))
    for each in value["references"]:
        known = [each["mean"].get(task["name"]) for task in value["tasks"][:8]]
        table.add_row(
            f"{each['name']} (scikit-learn)",
            *("" if score is None else f"{score:.4g}" for score in known),
            "",
            style="dim",
        )
    verdict = (
        value["verdict"]["sentence"]
        if value["verdict"]
        else "No verdict: sharing and single-task were not both confirmed."
    )
    return Group(table, Text(), Text(verdict, style="bold"))


def _gain(gain: dict[str, Any] | None) -> str:
    if gain is None:
        return ""
    if gain["low"] is None:
        return f"{gain['mean']:+.2f}%"
    return f"{gain['mean']:+.2f}% [{gain['low']:+.2f}, {gain['high']:+.2f}]"
