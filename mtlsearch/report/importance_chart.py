"""Draws what the columns are worth to a model: a bar for each of the most important ones."""

from collections.abc import Sequence

from mtlsearch.report.formatting import point
from mtlsearch.report.labels import shorten
from mtlsearch.report.model import ReportedColumnImportance
from mtlsearch.report.small_plot import MAIN, WIDTH
from mtlsearch.report.svg import Drawing, Style

MOST_BARS = 10
ROW_HEIGHT = 19.0
TOP = 26.0
BAR_LEFT = 130.0
BAR_RIGHT = 246.0
FIGURES_X = WIDTH - 4
NAME_COLUMNS = 17

TITLE_TEXT: Style = {"font-size": "12", "font-weight": "600"}
NAME_TEXT: Style = {"font-size": "11", "text-anchor": "end"}
FIGURES_TEXT: Style = {"font-size": "11", "text-anchor": "end"}
REST_TEXT: Style = {"font-size": "11", "fill-opacity": "0.75"}
BAR: Style = {"fill": MAIN, "fill-opacity": "0.7"}
WHISKER: Style = {"stroke": "currentColor", "stroke-opacity": "0.7"}
ZERO: Style = {"stroke": "currentColor", "stroke-opacity": "0.6"}


def importance_chart(importance: Sequence[ReportedColumnImportance]) -> str:
    """Draw the chart as a standalone SVG document; the columns come the most important first."""
    shown = importance[:MOST_BARS]
    rest = importance[MOST_BARS:]
    height = TOP + len(shown) * ROW_HEIGHT + (22.0 if rest else 6.0)
    words = [f"{entry.column}: {_figure(entry.loss)} points" for entry in shown]
    drawing = Drawing(WIDTH, height, "Points of skill lost without a column", "; ".join(words))
    drawing.text("Points of skill lost without a column", (4, 14), TITLE_TEXT)
    low = min(0.0, *(entry.low for entry in shown))
    high = max(1e-9, *(entry.high for entry in shown))

    def x(value: float) -> float:
        return BAR_LEFT + (value - low) / (high - low) * (BAR_RIGHT - BAR_LEFT)

    y = TOP
    for entry in shown:
        middle = y + ROW_HEIGHT / 2
        name = shorten(entry.column, NAME_COLUMNS)
        drawing.text(name, (BAR_LEFT - 8, middle + 4), NAME_TEXT, entry.column)
        start, stop = sorted([x(0.0), x(entry.loss)])
        tooltip = f"{entry.column}: {_figure(entry.low)} to {_figure(entry.high)} points"
        drawing.box((start, y + 3), (stop - start, ROW_HEIGHT - 6), 2.0, BAR, tooltip)
        drawing.line((x(entry.low), middle), (x(entry.high), middle), WHISKER)
        drawing.text(_figure(entry.loss), (FIGURES_X, middle + 4), FIGURES_TEXT)
        y += ROW_HEIGHT
    drawing.line((x(0.0), TOP), (x(0.0), y), ZERO)
    if rest:
        more = f"and {len(rest)} more, of at most {_figure(rest[0].loss)} points"
        drawing.text(more, (4, y + 15), REST_TEXT)
    return drawing.to_text()


def _figure(loss: float) -> str:
    """A loss without a plus: it is one already."""
    return point(loss).replace("+", "")
