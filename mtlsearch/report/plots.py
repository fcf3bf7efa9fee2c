"""Builds the report's interactive plots as plain JSON for plotly.js: the Pareto plot and the search history."""

import html
import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from plotly import graph_objects as go

from mtlsearch.report.candidates import called
from mtlsearch.report.labels import shorten

SEARCHED = "searched"
COLORS = ("#3b85d6", "#d9772b", "#3a9d6e", "#a45bb0", "#8b7a2e", "#4aa3b5", "#8b95a3")
SYMBOLS = ("circle", "square", "triangle-up", "cross", "diamond", "star", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid")
FRONT = "#d1344b"
HOVER_COLUMNS, HOVER_LINES = 60, 8

Json = dict[str, Any]


def pareto_plot(report: Mapping[str, Any]) -> Json:
    """Return `{"figure", "axes", "x", "y"}`: a scatter of all candidates and what its two axes may show.

    `axes[i]["values"]` holds one list per trace of the figure, in the order of the traces; `x` and `y` number the
    axes that are shown first.
    """
    groups = _groups(report)
    axes = [_axis(axis, groups) for axis in _choices(report["tasks"])]
    traces = [_scatter(arm, points, order) for order, (arm, points) in enumerate(groups[:-1])] + [
        _ring(groups[-1][1])
    ]
    x, y = (0, 1) if len(report["tasks"]) > 1 else (0, len(report["tasks"]))
    for trace, at_x, at_y in zip(traces, axes[x]["values"], axes[y]["values"], strict=True):
        trace.update(x=at_x, y=at_y)
    figure = go.Figure(traces, _layout(axes[x]["title"], axes[y]["title"]))
    return {"figure": _plain(figure), "axes": axes, "x": x, "y": y}


def history_plot(report: Mapping[str, Any]) -> Json:
    """Return `{"figure"}`: for every arm the best validation gain so far against the candidates trained."""
    traces = [
        _climb(arm, points, order)
        for order, (arm, points) in enumerate(_groups(report)[:-1])
        if points
    ]
    figure = go.Figure(traces, _layout("candidates trained", "best validation gain so far, %"))
    return {"figure": _plain(figure)}


def _groups(report: Mapping[str, Any]) -> list[tuple[str, list[Json]]]:
    """The points of each arm, `searched` first, and at the end the points of the front."""
    names = dict.fromkeys(
        [arm["name"] for arm in report["arms"]] + [point["arm"] for point in report["points"]]
    )
    arms = sorted(names, key=lambda name: name != SEARCHED)
    groups = [(arm, [point for point in report["points"] if point["arm"] == arm]) for arm in arms]
    return [*groups, ("front", [point for point in report["points"] if point["front"]])]


def _choices(tasks: Sequence[Mapping[str, Any]]) -> list[Json]:
    """What an axis may show: every task's metric, then cost and gain."""
    scores = [
        _choice(task["name"], f" · {task['metric']}", task["higher_is_better"], task["name"])
        for task in tasks
    ]
    cost = [_choice("parameters", "", False), _choice("MACs per example", "", False)]
    return [*scores, *cost, _choice("validation gain", ", %", True)]


def _choice(name: str, unit: str, higher: bool, task: str | None = None) -> Json:
    better = "higher is better →" if higher else "← lower is better"
    title = f"{html.escape(shorten(name, 20) + unit)}<br><sub>{better}</sub>"
    return {"label": name + unit, "title": title, "task": task}


_FIELDS = {
    "parameters": "parameters",
    "MACs per example": "macs_per_example",
    "validation gain, %": "gain",
}


def _axis(choice: Json, groups: Sequence[tuple[str, Sequence[Json]]]) -> Json:
    task, label = choice["task"], choice["label"]
    values = [
        [p["estimates"].get(task) if task is not None else p[_FIELDS[label]] for p in points]
        for _, points in groups
    ]
    return {
        "label": label,
        "title": choice["title"],
        "values": [[_round(value) for value in trace] for trace in values],
    }


def _round(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")


def _scatter(arm: str, points: Sequence[Json], order: int) -> Any:
    searched = arm == SEARCHED
    look = {
        "color": _turn(COLORS, order),
        "symbol": _turn(SYMBOLS, order),
        "size": 8 if searched else 9,
    }
    texts = [_hover(point) for point in points]
    opacity = 0.75 if searched else 0.85
    return go.Scatter(
        mode="markers",
        name=_label(arm),
        marker=look,
        opacity=opacity,
        hovertext=texts,
        hoverinfo="text",
    )


def _ring(points: Sequence[Json]) -> Any:
    look = {"color": FRONT, "symbol": "circle-open", "size": 16, "line": {"width": 2}}
    return go.Scatter(
        mode="markers", name=f"on the front ({len(points)})", marker=look, hoverinfo="skip"
    )


def _climb(arm: str, points: Sequence[Json], order: int) -> Any:
    best = [
        _round(value)
        for value in accumulate(
            (point["gain"] for point in points if point["candidate"] is not None), max
        )
    ]
    line = {
        "color": _turn(COLORS, order),
        "dash": _turn(DASHES, order),
        "width": 2.5,
        "shape": "hv",
    }
    mode = "lines" if len(best) > 1 else "markers"
    return go.Scatter(
        x=list(range(1, len(best) + 1)), y=best, mode=mode, name=_label(arm), line=line
    )


def _turn(values: Sequence[str], order: int) -> str:
    return values[order % len(values)]


def _label(arm: str) -> str:
    return html.escape(shorten(arm, 30))


def _hover(point: Mapping[str, Any]) -> str:
    """What the pointer shows; names are escaped because plotly reads a few HTML tags in texts."""
    known = point["scores"] or point["estimates"]
    scores = [
        f"{html.escape(shorten(task, 30))}: {value:.4g}"
        for task, value in list(known.items())[:HOVER_LINES]
    ]
    more = [f"… and {len(known) - HOVER_LINES} more tasks"] if len(known) > HOVER_LINES else []
    tree = textwrap.wrap(point["tree"], HOVER_COLUMNS, max_lines=HOVER_LINES, placeholder=" …")
    head = f"<b>{_label(point['arm'])} · {called(point['candidate'])}</b> · gain {point['gain']:+.1f} %"
    cost = f"{point['parameters']:,} parameters"
    return "<br>".join([head, *scores, *more, cost, *map(html.escape, tree)])


def _layout(x: str, y: str) -> Json:
    axis = {"automargin": True, "zeroline": False, "ticks": "outside"}
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return {
        "template": None,
        "xaxis": {**axis, "title": {"text": x}},
        "yaxis": {**axis, "title": {"text": y}},
        "legend": legend,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hoverlabel": {"align": "left", "font": {"size": 12}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "height": 480,
    }


def _plain(figure: Any) -> Json:
    """The figure as JSON values only, not-a-number as null."""
    plain: Json = json.loads(figure.to_json())
    return plain
