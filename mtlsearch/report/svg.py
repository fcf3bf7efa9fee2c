"""A standalone SVG document to draw on: boxes, lines, circles, arcs and texts."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from mtlsearch.report.labels import clean

Style = dict[str, str]  # SVG attributes that say how a shape looks
Point = tuple[float, float]  # x from the left, y from the top


class Drawing:
    """An SVG document; its title and description are for those who cannot see it.

    All lengths are in pixels.
    """

    def __init__(self, width: float, height: float, title: str, description: str) -> None:
        """Begin with an empty sheet."""
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": f"{width:.0f}",
                "height": f"{height:.0f}",
                "viewBox": f"0 0 {width:.0f} {height:.0f}",
                "role": "img",
                "aria-label": clean(title),
                "font-family": "system-ui, sans-serif",
                "color": "currentColor",
            },
        )
        ET.SubElement(self._root, "title").text = clean(title)
        ET.SubElement(self._root, "desc").text = clean(description)

    def to_text(self) -> str:
        """The document."""
        return ET.tostring(self._root, encoding="unicode")

    def box(
        self,
        corner: Point,
        size: Point,
        radius: float,
        style: Style,
        tooltip: str,
    ) -> None:
        """Draw a box with round corners; `corner` is the upper left one."""
        x, y = corner
        width, height = size
        place = {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "width": f"{width:.1f}",
            "height": f"{height:.1f}",
            "rx": f"{radius:.0f}",
        }
        box = ET.SubElement(self._root, "rect", {**place, **style})
        ET.SubElement(box, "title").text = clean(tooltip)

    def line(self, start: Point, end: Point, style: Style) -> None:
        """Draw a straight line."""
        x1, y1 = start
        x2, y2 = end
        ends = {
            "x1": f"{x1:.1f}",
            "y1": f"{y1:.1f}",
            "x2": f"{x2:.1f}",
            "y2": f"{y2:.1f}",
        }
        ET.SubElement(self._root, "line", {**ends, **style})

    def arc(self, x: float, top: float, bottom: float, style: Style, tooltip: str) -> None:
        """Draw an arc that bulges to the right between two points below each other."""
        bulge = x + 15
        curve = f"C{bulge:.1f} {top:.1f} {bulge:.1f} {bottom:.1f} {x:.1f} {bottom:.1f}"
        path = f"M{x:.1f} {top:.1f} {curve}"
        arc = ET.SubElement(self._root, "path", {"d": path, **style})
        ET.SubElement(arc, "title").text = clean(tooltip)

    def circle(self, center: Point, radius: float, style: Style) -> None:
        """Draw a circle."""
        x, y = center
        place = {
            "cx": f"{x:.1f}",
            "cy": f"{y:.1f}",
            "r": f"{radius:.0f}",
        }
        ET.SubElement(self._root, "circle", {**place, **style})

    def path(self, points: Sequence[Point], style: Style, tooltip: str | None = None) -> None:
        """Draw straight lines from point to point."""
        steps = [f"{x:.1f} {y:.1f}" for x, y in points]
        attributes = {"d": "M" + "L".join(steps), "fill": "none", **style}
        line = ET.SubElement(self._root, "path", attributes)
        if tooltip is not None:
            ET.SubElement(line, "title").text = clean(tooltip)

    def dots(self, points: Sequence[Point], size: float, style: Style) -> None:
        """Draw a dot at each point, all of them as one shape: strokes without length."""
        steps = [f"M{x:.1f} {y:.1f}h0" for x, y in points]
        look = {"stroke-width": f"{size:g}", "stroke-linecap": "round"}
        ET.SubElement(self._root, "path", {"d": "".join(steps), "fill": "none", **look, **style})

    def text(self, words: str, place: Point, style: Style, tooltip: str | None = None) -> None:
        """Write words; what `place` is to them says the `text-anchor` of the style."""
        x, y = place
        attributes = {
            "x": f"{x:.1f}",
            "y": f"{y:.1f}",
            "fill": "currentColor",
            "fill-opacity": "1",
            **style,
        }
        element = ET.SubElement(self._root, "text", attributes)
        element.text = clean(words)
        if tooltip is not None:
            ET.SubElement(element, "title").text = clean(tooltip)
