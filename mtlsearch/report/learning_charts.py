"""Draws how the models of two arms learned: a plot of each, on one scale, a line for each seed."""

from collections.abc import Sequence

from mtlsearch.report.model import ReportedCurve, ReportedDiagnosis
from mtlsearch.report.small_plot import BESIDE, MAIN, RULE, Axis, SmallPlot
from mtlsearch.report.svg import Point

HIGHEST_LOSS = 1.5  # times that of the best constant; what is above is drawn at the top
MOST_POINTS = 32  # of a line
SOLID_OPACITY = "0.75"
DASHES = "2 3"


def learning_charts(diagnosis: ReportedDiagnosis, task: str) -> list[str]:
    """Draw the curves of the component that holds a task: of the recommended arm, and beside it.

    Each is a standalone SVG document. An arm is left out that has no curve.
    """
    by_arm: dict[str, list[ReportedCurve]] = {}
    for curve in diagnosis.curves:
        if task in curve.tasks and curve.validation:
            by_arm.setdefault(curve.arm, []).append(curve)
    if not by_arm:
        return []
    curves = [curve for of_arm in by_arm.values() for curve in of_arm]
    x, y = _axes(curves)
    charts = []
    for arm, of_arm in by_arm.items():
        color = MAIN if arm == diagnosis.arm else BESIDE
        charts.append(_chart(arm, of_arm, color, (x, y)))
    return charts


def trained_with(diagnosis: ReportedDiagnosis, task: str) -> dict[str, list[str]]:
    """Return by arm the other tasks whose losses are in a task's curves, where there are any."""
    others = {}
    for curve in diagnosis.curves:
        if task in curve.tasks and len(curve.tasks) > 1:
            others[curve.arm] = [name for name in curve.tasks if name != task]
    return others


def _axes(curves: Sequence[ReportedCurve]) -> tuple[Axis, Axis]:
    epochs = max(len(curve.validation) for curve in curves)
    losses = [1.0]
    for curve in curves:
        losses += [*curve.validation, *curve.training]
    top = min(max(losses), HIGHEST_LOSS)
    bottom = min(0.0, *losses)
    return Axis("epoch", 0.0, float(epochs)), Axis("loss", bottom, top)


def _chart(
    arm: str,
    curves: Sequence[ReportedCurve],
    color: str,
    axes: tuple[Axis, Axis],
) -> str:
    x, y = axes
    seeds = f"{len(curves)} seed{'s' if len(curves) > 1 else ''}"
    last = ", ".join(f"{curve.validation[-1]:.3g}" for curve in curves)
    description = f"Validation loss of {arm} after the last epoch, seed by seed: {last}"
    plot = SmallPlot(f"Learning: {arm}, {seeds}", description, x, y)
    plot.line([(x.low, 1.0), (x.high, 1.0)], RULE, "the best constant")
    for curve in curves:
        dashed = {
            "stroke": color,
            "stroke-width": "1.2",
            "stroke-opacity": SOLID_OPACITY,
            "stroke-dasharray": DASHES,
        }
        solid = {"stroke": color, "stroke-width": "1.5", "stroke-opacity": SOLID_OPACITY}
        if curve.training:
            plot.line(_thinned(curve.training), dashed, f"training, seed {curve.seed}")
        plot.line(_thinned(curve.validation), solid, f"validation, seed {curve.seed}")
    return plot.to_text()


def _thinned(losses: Sequence[float]) -> list[Point]:
    """Losses after epochs 1, 2, ...; of many some at even distances, with both ends."""
    points = [(float(epoch), loss) for epoch, loss in enumerate(losses, start=1)]
    if len(points) == 1:
        return [(0.5, losses[0]), (1.0, losses[0])]
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(number * step)] for number in range(MOST_POINTS)]
