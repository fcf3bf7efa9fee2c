"""The parts of the page for single tasks: what is drawn of each, folded, found, and to do next."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from mtlsearch.program import command
from mtlsearch.report.gain_strips import BAD, GOOD, UNSURE, gain_strips
from mtlsearch.report.html import render_page
from mtlsearch.report.importance_chart import MOST_BARS, importance_chart
from mtlsearch.report.learning_charts import (
    HIGHEST_LOSS,
    MOST_POINTS,
    learning_charts,
    trained_with,
)
from mtlsearch.report.model import ReportedColumnImportance, ReportedCurve, ReportedInterval
from mtlsearch.report.next_steps import next_steps
from mtlsearch.report.small_plot import BOTTOM, LEFT, RIGHT, TOP, Axis, SmallPlot
from mtlsearch.report.task_sections import gaining_arm, task_sections
from tests.support.sample_report import BASELINE, MAIN, sample_report, unfinished_report

SVG = "{http://www.w3.org/2000/svg}"
STEP = re.compile(r"([\d.]+) ([\d.]+)")


def words_of(drawing):
    return [text.text for text in ET.fromstring(drawing).iter(f"{SVG}text")]


def lines_of(drawing):
    """The points of each line of a drawing, by its tooltip."""
    lines = {}
    for path in ET.fromstring(drawing).iter(f"{SVG}path"):
        tooltip = path.find(f"{SVG}title")
        points = [(float(x), float(y)) for x, y in STEP.findall(path.attrib["d"])]
        lines["" if tooltip is None else tooltip.text] = points
    return lines


def with_curves(curves):
    report = sample_report()
    return replace(report.diagnosis, curves=tuple(curves))


def test_what_is_drawn_follows_from_what_a_task_holds():
    species, sex, mass = task_sections(sample_report())
    assert (len(species.errors), len(sex.errors), len(mass.errors)) == (0, 3, 2)
    assert [len(part.confusion) for part in (species, sex, mass)] == [3, 2, 0]
    for section in (species, sex, mass):
        assert len(section.learning) == 2 and section.importance
        assert len(section.worst) == 8 and section.is_open
    for drawing in (*sex.errors, *mass.errors):
        assert len(words_of(drawing)) > 5
    assert words_of(mass.errors[0])[0] == "Predicted against true, 69 of 6,900"


def test_many_tasks_are_folded_and_can_be_searched():
    page = render_page(sample_report([f"task {number}" for number in range(14)]))
    assert page.count('<details class="task"') == 14
    assert not re.search(r'<details class="task"[^>]* open', page)
    assert 'id="find-task"' in page
    few = render_page(sample_report())
    assert len(re.findall(r'<details class="task"[^>]* open', few)) == 3
    assert 'id="find-task"' not in few
    assert 'class="tasks"' not in render_page(unfinished_report())


def test_a_set_of_labels_has_curves_of_each_label():
    report = sample_report()
    sex = report.diagnosis.tasks[1]
    labels = replace(sex, confusion=None, detections=sex.detections * 3)
    tasks = (report.diagnosis.tasks[0], labels, report.diagnosis.tasks[2])
    report = replace(report, diagnosis=replace(report.diagnosis, tasks=tasks))
    section = task_sections(report)[1]
    assert not section.errors and [len(charts) for charts in section.labels] == [3, 3, 3]
    assert "Curves of 3 labels" in render_page(report)


def test_gains_are_those_of_what_shares_where_the_baseline_is_recommended():
    assert gaining_arm(sample_report()) == MAIN
    report = sample_report(decision="do not share")
    diagnosis = replace(report.diagnosis, arm=BASELINE, beside=MAIN)
    assert gaining_arm(replace(report, diagnosis=diagnosis)) == MAIN
    assert gaining_arm(unfinished_report()) == ""


def test_learning_curves_of_both_arms_are_on_one_scale():
    slow = ReportedCurve(MAIN, 0, ("sex", "species"), validation=(1.0, 0.5), training=())
    fast = ReportedCurve(BASELINE, 0, ("sex",), validation=(9.0, 0.5, 0.2, 0.1), training=(0.9,))
    ours, beside = learning_charts(with_curves([slow, fast]), "sex")
    assert words_of(ours)[0] == f"Learning: {MAIN}, 1 seed"
    ours, beside = lines_of(ours), lines_of(beside)
    assert ours["the best constant"] == beside["the best constant"]
    assert ours["validation, seed 0"][1] == beside["validation, seed 0"][1]
    assert beside["validation, seed 0"][0][1] == TOP  # 9 is beyond the highest that is drawn
    assert ours["the best constant"][0][1] == pytest.approx(
        BOTTOM - (BOTTOM - TOP) / HIGHEST_LOSS, abs=0.1
    )
    assert "training, seed 0" in beside and "training, seed 0" not in ours
    assert trained_with(with_curves([slow, fast]), "sex") == {MAIN: ["species"]}
    assert learning_charts(with_curves([slow]), "body_mass_g") == []


def test_long_curves_keep_their_ends_and_short_ones_are_seen():
    losses = tuple(1.0 / epoch for epoch in range(1, 1_001))
    long = ReportedCurve(MAIN, 0, ("sex",), validation=losses, training=losses)
    [chart] = learning_charts(with_curves([long]), "sex")
    points = lines_of(chart)["validation, seed 0"]
    assert len(points) == MOST_POINTS
    assert points[-1][0] == RIGHT and points[0][0] == pytest.approx(LEFT, abs=0.3)
    [chart] = learning_charts(with_curves([replace(long, validation=(0.5,), training=())]), "sex")
    start, end = lines_of(chart)["validation, seed 0"]
    assert end[0] - start[0] > 50


def test_a_small_plot_places_values_between_its_axes():
    plot = SmallPlot("title", "words", Axis("x", 0.0, 10.0), Axis("y", -1.0, 1.0))
    assert plot.place((0.0, -1.0)) == (LEFT, BOTTOM)
    assert plot.place((10.0, 1.0)) == (RIGHT, TOP)
    assert plot.place((99.0, 0.0)) == (RIGHT, (TOP + BOTTOM) / 2)
    flat = Axis.around("mass", [4.0, 4.0])
    assert flat.low < 4.0 < flat.high
    assert Axis.around("zero", [0.0]).low < 0.0


def test_the_most_important_columns_have_bars_and_the_others_are_counted():
    entries = []
    for number in range(MOST_BARS + 2):
        loss = 20.0 - number
        entries.append(ReportedColumnImportance(f"c{number}", loss, loss - 1, loss + 1))
    words = words_of(importance_chart(entries))
    assert words[1:3] == ["c0", "20.0"] and "c10" not in words
    assert words[-1] == "and 2 more, of at most 10.0 points"
    nothing = [ReportedColumnImportance("c", 0.0, 0.0, 0.0)]
    assert "nan" not in importance_chart(nothing)


def test_strips_are_on_one_scale_and_coloured_where_they_are_sure():
    gains = {
        "better": ReportedInterval(2.0, 1.0, 3.0),
        "worse": ReportedInterval(-2.0, -3.0, -1.0),
        "unsure": ReportedInterval(0.0, -1.0, 1.0),
        "wide": ReportedInterval(0.0, -500.0, 500.0),
        "one seed": ReportedInterval(2.0, None, None),
    }
    strips = gain_strips(gains)
    dots = {name: ET.fromstring(strip).find(f"{SVG}circle") for name, strip in strips.items()}
    colors = {name: dot.attrib["fill"] for name, dot in dots.items()}
    assert [colors.pop(name) for name in ("better", "worse")] == [GOOD, BAD]
    assert set(colors.values()) == {UNSURE}
    assert dots["better"].attrib["cx"] == dots["one seed"].attrib["cx"]
    assert float(dots["better"].attrib["cx"]) > float(dots["unsure"].attrib["cx"]) + 5
    assert gain_strips({}) == {}
    assert "nan" not in gain_strips({"a": ReportedInterval(0.0, 0.0, 0.0)})["a"]


def test_the_first_screen_says_what_to_do_next():
    report = sample_report()
    report = replace(report, study=replace(report.study, folder="my studies/a"))
    commands = [step.command for step in next_steps(report)]
    assert commands == [
        command("export", "my studies/a", "--to", "my studies/a-model"),
        command("predict", "my studies/a", "new.csv"),
        command("export", "my studies/a", "--best-per-task", "--to", "my studies/a-model"),
        command("resume", "my studies/a", "--trainings", 2 * report.study.settings.trainings),
    ]
    page = render_page(report)
    place = page.index("--best-per-task --to")
    assert page.index("What to do next") < place < page.index('id="skill"')
    assert len(next_steps(replace(report, references=None))) == 3
    [step] = next_steps(unfinished_report())
    assert step.command == command("resume", "study")
    assert step.command in render_page(unfinished_report())
