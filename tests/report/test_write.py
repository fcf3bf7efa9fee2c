"""The files of a report."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from mtlsearch.report.schema import report_from_json
from mtlsearch.report.write import write_report
from tests.support.sample_report import ARMS, sample_report, unfinished_report


def test_page_json_table_and_drawings_are_written(tmp_path: Path) -> None:
    report = sample_report()
    folder = tmp_path / "study" / "report"
    page = write_report(report, folder)
    assert page == folder / "report.html"
    assert "</html>" in page.read_text("utf-8")
    assert report_from_json((folder / "report.json").read_text("utf-8")) == report
    assert (folder / "front.csv").is_file()
    names = {f"{arm}.svg" for arm in ARMS}
    names |= {f"{candidate.arm}-{candidate.candidate}.svg" for candidate in report.front}
    assert {path.name for path in (folder / "trees").iterdir()} == names
    for path in (folder / "trees").iterdir():
        assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_a_later_report_replaces_an_earlier_one(tmp_path: Path) -> None:
    write_report(sample_report(), tmp_path)
    write_report(unfinished_report(), tmp_path)
    value = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert value["candidates"] == []
    assert list((tmp_path / "trees").iterdir()) == []


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "trees").mkdir()
    (tmp_path / "trees" / "notes.txt").write_text("mine", "utf-8")
    write_report(replace(sample_report(), confirmed=()), tmp_path)
    assert (tmp_path / "trees" / "notes.txt").read_text("utf-8") == "mine"
