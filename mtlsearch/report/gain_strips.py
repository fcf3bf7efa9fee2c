"""Draws what each task gains on one line: an interval each, all on one scale, zero as a line."""

from collections.abc import Mapping

import numpy as np

from mtlsearch.report.formatting import gain
from mtlsearch.report.model import ReportedInterval
from mtlsearch.report.svg import Drawing, Style

WIDTH = 132.0
HEIGHT = 18.0
AIR = 6.0
LARGEST_REACH = 4.0  # in median reaches; what goes on beyond ends at the edge

ZERO: Style = {"stroke": "currentColor", "stroke-opacity": "0.5"}
GOOD = "var(--good, #1d7a4c)"
BAD = "var(--bad, #b3362b)"
UNSURE = "var(--soft, #5a6675)"


def gain_strips(points: Mapping[str, ReportedInterval]) -> dict[str, str]:
    """Draw the gains in points of skill by the name of a task, as standalone SVG documents."""
    reaches = []
    for interval in points.values():
        ends = (interval.mean, interval.low or 0.0, interval.high or 0.0)
        reaches.append(max(abs(end) for end in ends))
    if not reaches:
        return {}
    limit = min(max(reaches), LARGEST_REACH * float(np.median(reaches))) or 1.0
    return {name: _strip(name, interval, limit) for name, interval in points.items()}


def _strip(name: str, interval: ReportedInterval, limit: float) -> str:
    """One line; the color says whether the interval leaves zero out."""
    color = UNSURE
    if interval.is_positive:
        color = GOOD
    elif interval.is_negative:
        color = BAD
    title = f"Skill gained on {name}: {gain(interval)} points"
    drawing = Drawing(WIDTH, HEIGHT, title, "On one scale for all tasks; the line is zero")
    middle = HEIGHT / 2

    def x(value: float) -> float:
        share = min(max(value / limit, -1.0), 1.0)
        return WIDTH / 2 + share * (WIDTH / 2 - AIR)

    drawing.line((WIDTH / 2, 1), (WIDTH / 2, HEIGHT - 1), ZERO)
    if interval.low is not None and interval.high is not None:
        style = {"stroke": color, "stroke-width": "2"}
        drawing.line((x(interval.low), middle), (x(interval.high), middle), style)
    drawing.circle((x(interval.mean), middle), 4.0, {"fill": color})
    return drawing.to_text()
