"""The report's interactive plots as JSON for plotly.js.

They are the scatter of all candidates and the history of the search.
"""

import html
import json
import math
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any

from plotly import graph_objects as go

from mtlsearch.report.labels import shorten
from mtlsearch.report.model import Report, ReportedCandidate, ReportedTask

COLORS = ("#3b85d6", "#d9772b", "#3a9d6e", "#a45bb0", "#8b7a2e", "#4aa3b5", "#8b95a3")
SYMBOLS = ("circle", "square", "triangle-up", "cross", "diamond", "star", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
FRONT_COLOR = "#d1344b"
LEGEND = {
    "orientation": "h",
    "x": 0,
    "y": 1.02,
    "yanchor": "bottom",
}
AXIS_NAME_COLUMNS = 20
NAME_COLUMNS = 30
HOVER_COLUMNS = 60
HOVER_LINES = 8

Json = dict[str, Any]


@dataclass(frozen=True)
class _Quantity:
    """What can be read off a candidate and shown on an axis."""

    name: str
    unit: str
    higher_is_better: bool
    value: Callable[[ReportedCandidate], float]


PARAMETERS = _Quantity("parameters", "", False, lambda candidate: candidate.parameters)
MACS = _Quantity("MACs per example", "", False, lambda candidate: candidate.macs_per_example)
GAIN = _Quantity(
    "validation gain", ", points of skill", True, lambda candidate: candidate.gain.mean
)


@dataclass(frozen=True)
class Axis:
    """What an axis may show.

    `values` holds a list for each trace of the figure, in the order of the traces.
    """

    label: str
    title: str
    values: Sequence[Sequence[float | None]]


@dataclass(frozen=True)
class ParetoPlot:
    """A scatter of all candidates; `x` and `y` number the axes that are shown first."""

    figure: Json
    axes: Sequence[Axis]
    x: int
    y: int


@dataclass(frozen=True)
class HistoryPlot:
    """For every arm the best validation gain so far against the candidates trained."""

    figure: Json


@dataclass(frozen=True)
class Plots:
    """The plots of the page."""

    pareto: ParetoPlot
    history: HistoryPlot

    @classmethod
    def of(cls, report: Report) -> "Plots":
        """The plots of a report that has candidates."""
        groups = _groups(report)
        return cls(_pareto_plot(report, groups), _history_plot(groups))


@dataclass(frozen=True)
class _Group:
    """The candidates of an arm; `order` says which color, symbol and dash they have."""

    arm: str
    is_main: bool
    order: int
    candidates: Sequence[ReportedCandidate]

    @property
    def color(self) -> str:
        return COLORS[self.order % len(COLORS)]

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.order % len(SYMBOLS)]

    @property
    def dash(self) -> str:
        return DASHES[self.order % len(DASHES)]


def _groups(report: Report) -> list[_Group]:
    """The arms with their candidates, the main arm first."""
    main_first = sorted(report.arms, key=lambda arm: not arm.is_main)
    groups = []
    for order, arm in enumerate(main_first):
        candidates = [entry for entry in report.candidates if entry.arm == arm.name]
        groups.append(_Group(arm.name, arm.is_main, order, candidates))
    return groups


def _pareto_plot(report: Report, groups: Sequence[_Group]) -> ParetoPlot:
    traces = [_scatter(group) for group in groups]
    traces.append(_rings(report.front))
    candidates_by_trace = [group.candidates for group in groups]
    candidates_by_trace.append(report.front)
    axes = _axes(report.tasks, candidates_by_trace)
    x = 0
    y = 1  # the second task, or the parameters where there is only one
    x_axis = axes[x]
    y_axis = axes[y]
    for number, trace in enumerate(traces):
        trace.update(x=x_axis.values[number], y=y_axis.values[number])
    figure = go.Figure(traces, _layout(x_axis.title, y_axis.title))
    return ParetoPlot(_to_json(figure), axes, x, y)


def _history_plot(groups: Sequence[_Group]) -> HistoryPlot:
    traces = [_climb(group) for group in groups if group.candidates]
    layout = _layout("candidates trained", "best validation gain so far, points of skill")
    return HistoryPlot(_to_json(go.Figure(traces, layout)))


