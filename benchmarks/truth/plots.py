"""Draws docs/truth.png from the CSVs: what is recovered, by whom, after how many trainings. Needs Chromium.

python -m benchmarks.truth.plots
"""

import csv
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from plotly import graph_objects as go
from plotly.subplots import make_subplots

from benchmarks.machine import RESULTS

PICTURE = Path(__file__).parent.parent.parent / "docs" / "truth.png"
WIDTH, HEIGHT = 1100, 420
OURS, THEIRS = "#3b85d6", "#8b95a3"
Row = dict[str, str]


def rows(part: str) -> list[Row]:
    """The table of a part, as `__main__` wrote it on a CPU."""
    lines = (RESULTS / f"truth-{part}-cpu.csv").read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def figure() -> Any:
    """Left the ways to search with the same trainings, right the gap over trainings."""
    ablation = rows("ablation")
    last = [row for row in ablation if row["trainings"] == "128"]
    longer = [row for row in rows("gap") if row["trainings"] == "256"]
    curve = [row for row in [*ablation, *longer] if row["what"] == "affinity"]
    titles = (
        "Share of a planted structure's gain recovered,<br>128 trainings",
        "The same over trainings, affinity",
    )
    both = make_subplots(
        1, 2, column_widths=[0.6, 0.4], horizontal_spacing=0.08, subplot_titles=titles
    )
    colors = [OURS if row["what"] == "affinity" else THEIRS for row in last[::-1]]
    both.add_trace(_dots([row["what"] for row in last[::-1]], last[::-1], colors, flat=True), 1, 1)
    both.add_trace(
        _dots([int(row["trainings"]) for row in curve], curve, [OURS] * len(curve), flat=False),
        1,
        2,
    )
    both.update_xaxes(title="share of the gap, 95% interval over problems", row=1, col=1)
    both.update_xaxes(title="trainings", type="log", tickvals=[32, 64, 128, 256], row=1, col=2)
    both.add_vline(0, line_dash="dot", row=1, col=1)
    both.update_layout(
        template="plotly_white",
        showlegend=False,
        width=WIDTH,
        height=HEIGHT,
        margin={"l": 8, "r": 16, "b": 8, "t": 60},
    )
    return both.update_yaxes(automargin=True)


def _dots(places: list[Any], own: list[Row], colors: list[str], flat: bool) -> Any:
    values = [float(row["value"]) for row in own]
    up = [float(row["high"]) - value for row, value in zip(own, values, strict=True)]
    down = [value - float(row["low"]) for row, value in zip(own, values, strict=True)]
    bars = {
        "error_x" if flat else "error_y": {
            "type": "data",
            "array": up,
            "arrayminus": down,
            "color": THEIRS,
        }
    }
    x, y = (values, places) if flat else (places, values)
    look = {"marker": {"color": colors, "size": 11}, "line": {"color": OURS}}
    return go.Scatter(x=x, y=y, mode="markers" if flat else "lines+markers", **look, **bars)


def main() -> None:
    """Write the picture. Raises FileNotFoundError without Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise FileNotFoundError("Chromium is needed to draw docs/truth.png")
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        page = Path(folder) / "page.html"
        figure().write_html(page, include_plotlyjs=True, config={"displayModeBar": False})
        size = [
            f"--window-size={WIDTH},{HEIGHT + 16}",
            "--virtual-time-budget=5000",
            "--hide-scrollbars",
        ]
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            *size,
            f"--screenshot={PICTURE}",
            page.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
