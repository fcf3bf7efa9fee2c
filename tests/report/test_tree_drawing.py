"""The drawing of a tree is well-formed SVG that shows every task, for every size and name."""

from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from mtlsearch.report.labels import shorten
from mtlsearch.report.tree_drawing import SOFT, draw_tree
from tests.support.sample_report import component, composition

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["<script>alert(1)</script>", 'a"b&c', "\x00\x0b\ud800", "体重予測" * 12, "ü" * 80]
APART = [["a"], ["b"]]
TOGETHER = [["a", "b"]]
MIXED = component(
    ["a", "b"],
    [TOGETHER, APART, APART, APART],
    experts=[0, 2, 2, 0],
    soft_shared_levels=[3],
)


def _names(tasks: int) -> list[str]:
    return [f"task {number}" for number in range(tasks)]


def _boxes(svg: ET.Element, words: str) -> list[ET.Element]:
    """The boxes whose tooltip holds these words."""
    return [box for box in svg.iter(f"{SVG}rect") if words in box[0].text]


def _right(box: ET.Element) -> float:
    return float(box.attrib["x"]) + float(box.attrib["width"])


def _lines_from(svg: ET.Element, x: float) -> int:
    return sum(abs(float(line.attrib["x1"]) - x) < 0.1 for line in svg.iter(f"{SVG}line"))


def _arcs(svg: ET.Element) -> list[ET.Element]:
    return [path for path in svg.iter(f"{SVG}path") if path.attrib["stroke"] == SOFT]


@pytest.mark.parametrize("tasks", [2, 3, 7, 20, 50])
@pytest.mark.parametrize("levels", [1, 4, 8])
@pytest.mark.parametrize("soft_shared", [False, True])
def test_is_well_formed_and_inside_its_frame(tasks: int, levels: int, soft_shared: bool) -> None:
    parts = composition(_names(tasks), levels, tasks + levels, soft_shared)
    svg = ET.fromstring(draw_tree(parts, "a tree"))
    width = float(svg.attrib["width"])
    height = float(svg.attrib["height"])
    assert len(svg.findall(f"{SVG}circle")) == tasks
    for box in svg.findall(f"{SVG}rect"):
        place = {key: float(box.attrib[key]) for key in ("x", "y", "width", "height")}
        assert place["x"] >= 0 and place["x"] + place["width"] <= width
        assert place["y"] >= 0 and place["y"] + place["height"] <= height
        assert place["height"] > 8


@pytest.mark.parametrize("seed", range(10))
def test_boxes_of_a_level_do_not_overlap(seed: int) -> None:
    svg = ET.fromstring(draw_tree(composition(_names(9), 4, seed), "a tree"))
    columns: dict[str, list[tuple[float, float]]] = {}
    for box in svg.findall(f"{SVG}rect"):
        top = float(box.attrib["y"])
        bottom = top + float(box.attrib["height"])
        columns.setdefault(box.attrib["x"], []).append((top, bottom))
    for column in columns.values():
        assert all(upper[1] < lower[0] for upper, lower in pairwise(sorted(column)))


def test_has_title_and_description_and_escapes_hostile_names() -> None:
    text = draw_tree(composition(HOSTILE, 3, 1), "T & <title>")
    svg = ET.fromstring(text)
    assert svg[0].text == "T & <title>"
    assert svg[1].tag == f"{SVG}desc"
    assert "<script" not in text
    assert any(element.text and element.text.endswith("…") for element in svg.iter(f"{SVG}text"))


def test_the_description_tells_the_trees() -> None:
    separate = [component(["a"], [[["a"]], [["a"]]]), component(["b"], [[["b"]], [["b"]]])]
    svg = ET.fromstring(draw_tree(tuple(separate), "two"))
    assert svg[1].text == (
        "2 tasks, 2 levels from the inputs (left) to the heads (right). "
        "Parts that share nothing with each other: a > a ; b > b."
    )


def test_soft_sharing_is_drawn_only_where_there_is_any() -> None:
    assert SOFT in draw_tree(composition(_names(3), 2, 4, soft_shared=True), "soft")
    assert SOFT not in draw_tree(composition(_names(3), 2, 4, soft_shared=False), "separate")


@pytest.mark.parametrize("levels", [(1, 2, 3), (2, 3), (1,), ()])
def test_soft_sharing_is_drawn_on_its_levels(levels: tuple[int, ...]) -> None:
    part = component(["a", "b"], [APART, APART, APART], soft_shared_levels=levels)
    text = draw_tree((part,), "some levels")
    assert text.count("softly tied") == len(levels)
    for level in levels:
        assert f"level {level}: softly tied" in text


def test_every_source_of_a_shared_stage_gets_its_stem() -> None:
    shared = (component(["a", "b"], [TOGETHER]),)
    text = draw_tree(shared, "two inputs", {"a": "visits", "b": "images"})
    assert "input adapter of visits" in text and "input adapter of images" in text
    assert draw_tree(shared, "unnamed").count("input adapter") == 1


def test_an_empty_composition_is_drawn_as_nothing() -> None:
    assert ET.fromstring(draw_tree((), "nothing")).findall(f"{SVG}rect") == []


def test_shorten_counts_wide_characters_twice() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
    assert shorten("体重予測", 5) == "体重…"


def test_experts_have_boxes_from_where_the_tasks_part_and_no_heads() -> None:
    svg = ET.fromstring(draw_tree((MIXED,), "mixed"))
    words = "an expert that no task owns"
    counts = [len(_boxes(svg, f"level {level}, {words}")) for level in (1, 2, 3, 4)]
    assert counts == [0, 2, 2, 0]
    assert len(svg.findall(f"{SVG}circle")) == 2
    assert "2 tasks, 2 experts" in svg[1].text


def test_experts_go_on_from_the_trunk_and_then_from_themselves() -> None:
    svg = ET.fromstring(draw_tree((MIXED,), "mixed"))
    ends = sorted({_right(box) for box in _boxes(svg, "level")})
    # From the trunk to tasks and experts, then each to its own, then the tasks to the heads.
    assert [_lines_from(svg, end) for end in ends] == [4, 4, 2, 2]


@pytest.mark.parametrize("private", [False, True])
def test_every_branch_of_a_soft_shared_level_is_reached_by_an_arc(private: bool) -> None:
    part = replace(MIXED, private=private)
    assert len(_arcs(ET.fromstring(draw_tree((part,), "mixed")))) == 3


def test_the_arcs_of_private_branches_end_at_experts() -> None:
    svg = ET.fromstring(draw_tree((replace(MIXED, private=True),), "mixed"))
    expert_tops = [float(box.attrib["y"]) for box in _boxes(svg, "level 3, an expert")]
    arc_ends = [float(arc.attrib["d"].split()[-1]) for arc in _arcs(svg)]
    assert sum(end > min(expert_tops) for end in arc_ends) == 3


def test_an_expert_of_the_first_level_takes_all_inputs_of_its_component() -> None:
    part = component(["a", "b"], [APART, APART, APART], experts=[2, 2, 0], soft_shared_levels=[2])
    svg = ET.fromstring(draw_tree((part,), "mixed", {"a": "left", "b": "right"}))
    counts = {}
    for name in ("left", "right", "all inputs"):
        counts[name] = len(_boxes(svg, f"input adapter of {name}"))
    assert counts == {"left": 1, "right": 1, "all inputs": 2}
