"""The chart of what arms gain over the baseline in points of skill, task by task, with intervals.

Zero is drawn as a line and the margin, within which a gain is of no practical use, as a band.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.evidence.comparison import MODEL_NAMES
from mtlsearch.report.formatting import gain
from mtlsearch.report.labels import shorten
from mtlsearch.report.model import Report, ReportedInterval
from mtlsearch.report.svg import Drawing, Style

MOST_TASKS = 12  # that are drawn; the tables hold them all
LARGEST_REACH = 6.0  # in median reaches of the intervals; what goes on beyond has an arrow

MEAN = "mean over tasks"
NAME_COLUMNS = 20
ROW_HEIGHT = 16.0
GROUP_GAP = 12.0
TOP = 10.0
AXIS_HEIGHT = 40.0
ARM_X = 150.0
PLOT_LEFT = 290.0
PLOT_RIGHT = 770.0
FIGURES_X = 785.0
WIDTH = 930.0
MOST_TICKS = 9

COLORS = ("#3b85d6", "#d9772b", "#3a9d6e", "#a45bb0", "#8b7a2e", "#4aa3b5", "#8b95a3")
BAND: Style = {"fill": "currentColor", "fill-opacity": "0.08"}
ZERO: Style = {"stroke": "currentColor", "stroke-width": "1.3"}
GRID: Style = {"stroke": "currentColor", "stroke-opacity": "0.12"}
TASK_TEXT: Style = {"font-size": "13", "font-weight": "600"}
ARM_TEXT: Style = {"font-size": "12"}
FIGURES_TEXT: Style = {"font-size": "12"}
AXIS_TEXT: Style = {"text-anchor": "middle", "font-size": "11", "fill-opacity": "0.75"}


@dataclass(frozen=True)
class Series:
    """The gains of one model over the baseline, in points of skill.

    Attributes:
        name: What it is called.
        mean: The gain of mean skill; None where it is not known.
        by_task: By the name of a task its gain.
    """

    name: str
    mean: ReportedInterval | None
    by_task: Mapping[str, ReportedInterval]


@dataclass(frozen=True)
class _Row:
    """A line of the chart; `group` is said on the first one of a task."""

    group: str
    name: str
    gain: ReportedInterval
    color: str


@dataclass(frozen=True)
class _Scale:
    """From points of skill to pixels."""

    low: float
    high: float

    @classmethod
    def around(cls, rows: Sequence[_Row], margin: float) -> "_Scale":
        """A scale that shows the margin and the intervals, but for the ends of the widest."""
        ends = []
        for row in rows:
            ends += list(_ends(row.gain))
        limit = LARGEST_REACH * max(float(np.median(np.abs(ends))), margin)
        low = max(min([*ends, -1.5 * margin]), -limit)
        high = min(max([*ends, 1.5 * margin]), limit)
        return cls(low, high)

    def x(self, value: float) -> float:
        """The place of a value; beyond the ends that of the end."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return PLOT_LEFT + share * (PLOT_RIGHT - PLOT_LEFT)

    def ticks(self) -> list[float]:
        """Round values between the ends, at most MOST_TICKS."""
        least = (self.high - self.low) / MOST_TICKS
        magnitude = 10.0 ** math.floor(math.log10(least))
        steps = [factor * magnitude for factor in (1, 2, 5, 10)]
        step = next(step for step in steps if step >= least)
        first = math.ceil(self.low / step)
        last = math.floor(self.high / step)
        return [number * step for number in range(first, last + 1)]


def series_of(report: Report) -> list[Series]:
    """The gains of every confirmed arm over the baseline, of the models that the verdict is on."""
    series = []
    for entry in report.comparisons:
        if entry.models != report.compared:
            continue
        by_task = {name: task.points for name, task in entry.tasks.items()}
        series.append(Series(entry.arm, entry.gain, by_task))
    return series


def skill_chart(report: Report) -> str | None:
    """Draw the chart as a standalone SVG document; None where nothing was compared."""
    series = series_of(report)
    tasks = [task.name for task in report.tasks[:MOST_TASKS]]
    rows = list(_rows(series, tasks))
    if not rows:
        return None
    title = f"Skill gained over {report.baseline}, {MODEL_NAMES[report.compared]}"
    return _draw(rows, report.study.settings.margin, title)


