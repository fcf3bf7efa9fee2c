"""The drawing of a tree is well-formed SVG that shows every task, for every size and name."""

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from mtlsearch.report.labels import shorten
from mtlsearch.report.tree_drawing import TIE, draw_tree
from tests.support.sample_report import composition

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ["<script>alert(1)</script>", 'a"b&c', "\x00\x0b\ud800", "体重予測" * 12, "ü" * 80]


def _names(tasks: int) -> list[str]:
    return [f"task {number}" for number in range(tasks)]


@pytest.mark.parametrize("tasks", [2, 3, 7, 20, 50])
@pytest.mark.parametrize("levels", [1, 4, 8])
@pytest.mark.parametrize("sharing", ["none", "pull"])
def test_is_well_formed_and_inside_its_frame(tasks: int, levels: int, sharing: str) -> None:
    svg = ET.fromstring(
        draw_tree(composition(_names(tasks), levels, tasks + levels, sharing), "a tree")
    )
    width, height = float(svg.attrib["width"]), float(svg.attrib["height"])
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
        columns.setdefault(box.attrib["x"], []).append((top, top + float(box.attrib["height"])))
    for column in columns.values():
        ends = sorted(column)
        assert all(above[1] < below[0] for above, below in pairwise(ends))


def test_has_title_and_description_and_escapes_hostile_names() -> None:
    text = draw_tree(composition(HOSTILE, 3, 1), "T & <title>")
    svg = ET.fromstring(text)
    assert svg[0].text == "T & <title>" and svg[1].tag == f"{SVG}desc"
    assert "<script" not in text
    assert any(element.text and element.text.endswith("…") for element in svg.iter(f"{SVG}text"))


def test_soft_ties_are_drawn_only_where_there_are_any() -> None:
    assert TIE in draw_tree(composition(_names(3), 2, 4, "pull"), "tied")
    assert TIE not in draw_tree(composition(_names(3), 2, 4, "none"), "untied")
    separate = [[["a"], ["b"]]] * 3
    for levels, drawn in (
        ({}, 3),
        ({"first_level": 2}, 2),
        ({"last_level": 1}, 1),
        ({"first_level": 4}, 0),
        ({"strength": 0.0}, 0),
    ):
        part = {
            "tasks": ["a", "b"],
            "levels": separate,
            "settings": {"sharing": {"name": "pull", **levels}},
        }
        assert draw_tree([part], "some levels").count("softly tied") == drawn


def test_every_source_of_a_shared_stage_gets_its_stem() -> None:
    shared = [{"tasks": ["a", "b"], "levels": [[["a", "b"]]], "settings": {}}]
    text = draw_tree(shared, "two inputs", {"a": "visits", "b": "images"})
    assert "input adapter of visits" in text and "input adapter of images" in text
    assert draw_tree(shared, "unnamed").count("input adapter") == 1


def test_an_empty_composition_is_drawn_as_nothing() -> None:
    assert ET.fromstring(draw_tree([], "nothing")).findall(f"{SVG}rect") == []


def test_shorten_counts_wide_characters_twice() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"
    assert shorten("体重予測", 5) == "体重…"


EXPERTS = {
    "tasks": ["a", "b"],
    "levels": [[["a", "b"]], [["a"], ["b"]], [["a"], ["b"]], [["a"], ["b"]]],
    "experts": [0, 2, 2, 0],
    "settings": {"sharing": {"name": "gate", "experts": 2, "first_level": 3, "last_level": 3}},
}


def boxes(svg: ET.Element, words: str) -> list[ET.Element]:
    return [box for box in svg.iter(f"{SVG}rect") if words in box[0].text]


def lines(svg: ET.Element, *, x1: float) -> int:
    return sum(abs(float(line.attrib["x1"]) - x1) < 0.1 for line in svg.iter(f"{SVG}line"))


def test_experts_have_boxes_from_where_the_tasks_part_and_no_heads() -> None:
    svg = ET.fromstring(draw_tree([EXPERTS], "mixed"))
    assert [
        len(boxes(svg, f"level {level}, an expert that no task owns")) for level in (1, 2, 3, 4)
    ] == [0, 2, 2, 0]
    assert len(svg.findall(f"{SVG}circle")) == 2
    ends = sorted(
        {float(box.attrib["x"]) + float(box.attrib["width"]) for box in boxes(svg, "level")}
    )
    assert [lines(svg, x1=end) for end in ends] == [
        4,
        4,
        2,
        2,
    ]  # from the trunk, then each its own, then the heads
    assert "2 tasks, 2 experts" in svg[1].text


def test_a_tie_of_private_branches_ends_at_experts() -> None:
    for private, drawn in ((False, 3), (True, 3)):
        part = {
            **EXPERTS,
            "settings": {"sharing": {**EXPERTS["settings"]["sharing"], "private": private}},
        }
        svg = ET.fromstring(draw_tree([part], "mixed"))
        assert sum(path.attrib["stroke"] == TIE for path in svg.iter(f"{SVG}path")) == drawn
    paths = [path.attrib["d"] for path in svg.iter(f"{SVG}path")]
    tops = sorted(float(box.attrib["y"]) for box in boxes(svg, "level 3, an expert"))
    assert sum(float(path.split()[-1]) > tops[0] for path in paths) == 3


def test_an_expert_of_the_first_level_takes_all_inputs_of_its_component() -> None:
    part = {**EXPERTS, "levels": EXPERTS["levels"][1:], "experts": [2, 2, 0]}
    svg = ET.fromstring(draw_tree([part], "mixed", {"a": "left", "b": "right"}))
    assert [
        len(boxes(svg, f"input adapter of {name}")) for name in ("left", "right", "all inputs")
    ] == [1, 1, 2]
