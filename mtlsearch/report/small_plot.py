"""A small plot with two axes, one of the many that stand side by side on the page."""

from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.report.labels import shorten
from mtlsearch.report.svg import Drawing, Point, Style
from mtlsearch.report.ticks import round_ticks, spell_tick

WIDTH = 300.0
HEIGHT = 232.0
LEFT = 48.0
RIGHT = 288.0
TOP = 26.0
BOTTOM = 186.0
MOST_TICKS = 5
TITLE_COLUMNS = 38

MAIN = "#3b85d6"
BESIDE = "#d9772b"
GRID: Style = {"stroke": "currentColor", "stroke-opacity": "0.14"}
RULE: Style = {"stroke": "currentColor", "stroke-opacity": "0.6", "stroke-dasharray": "4 3"}
TITLE_TEXT: Style = {"font-size": "12", "font-weight": "600"}
TICK_TEXT: Style = {"font-size": "11", "fill-opacity": "0.75"}
X_TICK_TEXT: Style = {**TICK_TEXT, "text-anchor": "middle"}
Y_TICK_TEXT: Style = {**TICK_TEXT, "text-anchor": "end"}


@dataclass(frozen=True)
class Axis:
    """The values that an axis spans, and what they are."""

    label: str
    low: float
    high: float

    @classmethod
    def around(cls, label: str, values: Sequence[float]) -> "Axis":
        """An axis with some air around values."""
        low = min(values)
        high = max(values)
        air = 0.04 * (high - low) or abs(high) / 2 or 1.0
        return cls(label, low - air, high + air)

    def share(self, value: float) -> float:
        """How far along the axis a value is, from 0 to 1; beyond the ends that of the end."""
        share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)


class SmallPlot:
    """A drawing of lines, dots and bars between two axes."""

    def __init__(self, title: str, description: str, x: Axis, y: Axis) -> None:
        """Begin with the axes, their grid and the title above."""
        self.x = x
        self.y = y
        self.drawing = Drawing(WIDTH, HEIGHT, title, description)
        self.drawing.text(shorten(title, TITLE_COLUMNS), (LEFT, 14), TITLE_TEXT, title)
        for tick in round_ticks(x.low, x.high, MOST_TICKS):
            across, _ = self.place((tick, y.low))
            self.drawing.line((across, TOP), (across, BOTTOM), GRID)
            self.drawing.text(spell_tick(tick), (across, BOTTOM + 15), X_TICK_TEXT)
        for tick in round_ticks(y.low, y.high, MOST_TICKS):
            _, down = self.place((x.low, tick))
            self.drawing.line((LEFT, down), (RIGHT, down), GRID)
            self.drawing.text(spell_tick(tick), (LEFT - 6, down + 4), Y_TICK_TEXT)
        middle = (LEFT + RIGHT) / 2
        self.drawing.text(f"{y.label} against {x.label}", (middle, HEIGHT - 8), X_TICK_TEXT)

    def place(self, point: Point) -> Point:
        """Where values are, in pixels."""
        x, y = point
        across = LEFT + self.x.share(x) * (RIGHT - LEFT)
        down = BOTTOM - self.y.share(y) * (BOTTOM - TOP)
        return across, down

    def line(self, points: Sequence[Point], style: Style, tooltip: str | None = None) -> None:
        """Draw a line through points."""
        self.drawing.path([self.place(point) for point in points], style, tooltip)

    def dots(self, points: Sequence[Point], size: float, style: Style) -> None:
        """Draw a dot at each point."""
        self.drawing.dots([self.place(point) for point in points], size, style)

    def bar(self, start: float, stop: float, height: float, style: Style, tooltip: str) -> None:
        """Draw a bar from the lower end of the y axis, between two values of x."""
        left, top = self.place((start, height))
        right, bottom = self.place((stop, self.y.low))
        self.drawing.box((left, top), (right - left, bottom - top), 0.0, style, tooltip)

    def to_text(self) -> str:
        """The document."""
        return self.drawing.to_text()
