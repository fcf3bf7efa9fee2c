"""Renders `report.json` as one self-contained HTML page; a pure function of the dict."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml
from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from mtlsearch.report.candidates import called
from mtlsearch.report.plots import history_plot, pareto_plot
from mtlsearch.report.tree_drawing import draw_tree

MAPPED = 16  # most tasks that the map of affinities shows
CARDS = 12  # most trees of the front that are drawn
BASELINE = "single_task"
_TEMPLATE = "report.html.j2"

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One task of the comparison with single-task, ready to print."""

    name: str
    metric: str
    ours: str
    baseline: str
    difference: str
    result: str | None


def render_page(report: Json) -> str:
    """Return the HTML page of a report that follows `report.schema.json`.

    The page needs no network; every string of the report is escaped. An unfinished report renders as far as it goes.
    """
    template = _environment().get_template(_TEMPLATE)
    static = {
        "style": _static("style.css"),
        "script": _static("report.js"),
        "plotly": _static("plotly-basic.min.js"),
    }
    plots = (
        {"pareto": pareto_plot(report), "history": history_plot(report)}
        if report["points"]
        else None
    )
    ties = sum(entry["tie"] for entry in report["front"])
    parts: dict[str, Any] = {"affinity": _affinity(report), "references": _references(report)}
    parts |= {
        "chosen": _chosen(report),
        "arms": _arms(report),
        "cards": _cards(report),
        "ties": ties,
        "space": _spell_space(report),
    }
    return template.render(report=report, static=static, plots=plots, baseline=BASELINE, **parts)


@cache
def _environment() -> Environment:
    loader = DictLoader({_TEMPLATE: _read(_TEMPLATE), "parts.html.j2": _read("parts.html.j2")})
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent, count=count, duration=duration, number=number, interval=interval
    )
    return environment


