"""Draws docs/truth.png from the CSVs: what is recovered, by whom, after how many trainings.

    python -m benchmarks.truth.plots

Needs Chromium.
"""

import csv
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plotly import graph_objects as go
from plotly.subplots import make_subplots

from benchmarks.machine import RESULTS

PICTURE = Path(__file__).parent.parent.parent / "docs" / "truth.png"
WIDTH = 1100
HEIGHT = 420
OURS = "#3b85d6"
THEIRS = "#8b95a3"
OUR_SAMPLER = "affinity"
TITLES = (
    "Share of a planted structure's gain recovered,<br>128 trainings",
    "The same over trainings, affinity",
)
CsvRow = dict[str, str]


def rows(part: str) -> list[CsvRow]:
    """Return the table of a part, as `__main__` wrote it on a CPU."""
    text = (RESULTS / f"truth-{part}-cpu.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def figure() -> Any:
    """Draw left the ways to search with the same trainings, right the gap over trainings."""
    ablation = rows("ablation")
    at_128 = [row for row in ablation if row["trainings"] == "128"]
    at_256 = [row for row in rows("gap") if row["trainings"] == "256"]
    curve = [row for row in ablation + at_256 if row["what"] == OUR_SAMPLER]

    both = make_subplots(
        rows=1,
        cols=2,
        column_widths=[0.6, 0.4],
        horizontal_spacing=0.08,
        subplot_titles=TITLES,
    )
    both.add_trace(_methods(at_128[::-1]), row=1, col=1)
    both.add_vline(
        0,
        line_dash="dot",
        row=1,
        col=1,
    )
    both.update_xaxes(
        title="share of the gap, 95% interval over problems",
        row=1,
        col=1,
    )
    both.add_trace(_over_trainings(curve), row=1, col=2)
    both.update_xaxes(
        title="trainings",
        type="log",
        tickvals=[32, 64, 128, 256],
        row=1,
        col=2,
    )
    both.update_layout(
        template="plotly_white",
        showlegend=False,
        width=WIDTH,
        height=HEIGHT,
        margin={"l": 8, "r": 16, "b": 8, "t": 60},
    )
    return both.update_yaxes(automargin=True)


def _methods(table: Sequence[CsvRow]) -> Any:
    """Draw a dot for each method, with its interval."""
    names = [row["what"] for row in table]
    colors = [OURS if name == OUR_SAMPLER else THEIRS for name in names]
    return go.Scatter(
        x=_values(table),
        y=names,
        error_x=_error_bars(table),
        mode="markers",
        marker={"color": colors, "size": 11},
    )


def _over_trainings(table: Sequence[CsvRow]) -> Any:
    """Draw a line over trainings, with intervals."""
    trainings = [int(row["trainings"]) for row in table]
    return go.Scatter(
        x=trainings,
        y=_values(table),
        error_y=_error_bars(table),
        mode="lines+markers",
        marker={"color": OURS, "size": 11},
        line={"color": OURS},
    )


def _values(table: Sequence[CsvRow]) -> list[float]:
    return [float(row["value"]) for row in table]


def _error_bars(table: Sequence[CsvRow]) -> dict[str, Any]:
    above = []
    below = []
    for row in table:
        value = float(row["value"])
        above.append(float(row["high"]) - value)
        below.append(value - float(row["low"]))
    return {
        "type": "data",
        "array": above,
        "arrayminus": below,
        "color": THEIRS,
    }


def main() -> None:
    """Write the picture. Raises FileNotFoundError without Chromium."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise FileNotFoundError("Chromium is needed to draw docs/truth.png")
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        page = Path(folder) / "page.html"
        figure().write_html(page, include_plotlyjs=True, config={"displayModeBar": False})
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--virtual-time-budget=5000",
            f"--window-size={WIDTH},{HEIGHT + 16}",
            f"--screenshot={PICTURE}",
            page.as_uri(),
        ]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main()
