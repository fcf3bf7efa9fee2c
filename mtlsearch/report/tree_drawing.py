"""Draws a sharing tree as a standalone SVG: inputs on the left, one column per level, the tasks' heads on the right."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

from mtlsearch.report.labels import clean, columns_of, shorten
from mtlsearch.sharing import SHARINGS

SHARED, PRIVATE, TIE = "#2f6fb2", "#8b95a3", "#c2571a"  # each readable on white and on near-black
COLUMN, BOX, GAP, TOP, STEM = 62.0, 38.0, 10.0, 26.0, 68.0  # pixels
CORNER = 5.0  # the radius of a box
NAME_WIDTH, SOURCE_WIDTH = 26, 10  # in terminal columns: a wide character takes two

Composition = Sequence[Mapping[str, Any]]


Row = str | tuple[int, int]  # a task, or an expert of a component


@dataclass(frozen=True)
class Node:
    """One stage: its level, its tasks and its place in pixels. `component` numbers the part of the composition.

    An expert, a branch that no task owns, has a number and no tasks.
    """

    component: int
    level: int
    tasks: tuple[str, ...]
    expert: int | None
    x: float
    top: float
    bottom: float

    @property
    def middle(self) -> float:
        """Vertical middle in pixels."""
        return (self.top + self.bottom) / 2

    @property
    def shared(self) -> bool:
        """True when more than one task uses this stage."""
        return len(self.tasks) > 1

    def follows(self, node: "Node", first: bool) -> bool:
        """Whether it takes its input from this node of the level before; a `first` expert does from what all tasks share."""
        own = self.expert is None or first
        return (
            node.expert is None and set(self.tasks) <= set(node.tasks)
            if own
            else node.expert == self.expert
        )


def draw_tree(
    composition: Composition, title: str, sources: Mapping[str, str] | None = None
) -> str:
    """Return a standalone, well-formed SVG document of the composition's trees.

    `composition` is the report's: components with `tasks`, `levels` (nested task names, input side first) and
    `settings`. `sources` maps a task to the name of its input table; without it every stem is called "input".
    """
    rows = _rows(composition)
    height = max(rows.values(), default=TOP) + _pitch(len(rows)) / 2 + 6
    depth = max((len(part["levels"]) for part in composition), default=0)
    width = (
        STEM
        + 12
        + depth * COLUMN
        + 8.2
        * min(NAME_WIDTH, max((columns_of(row) for row in rows if isinstance(row, str)), default=0))
        + 14
    )
    svg = _svg(width, height, title, _describe(composition, depth))
    for level in range(depth):
        _text(
            svg,
            f"level {level + 1}",
            _x(level) + BOX / 2,
            13,
            anchor="middle",
            size=10,
            opacity="0.65",
        )
    nodes = list(_nodes(composition, rows))
    for node in nodes:
        _draw_links(svg, node, nodes, rows)
    for node in (node for node in nodes if node.level == 0):
        _draw_stems(svg, node, composition[node.component]["tasks"], sources or {})
    for node in nodes:
        _draw_node(svg, node)
    for above, below in _ties(composition, nodes):
        _draw_tie(svg, above, below)
    for task, y in ((row, y) for row, y in rows.items() if isinstance(row, str)):
        _draw_head(svg, task, _x(depth), y)
    return ET.tostring(svg, encoding="unicode")


def _pitch(tasks: int) -> float:
    return 30.0 if tasks <= 12 else 24.0 if tasks <= 24 else 20.0


def _x(level: int) -> float:
    return STEM + 12 + level * COLUMN


def _rows(composition: Composition) -> dict[Row, float]:
    """Vertical middle of every task, ordered so that the tasks of each node are neighbours, and below them of the experts."""
    count = sum(len(part["tasks"]) + _experts(part) for part in composition)
    pitch, rows, y = _pitch(count), dict[Row, float](), TOP
    for number, part in enumerate(composition):
        places = [
            {task: place for place, node in enumerate(level) for task in node}
            for level in part["levels"]
        ]
        tasks = sorted(part["tasks"], key=lambda task: [place[task] for place in places])
        for row in (*tasks, *((number, expert) for expert in range(_experts(part)))):
            rows[row] = y + pitch / 2
            y += pitch
        y += GAP / 2
    return rows


def _experts(part: Mapping[str, Any]) -> int:
    return max(part.get("experts", ()), default=0)


def _nodes(composition: Composition, rows: Mapping[Row, float]) -> Iterator[Node]:
    half = (_pitch(len(rows)) - 6) / 2
    for number, part in enumerate(composition):
        for level, partition in enumerate(part["levels"]):
            for tasks in partition:
                ys = [rows[task] for task in tasks]
                ordered = tuple(sorted(tasks, key=lambda task: rows[task]))
                yield Node(number, level, ordered, None, _x(level), min(ys) - half, max(ys) + half)
            for expert in range(part["experts"][level] if "experts" in part else 0):
                y = rows[number, expert]
                yield Node(number, level, (), expert, _x(level), y - half, y + half)


def _ties(composition: Composition, nodes: Sequence[Node]) -> Iterator[tuple[Node, Node]]:
    """Neighbouring nodes of one level of a component whose separate branches are tied softly."""
    for number, part in enumerate(composition):
        settings = {"name": "none", **part["settings"].get("sharing", {})}
        for level in SHARINGS[settings.pop("name")](**settings).levels(len(part["levels"])):
            column = [node for node in nodes if node.component == number and node.level == level]
            column.sort(key=lambda node: node.top)
            experts = [node for node in column if node.expert is not None]
            if settings.get("private") and experts:
                yield from ((node, experts[0]) for node in column if node.expert is None)
                column = experts
            yield from pairwise(column)


def _describe(composition: Composition, depth: int) -> str:
    """The trees in words, for those who cannot see the drawing."""
    tasks, experts = (
        sum(len(part["tasks"]) for part in composition),
        sum(map(_experts, composition)),
    )
    trees = [
        " > ".join(" | ".join("+".join(node) for node in level) for level in part["levels"])
        for part in composition
    ]
    besides = f", {experts} experts that no task owns" if experts else ""
    shape = f"{tasks} tasks{besides}, {depth} levels from the inputs (left) to the heads (right)."
    return f"{shape} Parts that share nothing with each other: {' ; '.join(trees)}."


def _svg(width: float, height: float, title: str, description: str) -> ET.Element:
    size = {
        "width": f"{width:.0f}",
        "height": f"{height:.0f}",
        "viewBox": f"0 0 {width:.0f} {height:.0f}",
    }
    style = {
        "role": "img",
        "aria-label": clean(title),
        "font-family": "system-ui, sans-serif",
        "color": "currentColor",
    }
    svg = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size, **style})
    ET.SubElement(svg, "title").text = clean(title)
    ET.SubElement(svg, "desc").text = clean(description)
    return svg


def _draw_links(
    svg: ET.Element, node: Node, nodes: Sequence[Node], rows: Mapping[Row, float]
) -> None:
    """Lines from a node to its children, or to the heads of its tasks after the last level."""
    right, own = node.x + BOX, [n for n in nodes if n.component == node.component]
    first = not any(n.expert is not None for n in own if n.level == node.level)
    children = [n for n in own if n.level == node.level + 1 and n.follows(node, first)]
    if children:
        for child in children:
            _line(svg, right, min(child.middle, node.bottom - CORNER), child.x, child.middle)
        return
    end = max(n.x for n in nodes) + COLUMN - 4
    for task in node.tasks:
        _line(svg, right, rows[task], end, rows[task])


def _draw_stems(
    svg: ET.Element, node: Node, tasks: Sequence[str], sources: Mapping[str, str]
) -> None:
    """One pill for each input that flows into a node of the first level; into an expert flow all of its component's `tasks`."""
    names = list(dict.fromkeys(sources.get(task, "input") for task in node.tasks or tasks))
    names = names if node.tasks or len(names) == 1 else ["all inputs"]
    step = (node.bottom - node.top) / len(names)
    for number, name in enumerate(names):
        y = node.top + (number + 0.5) * step
        place = {
            "x": "2",
            "y": f"{y - 9:.1f}",
            "width": f"{STEM - 4:.1f}",
            "height": "18",
            "rx": "9",
        }
        pill = ET.SubElement(
            svg,
            "rect",
            {**place, "fill": "none", "stroke": "currentColor", "stroke-opacity": "0.45"},
        )
        ET.SubElement(pill, "title").text = clean(f"input adapter of {name}")
        _text(
            svg,
            shorten(name, SOURCE_WIDTH),
            STEM / 2,
            y + 3.5,
            anchor="middle",
            size=10,
            opacity="0.85",
        )
        _line(svg, STEM - 2, y, node.x, y)