def _rows(series: Sequence[Series], tasks: Sequence[str]) -> Iterator[_Row]:
    for group in (None, *tasks):
        title = MEAN if group is None else group
        for number, entry in enumerate(series):
            gain = entry.mean if group is None else entry.by_task.get(group)
            if gain is None:
                continue
            yield _Row(title, entry.name, gain, COLORS[number % len(COLORS)])
            title = ""


def _draw(rows: Sequence[_Row], margin: float, title: str) -> str:
    scale = _Scale.around(rows, margin)
    groups = sum(bool(row.group) for row in rows)
    bottom = TOP + len(rows) * ROW_HEIGHT + groups * GROUP_GAP
    words = [f"{row.group or '  and'} {row.name}: {gain(row.gain)} points" for row in rows]
    drawing = Drawing(WIDTH, bottom + AXIS_HEIGHT, title, "; ".join(words))
    _draw_axis(drawing, scale, margin, bottom)
    y = TOP
    for row in rows:
        if row.group:
            y += GROUP_GAP
        _draw_row(drawing, row, scale, y + ROW_HEIGHT / 2)
        y += ROW_HEIGHT
    return drawing.to_text()


def _draw_axis(drawing: Drawing, scale: _Scale, margin: float, bottom: float) -> None:
    left = scale.x(-margin)
    size = (scale.x(margin) - left, bottom - TOP)
    drawing.box((left, TOP), size, 0.0, BAND, f"within {margin:g} points: of no practical use")
    for tick in scale.ticks():
        x = scale.x(tick)
        drawing.line((x, TOP), (x, bottom), GRID)
        drawing.text(_spell_tick(tick), (x, bottom + 15), AXIS_TEXT)
    drawing.line((scale.x(0.0), TOP), (scale.x(0.0), bottom + 4), ZERO)
    middle = (PLOT_LEFT + PLOT_RIGHT) / 2
    drawing.text("points of skill gained (higher is better →)", (middle, bottom + 33), AXIS_TEXT)


def _spell_tick(value: float) -> str:
    if not value:
        return "0"
    return f"{value:+g}".replace("-", "−")


def _draw_row(drawing: Drawing, row: _Row, scale: _Scale, y: float) -> None:
    baseline = y + 4
    if row.group:
        drawing.text(shorten(row.group, NAME_COLUMNS), (0, baseline), TASK_TEXT, row.group)
    drawing.text(shorten(row.name, NAME_COLUMNS), (ARM_X, baseline), ARM_TEXT, row.name)
    drawing.text(gain(row.gain), (FIGURES_X, baseline), FIGURES_TEXT)

    whisker: Style = {"stroke": row.color, "stroke-width": "2"}
    low, high = _ends(row.gain)
    drawing.line((scale.x(low), y), (scale.x(high), y), whisker)
    _draw_end(drawing, (scale.x(low), y), low < scale.low, -1.0, whisker)
    _draw_end(drawing, (scale.x(high), y), high > scale.high, 1.0, whisker)
    is_sure = row.gain.is_positive or row.gain.is_negative
    dot: Style = {
        "fill": row.color if is_sure else "var(--card, #ffffff)",
        "stroke": row.color,
        "stroke-width": "2",
    }
    drawing.circle((scale.x(row.gain.mean), y), 4.0, dot)


def _draw_end(
    drawing: Drawing,
    place: tuple[float, float],
    goes_on: bool,
    direction: float,
    style: Style,
) -> None:
    """A small bar at the end of an interval, or an arrow where it goes on beyond the chart."""
    x, y = place
    if goes_on:
        drawing.line((x - 5 * direction, y - 4), place, style)
        drawing.line((x - 5 * direction, y + 4), place, style)
    else:
        drawing.line((x, y - 3), (x, y + 3), style)


def _ends(gain: ReportedInterval) -> tuple[float, float]:
    """The ends of an interval; the mean where they are not known."""
    if gain.low is None or gain.high is None:
        return gain.mean, gain.mean
    return gain.low, gain.high