def _read(name: str) -> str:
    return (files("mtlsearch.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _static(name: str) -> Markup:
    return Markup(_read(name))


def _chosen(report: Json) -> dict[str, Any] | None:
    """The confirmed model to show at the top: its drawing and its tasks beside single-task."""
    if report["verdict"] is None or not report["confirmed"]:
        return None
    models = {model["arm"]: model for model in report["confirmed"]}
    model = models.get(report["verdict"]["recommended"])
    if model is None:
        return None
    arm = (
        report["verdict"]["arm"]
        if model["arm"] == BASELINE and report["verdict"]["arm"] in models
        else model["arm"]
    )
    comparison = next(
        (comparison for comparison in report["comparisons"] if comparison["arm"] == arm), None
    )
    rows = [_row(task, models[arm], models.get(BASELINE), comparison) for task in report["tasks"]]
    seeds = max((len(scores) for scores in model["test"].values()), default=0)
    drawing = _draw(
        report, model["composition"], f"Recommended: the sharing tree of {model['arm']}"
    )
    return {
        "model": model,
        "arm": arm,
        "rows": rows,
        "comparison": comparison,
        "seeds": seeds,
        "drawing": drawing,
    }


def _row(task: Json, model: Json, baseline: Json | None, comparison: Json | None) -> Row:
    name = task["name"]
    outcome = comparison["tasks"].get(name) if comparison else None
    arrow = "higher is better" if task["higher_is_better"] else "lower is better"
    return Row(
        name=name,
        metric=f"{task['metric']}, {arrow}",
        ours=_with_error(model, name),
        baseline=_with_error(baseline, name) if baseline else "–",
        difference=interval(outcome["difference"]) if outcome else "–",
        result=outcome["result"] if outcome else None,
    )


def _with_error(model: Json, task: str) -> str:
    mean, error = model["mean"].get(task), model["standard_error"].get(task)
    return (
        number(mean, error) if error is None else f"{number(mean, error)} ± {number(error, error)}"
    )


def _arms(report: Json) -> list[dict[str, Any]]:
    """The table of arms; `gain` is the confirmed test gain, null where there is none."""
    gains = {comparison["arm"]: comparison["gain"] for comparison in report["comparisons"]}
    confirmed = {model["arm"] for model in report["confirmed"]}
    return [
        {**arm, "gain": gains.get(arm["name"]), "confirmed": arm["name"] in confirmed}
        for arm in report["arms"]
    ]


def _affinity(report: Json) -> dict[str, Any] | None:
    """The map of who helps whom: a row per task that gains or loses, a cell per task it shares all levels with."""
    if report["affinity"] is None:
        return None
    pairs = {(pair["task"], pair["other"]): pair["levels"] for pair in report["affinity"]["pairs"]}
    names = [task["name"] for task in report["tasks"]][:MAPPED]
    rows = [(name, [_cell(pairs.get((name, other))) for other in names]) for name in names]
    sure = sum(levels[-1]["low"] > 0 or levels[-1]["high"] < 0 for levels in pairs.values())
    return {**report["affinity"], "names": names, "rows": rows, "sure": sure, "all": len(pairs)}


def _cell(levels: Sequence[Json] | None) -> dict[str, Any] | None:
    """A cell is as colourful as its effect is sure."""
    if levels is None:
        return None
    whole = levels[-1]
    sure = "helps" if whole["low"] > 0 else "harms" if whole["high"] < 0 else ""
    by_depth = "; ".join(
        f"levels 1 to {number}: {interval(each, ' %')}" for number, each in enumerate(levels, 1)
    )
    tone = "var(--good)" if whole["mean"] > 0 else "var(--bad)"
    reach = (whole["high"] - whole["low"]) / 2
    strength = round(45 * min(1.0, abs(whole["mean"]) / reach)) if reach else 45
    return {
        "text": f"{_signed(whole['mean'], reach)} %",
        "sure": sure,
        "title": by_depth,
        "tone": tone,
        "strength": strength,
    }


def _references(report: Json) -> list[dict[str, Any]]:
    """Per task the mean test scores of scikit-learn's models and of the recommended one."""
    models = {model["arm"]: model for model in report["confirmed"]}
    model = models.get(report["verdict"]["recommended"]) if report["verdict"] else None
    if model is None or not report["references"]:
        return []
    rows = []
    for task in report["tasks"]:
        scores = {each["name"]: each["mean"].get(task["name"]) for each in report["references"]}
        known = [score for score in scores.values() if score is not None]
        best = (max if task["higher_is_better"] else min)(known) if known else None
        own = model["mean"][task["name"]]
        beaten = best is not None and (best > own if task["higher_is_better"] else best < own)
        rows.append({"task": task, "own": own, "scores": scores, "beaten": beaten})
    return rows


def _cards(report: Json) -> list[dict[str, Any]]:
    """The best of the front by gain, each with its drawing and its settings in words."""
    best = sorted(report["front"], key=lambda entry: -entry["gain"])[:CARDS]
    return [_card(report, entry) for entry in best]


def _card(report: Json, entry: Json) -> dict[str, Any]:
    which = called(entry["candidate"])
    drawing = _draw(report, entry["composition"], f"Sharing tree of {entry['arm']}, {which}")
    scores = [(task, entry["scores"].get(task["name"])) for task in report["tasks"]]
    settings = list(
        dict.fromkeys(spell_settings(part["settings"]) for part in entry["composition"])
    )
    return {**entry, "which": which, "drawing": drawing, "rows": scores, "settings": settings}


def _draw(report: Json, composition: Sequence[Json], title: str) -> Markup:
    return Markup(
        draw_tree(composition, title, {task["name"]: task["source"] for task in report["tasks"]})
    )


def _spell_space(report: Json) -> str:
    """The search space as the YAML that a user would write."""
    return str(yaml.safe_dump(report["space"], allow_unicode=True, sort_keys=False))


def spell_settings(settings: Json) -> str:
    """A candidate's settings in one line: `backbone mlp, width 64 · sharing none · optimizer learning_rate 0.003`."""
    return " · ".join(
        f"{part} {_spell_part(fields)}".rstrip()
        for part, fields in settings.items()
        if part != "tree"
    )


def _spell_part(fields: Any) -> str:
    if not isinstance(fields, Mapping):
        return _spell_value(fields)
    name = [str(fields["name"])] if "name" in fields else []
    return ", ".join(
        [
            *name,
            *(
                f"{key} {_spell_value(value)}"
                for key, value in fields.items()
                if key != "name" and value is not None
            ),
        ]
    )


def _spell_value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_spell_value, value)) + "]"
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def number(value: float | None, error: float | None = None) -> str:
    """Print with the digits that its error (half an interval, a standard error) supports, otherwise four."""
    if value is None or not math.isfinite(value):
        return "–"
    if not error or not math.isfinite(error):
        return _minus(f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}")
    decimals = min(8, max(0, 1 - math.floor(math.log10(abs(error)))))
    return _minus(f"{value:,.{decimals}f}")


def interval(value: Json | None, unit: str = "") -> str:
    """`+1.3 [−0.2, +2.8]`; the ends are left out where they are unknown."""
    if value is None or value["mean"] is None:
        return "–"
    low, high = value["low"], value["high"]
    if low is None or high is None:
        return _signed(value["mean"], None) + unit
    error = (high - low) / 2
    return f"{_signed(value['mean'], error)} [{_signed(low, error)}, {_signed(high, error)}]{unit}"


def _signed(value: float, error: float | None) -> str:
    text = number(value, error)
    return text if value < 0 or set(text) <= set("0.") else f"+{text}"


def percent(value: float | None) -> str:
    """A gain with its sign: `+3.2 %`."""
    if value is None or not math.isfinite(value):
        return "–"
    return _minus(f"{value:+.1f}") + "\u202f%"


def count(value: float) -> str:
    """A whole number with separators: `21,345`."""
    return f"{value:,.0f}"


def duration(seconds: float) -> str:
    """`41 s`, `12 min 34 s` or `3 h 20 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _minus(text: str) -> str:
    return text.replace("-", "−")
