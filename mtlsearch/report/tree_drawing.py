"""Draws a sharing tree as a standalone SVG.

Inputs stand on the left, then comes one column per level, and the tasks' heads are on the right.
"""

from collections.abc import Mapping

from mtlsearch.report.labels import shorten
from mtlsearch.report.model import Composition, ReportedComponent
from mtlsearch.report.svg import Drawing, Style
from mtlsearch.report.tree_layout import (
    BOX_WIDTH,
    COLUMN_WIDTH,
    NAME_COLUMNS,
    STEM_WIDTH,
    Node,
    TreeLayout,
    column_x,
    expert_count,
)

# Each color is readable on white and on near-black.
SHARED = "#2f6fb2"
PRIVATE = "#8b95a3"
SOFT = "#c2571a"

CORNER = 5.0  # the radius of a box
SOURCE_COLUMNS = 10  # room for a source's name in terminal columns

LINK: Style = {
    "stroke": "currentColor",
    "stroke-opacity": "0.5",
    "stroke-width": "1.3",
}
PILL: Style = {
    "fill": "none",
    "stroke": "currentColor",
    "stroke-opacity": "0.45",
}
SHARED_BOX: Style = {"fill": SHARED}
PRIVATE_BOX: Style = {"fill": PRIVATE}
EXPERT_BOX: Style = {
    "fill": "none",
    "stroke": SOFT,
    "stroke-width": "1.5",
}
SOFT_ARC: Style = {
    "fill": "none",
    "stroke": SOFT,
    "stroke-width": "2",
    "stroke-dasharray": "3 2",
}
HEAD: Style = {
    "fill": "none",
    "stroke": "currentColor",
    "stroke-width": "1.5",
}
HEAD_TEXT: Style = {"text-anchor": "start", "font-size": "13"}
LEVEL_TEXT: Style = {
    "text-anchor": "middle",
    "font-size": "10",
    "fill-opacity": "0.65",
}
SOURCE_TEXT: Style = {
    "text-anchor": "middle",
    "font-size": "10",
    "fill-opacity": "0.85",
}
BOX_TEXT: Style = {
    "text-anchor": "middle",
    "font-size": "12",
    "fill": "#ffffff",
}


def draw_tree(
    composition: Composition, title: str, sources: Mapping[str, str] | None = None
) -> str:
    """Return a standalone, well-formed SVG document of the composition's trees.

    `sources` maps a task to the name of its source; without it every stem is called "input".
    """
    layout = TreeLayout.of(composition)
    description = describe(composition, layout.depth)
    drawing = Drawing(layout.width, layout.height, title, description)
    _draw_level_numbers(drawing, layout)
    for node in layout.nodes:
        _draw_links(drawing, node, layout)
    for node in layout.nodes:
        if node.level == 0:
            component = composition[node.component]
            source_names = _source_names(node, component, sources or {})
            _draw_stems(drawing, node, source_names)
    for node in layout.nodes:
        _draw_node(drawing, node)
    for upper, lower in layout.soft_shared_pairs():
        _draw_soft_sharing(drawing, upper, lower)
    heads_x = column_x(layout.depth)
    for task, y in layout.task_rows.items():
        _draw_head(drawing, task, heads_x, y)
    return drawing.to_text()


def describe(composition: Composition, depth: int) -> str:
    """The trees in words, for those who cannot see the drawing."""
    tasks = sum(len(component.tasks) for component in composition)
    experts = sum(expert_count(component) for component in composition)
    trees = " ; ".join(_spell_tree(component) for component in composition)
    no_tasks = f", {experts} experts that no task owns" if experts else ""
    return (
        f"{tasks} tasks{no_tasks}, {depth} levels from the inputs (left) to the heads (right). "
        f"Parts that share nothing with each other: {trees}."
    )


def _spell_tree(component: ReportedComponent) -> str:
    levels = []
    for level in component.levels:
        nodes = ["+".join(node) for node in level]
        levels.append(" | ".join(nodes))
    return " > ".join(levels)


def _draw_level_numbers(drawing: Drawing, layout: TreeLayout) -> None:
    """The number of each level above its column."""
    for level in range(layout.depth):
        middle = column_x(level) + BOX_WIDTH / 2
        drawing.text(f"level {level + 1}", (middle, 13), LEVEL_TEXT)


def _draw_links(drawing: Drawing, node: Node, layout: TreeLayout) -> None:
    """Lines from a node to those it feeds, or to the heads of its tasks after the last level."""
    successors = layout.successors(node)
    for successor in successors:
        y = min(successor.middle, node.bottom - CORNER)
        start = (node.right, y)
        end = (successor.x, successor.middle)
        drawing.line(start, end, LINK)
    if successors:
        return
    last_column = max(other.x for other in layout.nodes)
    heads_x = last_column + COLUMN_WIDTH - 4
    for task in node.tasks:
        y = layout.rows[task]
        drawing.line((node.right, y), (heads_x, y), LINK)


def _source_names(
    node: Node, component: ReportedComponent, sources: Mapping[str, str]
) -> list[str]:
    """The inputs of a node of the first level.

    Into an expert flow those of all tasks of its component.
    """
    names = []
    for task in node.tasks or component.tasks:
        name = sources.get(task, "input")
        if name not in names:
            names.append(name)
    if node.expert is not None and len(names) > 1:
        return ["all inputs"]
    return names


def _draw_stems(drawing: Drawing, node: Node, source_names: list[str]) -> None:
    """One pill for each input of a node."""
    step = node.height / len(source_names)
    y = node.top + step / 2
    for name in source_names:
        corner = (2, y - 9)
        size = (STEM_WIDTH - 4, 18)
        drawing.box(corner, size, 9, PILL, f"input adapter of {name}")
        label = shorten(name, SOURCE_COLUMNS)
        drawing.text(label, (STEM_WIDTH / 2, y + 3.5), SOURCE_TEXT)
        drawing.line((STEM_WIDTH - 2, y), (node.x, y), LINK)
        y += step


def _draw_node(drawing: Drawing, node: Node) -> None:
    if node.expert is not None:
        style = EXPERT_BOX
        use = "an expert that no task owns"
    elif node.is_shared:
        style = SHARED_BOX
        use = f"shared by {len(node.tasks)} tasks: "
    else:
        style = PRIVATE_BOX
        use = "only for "
    tasks = ", ".join(node.tasks)
    corner = (node.x, node.top)
    size = (BOX_WIDTH, node.height)
    drawing.box(corner, size, CORNER, style, f"level {node.level + 1}, {use}{tasks}")
    if node.is_shared:
        middle = (node.x + BOX_WIDTH / 2, node.middle + 4)
        drawing.text(f"×{len(node.tasks)}", middle, BOX_TEXT)


def _draw_soft_sharing(drawing: Drawing, upper: Node, lower: Node) -> None:
    """An arc from the lower end of one node to the upper end of one below it."""
    top = upper.bottom - 4
    bottom = lower.top + 4
    tooltip = f"level {upper.level + 1}: softly tied"
    drawing.arc(upper.right, top, bottom, SOFT_ARC, tooltip)


def _draw_head(drawing: Drawing, task: str, x: float, y: float) -> None:
    drawing.circle((x - 1, y), 4, HEAD)
    name = shorten(task, NAME_COLUMNS)
    drawing.text(name, (x + 9, y + 4), HEAD_TEXT, tooltip=task)
