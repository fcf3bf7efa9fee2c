"""The chart of skill gained: where dots, intervals, zero and the margin are drawn."""

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from mtlsearch.evidence.comparison import ENSEMBLE, SINGLE
from mtlsearch.report.html import render_page
from mtlsearch.report.model import Report, ReportedInterval
from mtlsearch.report.skill_chart import MOST_ROWS, series_of, skill_charts
from tests.support.sample_report import sample_report, unfinished_report

SVG = "{http://www.w3.org/2000/svg}"


def _with_one_arm(gain: ReportedInterval) -> Report:
    """A report with one comparison, in which everything gains as much."""
    report = sample_report()
    entry = next(entry for entry in report.comparisons if entry.models == ENSEMBLE)
    tasks = {name: replace(task, points=gain) for name, task in entry.tasks.items()}
    return replace(report, comparisons=(replace(entry, gain=gain, tasks=tasks),))


def _chart(report: Report, margin: float = 1.0) -> ET.Element:
    settings = replace(report.study.settings, margin=margin)
    study = replace(report.study, settings=settings)
    first, *_ = skill_charts(replace(report, study=study))
    return ET.fromstring(first.drawing)


def _dots(chart: ET.Element) -> list[ET.Element]:
    return chart.findall(f"{SVG}circle")


def _band(chart: ET.Element) -> tuple[float, float]:
    """The two sides of the margin."""
    box = chart.find(f"{SVG}rect")
    assert box is not None
    left = float(box.attrib["x"])
    return left, left + float(box.attrib["width"])


def test_dots_and_the_margin_are_on_one_scale_around_zero() -> None:
    chart = _chart(_with_one_arm(ReportedInterval(2.0, -1.0, 5.0)), margin=2.0)
    left, right = _band(chart)
    dots = _dots(chart)
    assert len(dots) == 4  # the mean and three tasks
    for dot in dots:
        assert float(dot.attrib["cx"]) == pytest.approx(right, abs=0.2)
    zero = [
        line
        for line in chart.findall(f"{SVG}line")
        if line.attrib.get("stroke") == "currentColor" and "stroke-opacity" not in line.attrib
    ]
    assert float(zero[0].attrib["x1"]) == pytest.approx((left + right) / 2, abs=0.2)
    wider = _band(_chart(_with_one_arm(ReportedInterval(2.0, -1.0, 5.0)), margin=3.0))
    assert wider[1] - wider[0] > right - left


@pytest.mark.parametrize(
    ("low", "is_full"),
    [(0.5, True), (-0.5, False), (None, False)],
)
def test_a_dot_is_full_where_its_interval_leaves_zero_out(low: float | None, is_full: bool) -> None:
    gain = ReportedInterval(1.0, low, None if low is None else 2.0)
    for dot in _dots(_chart(_with_one_arm(gain))):
        assert (dot.attrib["fill"] == dot.attrib["stroke"]) == is_full


def test_the_figures_stand_beside() -> None:
    chart = _chart(_with_one_arm(ReportedInterval(2.04, -1.0, 5.0)))
    words = [text.text for text in chart.iter(f"{SVG}text")]
    assert words.count("+2.0 [−1.0, +5.0]") == 4
    assert {"mean over tasks", "species", "sex", "body_mass_g", "searched"} <= set(words)
    assert "points of skill gained (higher is better →)" in words


def test_one_wide_interval_does_not_flatten_the_others() -> None:
    narrow = ReportedInterval(0.5, 0.0, 1.0)
    report = _with_one_arm(narrow)
    [entry] = report.comparisons
    wide = replace(entry.tasks["sex"], points=ReportedInterval(0.0, -500.0, 500.0))
    entry = replace(entry, tasks={**entry.tasks, "sex": wide})
    left, right = _band(_chart(replace(report, comparisons=(entry,))))
    assert right - left > 50


def test_it_shows_what_the_verdict_is_about_and_folds_many_tasks() -> None:
    report = sample_report()
    shown = [entry.arm for entry in report.comparisons if entry.models == ENSEMBLE]
    assert [series.name for series in series_of(report)] == shown
    assert report.verdict is not None
    on_single = replace(report, verdict=replace(report.verdict, models=SINGLE))
    single = next(entry for entry in report.comparisons if entry.models == SINGLE)
    assert series_of(on_single)[0].mean == single.gain

    many = sample_report(names=[f"task {number}" for number in range(20)])
    charts = skill_charts(many)
    lines = 0
    for chart in charts:
        for drawing in (chart.drawing, chart.narrow):
            assert len(_dots(ET.fromstring(drawing))) <= MOST_ROWS
        lines += len(_dots(ET.fromstring(chart.drawing)))
    assert lines == len(shown) * (1 + 20) - 1  # the reference has no model of the last task
    last = 0
    for chart in charts:
        assert chart.first == last + 1
        last = chart.last
    assert last == 20
    page = re.sub(r"\s+", " ", render_page(many))
    assert page.count("<details><summary>Tasks ") == len(charts) - 1 > 0
    assert "<summary>Tasks" not in render_page(report)


def test_without_a_comparison_there_is_none() -> None:
    assert skill_charts(unfinished_report()) == []
    assert 'id="skill"' not in render_page(unfinished_report())
    assert 'id="skill"' in render_page(sample_report())
