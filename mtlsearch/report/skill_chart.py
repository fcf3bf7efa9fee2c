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
from mtlsearch.report.ticks import round_ticks

MOST_ROWS = 48  # of a chart; of many tasks there are several charts
LARGEST_REACH = 6.0  # in median reaches of the intervals; what goes on beyond has an arrow

MEAN = "mean over tasks"
ROW_HEIGHT = 16.0
GROUP_GAP = 12.0
TOP = 10.0
AXIS_HEIGHT = 40.0

COLORS = ("#3b85d6", "#d9772b", "#3a9d6e", "#a45bb0", "#8b7a2e", "#4aa3b5")
REFERENCE_COLOR = "#8b95a3"
BAND: Style = {"fill": "currentColor", "fill-opacity": "0.08"}
ZERO: Style = {"stroke": "currentColor", "stroke-width": "1.3"}
GRID: Style = {"stroke": "currentColor", "stroke-opacity": "0.12"}
TASK_TEXT: Style = {"font-size": "13", "font-weight": "600"}
ARM_TEXT: Style = {"font-size": "12"}
FIGURES_TEXT: Style = {"font-size": "12"}
AXIS_TEXT: Style = {"text-anchor": "middle", "font-size": "11", "fill-opacity": "0.75"}


@dataclass(frozen=True)
class _Layout:
    """Where the parts of a chart are, in pixels from the left.

    Attributes:
        group_columns: How many terminal columns the name of a task may take.
        group_height: What the name of a task takes above the lines; 0 where it is beside them.
        arm_x: Where names of arms begin, of NAME_COLUMNS at most.
        left: Where the plot begins.
        right: Where it ends.
        figures_x: Where the figures begin; None where there is no room for them.
        width: The width of the drawing.
        most_ticks: How many ticks the axis has at most.
    """

    group_columns: int
    group_height: float
    arm_x: float
    left: float
    right: float
    figures_x: float | None
    width: float
    most_ticks: int


NAME_COLUMNS = 19
WIDE = _Layout(21, 0.0, 190.0, 328.0, 800.0, 815.0, 965.0, 9)
NARROW = _Layout(38, 18.0, 0.0, 140.0, 326.0, None, 336.0, 5)


@dataclass(frozen=True)
class Series:
    """The gains of one model over the baseline, in points of skill.

    Attributes:
        name: What it is called.
        mean: The gain of mean skill; None where it is not known.
        by_task: By the name of a task its gain.
        is_reference: Whether it is a ready-made model.
    """

    name: str
    mean: ReportedInterval | None
    by_task: Mapping[str, ReportedInterval]
    is_reference: bool


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
    layout: _Layout

    @classmethod
    def around(cls, rows: Sequence[_Row], margin: float, layout: _Layout) -> "_Scale":
        """A scale that shows the margin and the intervals, but for the ends of the widest."""
        ends = []
        for row in rows:
            ends += list(_ends(row.gain))
        limit = LARGEST_REACH * max(float(np.median(np.abs(ends))), margin)
        low = max(min([*ends, -1.5 * margin]), -limit)
        high = min(max([*ends, 1.5 * margin]), limit)
        return cls(low, high, layout)

    def x(self, value: float) -> float:
        """The place of a value; beyond the ends that of the end."""
        inside = min(max(value, self.low), self.high)
        share = (inside - self.low) / (self.high - self.low)
        return self.layout.left + share * (self.layout.right - self.layout.left)

    def ticks(self) -> list[float]:
        """Round values between the ends."""
        return round_ticks(self.low, self.high, self.layout.most_ticks)


def series_of(report: Report) -> list[Series]:
    """The gains of every confirmed arm over the baseline, of the models that the verdict is on."""
    series = []
    for entry in report.comparisons:
        if entry.models != report.compared:
            continue
        by_task = {name: task.points for name, task in entry.tasks.items()}
        series.append(Series(entry.arm, entry.gain, by_task, entry.of_reference))
    return series


@dataclass(frozen=True)
class SkillChart:
    """A standalone SVG document of some tasks, of which the first and the last are counted from 1.

    The first chart begins with the mean over all tasks. `narrow` is the same for a phone.
    """

    drawing: str
    narrow: str
    first: int
    last: int


def skill_charts(report: Report) -> list[SkillChart]:
    """Draw charts on one scale, of MOST_ROWS lines at most; none where nothing was compared."""
    series = series_of(report)
    names = [task.name for task in report.tasks]
    whole = list(_rows(series, [None, *names]))
    if not whole:
        return []
    margin = report.study.settings.margin
    scales = [_Scale.around(whole, margin, layout) for layout in (WIDE, NARROW)]
    title = f"Skill gained over {report.baseline}, {MODEL_NAMES[report.compared]}"
    groups: list[str | None] = [None, *names]
    size = _groups_of_chart(len(groups), len(series))
    charts = []
    for start in range(0, len(groups), size):
        shown = groups[start : start + size]
        rows = list(_rows(series, shown))
        drawing, narrow = [_draw(rows, scale, margin, title) for scale in scales]
        last = start + len(shown) - 1
        charts.append(SkillChart(drawing, narrow, max(start, 1), last))
    return charts


def _groups_of_chart(groups: int, series: int) -> int:
    """How many groups of lines a chart has, where all charts have about as many."""
    most = max(2, MOST_ROWS // series)
    return math.ceil(groups / math.ceil(groups / most))


def _rows(series: Sequence[Series], groups: Sequence[str | None]) -> Iterator[_Row]:
    """The lines of tasks, and where a group is None of the mean over tasks."""
    for group in groups:
        title = MEAN if group is None else group
        for number, entry in enumerate(series):
            gain = entry.mean if group is None else entry.by_task.get(group)
            if gain is None:
                continue
            color = COLORS[number % len(COLORS)]
            if entry.is_reference:
                color = REFERENCE_COLOR
            yield _Row(title, entry.name, gain, color)
            title = ""


def _draw(rows: Sequence[_Row], scale: _Scale, margin: float, title: str) -> str:
    groups = sum(bool(row.group) for row in rows)
    layout = scale.layout
    gap = GROUP_GAP + layout.group_height
    bottom = TOP + len(rows) * ROW_HEIGHT + groups * gap
    words = [f"{row.group or '  and'} {row.name}: {gain(row.gain)} points" for row in rows]
    drawing = Drawing(layout.width, bottom + AXIS_HEIGHT, title, "; ".join(words))
    _draw_axis(drawing, scale, margin, bottom)
    y = TOP
    for row in rows:
        if row.group:
            y += gap
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
    middle = (scale.layout.left + scale.layout.right) / 2
    label = "points of skill gained"
    if scale.layout.figures_x is not None:
        label += " (higher is better →)"
    drawing.text(label, (middle, bottom + 33), AXIS_TEXT)


def _spell_tick(value: float) -> str:
    if not value:
        return "0"
    return f"{value:+g}".replace("-", "−")


def _draw_row(drawing: Drawing, row: _Row, scale: _Scale, y: float) -> None:
    baseline = y + 4
    layout = scale.layout
    if row.group:
        group = shorten(row.group, layout.group_columns)
        drawing.text(group, (0, baseline - layout.group_height), TASK_TEXT, row.group)
    tooltip = f"{row.name}: {gain(row.gain)} points"
    drawing.text(shorten(row.name, NAME_COLUMNS), (layout.arm_x, baseline), ARM_TEXT, tooltip)
    if layout.figures_x is not None:
        drawing.text(gain(row.gain), (layout.figures_x, baseline), FIGURES_TEXT)

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