def _draw_node(svg: ET.Element, node: Node) -> None:
    place = {
        "x": f"{node.x:.1f}",
        "y": f"{node.top:.1f}",
        "width": f"{BOX:.1f}",
        "height": f"{node.bottom - node.top:.1f}",
    }
    look = (
        {"fill": SHARED if node.shared else PRIVATE}
        if node.tasks
        else {"fill": "none", "stroke": TIE, "stroke-width": "1.5"}
    )
    box = ET.SubElement(svg, "rect", {**place, "rx": f"{CORNER:.0f}", **look})
    use = (
        f"shared by {len(node.tasks)} tasks: "
        if node.shared
        else "only for "
        if node.tasks
        else "an expert that no task owns"
    )
    ET.SubElement(box, "title").text = clean(
        f"level {node.level + 1}, {use}{', '.join(node.tasks)}"
    )
    if node.shared:
        _text(
            svg,
            f"×{len(node.tasks)}",
            node.x + BOX / 2,
            node.middle + 4,
            anchor="middle",
            size=12,
            fill="#ffffff",
        )


def _draw_tie(svg: ET.Element, above: Node, below: Node) -> None:
    x, start, end = above.x + BOX, above.bottom - 4, below.top + 4
    path = (
        f"M{x:.1f} {start:.1f} C{x + 15:.1f} {start:.1f} {x + 15:.1f} {end:.1f} {x:.1f} {end:.1f}"
    )
    look = {"fill": "none", "stroke": TIE, "stroke-width": "2", "stroke-dasharray": "3 2"}
    tie = ET.SubElement(svg, "path", {"d": path, **look})
    ET.SubElement(tie, "title").text = clean(f"level {above.level + 1}: softly tied")


def _draw_head(svg: ET.Element, task: str, x: float, y: float) -> None:
    place = {"cx": f"{x - 1:.1f}", "cy": f"{y:.1f}", "r": "4"}
    ET.SubElement(
        svg, "circle", {**place, "fill": "none", "stroke": "currentColor", "stroke-width": "1.5"}
    )
    text = _text(svg, shorten(task, NAME_WIDTH), x + 9, y + 4, anchor="start", size=13)
    ET.SubElement(text, "title").text = clean(task)


def _line(svg: ET.Element, x1: float, y1: float, x2: float, y2: float) -> None:
    ends = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}"}
    ET.SubElement(
        svg,
        "line",
        {**ends, "stroke": "currentColor", "stroke-opacity": "0.5", "stroke-width": "1.3"},
    )


def _text(
    svg: ET.Element,
    words: str,
    x: float,
    y: float,
    *,
    anchor: str,
    size: int,
    fill: str = "currentColor",
    opacity: str = "1",
) -> ET.Element:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "font-size": str(size)}
    element = ET.SubElement(svg, "text", {**place, "fill": fill, "fill-opacity": opacity})
    element.text = clean(words)
    return element
