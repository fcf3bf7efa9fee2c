"""Writes a report into a folder: report.json, report.html, two tables and drawings of its trees."""

from pathlib import Path

from mtlsearch.report.front_csv import write_front
from mtlsearch.report.html import render_page
from mtlsearch.report.model import Report
from mtlsearch.report.references_csv import write_references
from mtlsearch.report.schema import report_to_json
from mtlsearch.report.tree_drawing import draw_tree


def write_report(report: Report, folder: Path) -> Path:
    """Write all files, replacing those of an earlier report; return the path of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / "report.html"
    _write_text(page, render_page(report))
    _write_text(folder / "report.json", report_to_json(report))
    write_front(report, folder / "front.csv")
    write_references(report, folder / "references.csv")
    _write_drawings(report, folder / "trees")
    return page


def _write_drawings(report: Report, folder: Path) -> None:
    """One drawing for each candidate of the front and each confirmed model."""
    folder.mkdir(exist_ok=True)
    for old_drawing in folder.glob("*.svg"):
        old_drawing.unlink()
    sources = {task.name: task.source for task in report.tasks}
    for candidate in report.front:
        title = f"{candidate.arm} {candidate.candidate}"
        name = f"{candidate.arm}-{candidate.candidate}.svg"
        drawing = draw_tree(candidate.composition, title, sources)
        _write_text(folder / name, drawing)
    for model in report.confirmed:
        drawing = draw_tree(model.composition, model.arm, sources)
        _write_text(folder / f"{model.arm}.svg", drawing)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
