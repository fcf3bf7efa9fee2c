"""front.csv: a line per candidate of the front, and nothing that a spreadsheet would calculate."""

import csv
from pathlib import Path

import pytest

from mtlsearch.report.front_csv import as_text, write_front
from tests.support.sample_report import sample_report, unfinished_report


def read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_it_holds_the_scores_costs_and_gains_of_the_front(tmp_path: Path) -> None:
    report = sample_report()
    write_front(report, tmp_path / "front.csv")
    header, *lines = read(tmp_path / "front.csv")
    assert header == [
        "arm",
        "candidate",
        "species",
        "sex",
        "body_mass_g",
        "species_standard_error",
        "sex_standard_error",
        "body_mass_g_standard_error",
        "replicates",
        "parameters",
        "macs_per_example",
        "gain_points",
        "tie",
        "tree",
    ]
    assert len(lines) == len(report.front)
    for line, candidate in zip(lines, report.front, strict=True):
        cells = dict(zip(header, line, strict=True))
        assert (cells["arm"], int(cells["candidate"])) == (candidate.arm, candidate.candidate)
        assert float(cells["sex"]) == candidate.scores["sex"].mean
        assert float(cells["sex_standard_error"]) == candidate.scores["sex"].standard_error
        assert float(cells["gain_points"]) == candidate.gain.mean
        assert cells["tie"] == str(candidate.tie)
        assert cells["tree"] == candidate.tree


def test_an_empty_front_is_a_header(tmp_path: Path) -> None:
    write_front(unfinished_report(), tmp_path / "front.csv")
    assert len(read(tmp_path / "front.csv")) == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_a_task_that_looks_like_a_formula_is_text(tmp_path: Path, start: str) -> None:
    name = f"{start}1+1"
    write_front(sample_report([name, "b", "c"]), tmp_path / "front.csv")
    for line in read(tmp_path / "front.csv"):
        assert not any(cell.startswith(start) for cell in line if not _is_number(cell))
    header = read(tmp_path / "front.csv")[0]
    assert header[2] == f"'{name}"
    assert header[5] == f"'{name}_standard_error"


def test_other_words_stay_as_they_are() -> None:
    assert as_text("body_mass_g") == "body_mass_g"
    assert as_text("a=b") == "a=b"
    assert as_text("") == ""


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