def _axes(
    tasks: Sequence[ReportedTask], candidates_by_trace: Sequence[Sequence[ReportedCandidate]]
) -> list[Axis]:
    """What an axis may show: every task's metric, then cost and gain."""
    quantities = [_score_of(task) for task in tasks]
    quantities += [PARAMETERS, MACS, GAIN]
    axes = []
    for quantity in quantities:
        values = []
        for candidates in candidates_by_trace:
            values.append(_rounded(map(quantity.value, candidates)))
        axes.append(Axis(quantity.name + quantity.unit, _axis_title(quantity), values))
    return axes


def _score_of(task: ReportedTask) -> _Quantity:
    def estimate(candidate: ReportedCandidate) -> float:
        return candidate.scores[task.name].estimate

    return _Quantity(task.name, f" · {task.metric}", task.higher_is_better, estimate)


def _axis_title(quantity: _Quantity) -> str:
    better = "higher is better →" if quantity.higher_is_better else "← lower is better"
    name = shorten(quantity.name, AXIS_NAME_COLUMNS)
    label = html.escape(name + quantity.unit)
    return f"{label}<br><sub>{better}</sub>"


def _rounded(values: Iterable[float]) -> list[float | None]:
    """Six digits are more than a screen shows; what is not finite is not drawn."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]


def _scatter(group: _Group) -> Any:
    marker = {
        "color": group.color,
        "symbol": group.symbol,
        "size": 8 if group.is_main else 9,
    }
    return go.Scatter(
        mode="markers",
        name=_arm_label(group.arm),
        marker=marker,
        opacity=0.75 if group.is_main else 0.85,
        hovertext=[_hover_text(candidate) for candidate in group.candidates],
        hoverinfo="text",
    )


def _rings(front: Sequence[ReportedCandidate]) -> Any:
    marker = {
        "color": FRONT_COLOR,
        "symbol": "circle-open",
        "size": 16,
        "line": {"width": 2},
    }
    return go.Scatter(
        mode="markers",
        name=f"on the front ({len(front)})",
        marker=marker,
        hoverinfo="skip",
    )


def _climb(group: _Group) -> Any:
    gains = [candidate.gain.mean for candidate in group.candidates]
    best_so_far = _rounded(accumulate(gains, max))
    line = {
        "color": group.color,
        "dash": group.dash,
        "width": 2.5,
        "shape": "hv",
    }
    return go.Scatter(
        x=list(range(1, len(best_so_far) + 1)),
        y=best_so_far,
        mode="lines" if len(best_so_far) > 1 else "markers",
        name=_arm_label(group.arm),
        line=line,
    )


def _arm_label(arm: str) -> str:
    return html.escape(shorten(arm, NAME_COLUMNS))


def _hover_text(candidate: ReportedCandidate) -> str:
    """What the pointer shows; names are escaped because plotly reads a few HTML tags in texts."""
    title = f"{_arm_label(candidate.arm)} · {candidate.label}"
    lines = [f"<b>{title}</b> · gain {candidate.gain.mean:+.1f} points"]
    for task, score in islice(candidate.scores.items(), HOVER_LINES):
        name = html.escape(shorten(task, NAME_COLUMNS))
        lines.append(f"{name}: {score.mean:.4g}")
    more = len(candidate.scores) - HOVER_LINES
    if more > 0:
        lines.append(f"… and {more} more tasks")
    lines.append(f"{candidate.parameters:,} parameters")
    tree = textwrap.wrap(candidate.tree, HOVER_COLUMNS, max_lines=HOVER_LINES, placeholder=" …")
    lines.extend(html.escape(line) for line in tree)
    return "<br>".join(lines)


def _layout(x_title: str, y_title: str) -> Json:
    return {
        "template": None,
        "xaxis": _axis_layout(x_title),
        "yaxis": _axis_layout(y_title),
        "legend": LEGEND,
        "margin": dict.fromkeys("lrtb", 8),
        "hoverlabel": {"align": "left", "font": {"size": 12}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "height": 480,
    }


def _axis_layout(title: str) -> Json:
    return {
        "automargin": True,
        "zeroline": False,
        "ticks": "outside",
        "title": {"text": title},
    }


def _to_json(figure: Any) -> Json:
    """The figure as JSON values only, not-a-number as null."""
    values: Json = json.loads(figure.to_json())
    return values
