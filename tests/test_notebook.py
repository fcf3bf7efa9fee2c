"""The notebook of the examples runs, and what is kept of it are its own outputs."""

import time

import nbformat
import pytest

from tests.support.running_program import ROOT

NOTEBOOK = ROOT / "examples/notebook/penguins.ipynb"
LONGEST = 180  # seconds, on two cores


def _code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _tables_and_pictures(notebook):
    """The forms in which each cell of code showed something."""
    shown = []
    for cell in _code(notebook):
        forms = set()
        for output in cell.outputs:
            forms |= set(output.get("data", {}))
        shown.append(forms)
    return shown


def test_the_notebook_is_kept_with_its_outputs():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = _code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert all(cell.outputs for cell in cells)
    assert "/tmp" not in NOTEBOOK.read_text(encoding="utf-8")
    assert NOTEBOOK.stat().st_size < 200_000


@pytest.mark.slow
def test_the_notebook_runs_in_three_minutes(tmp_path):
    from scripts.run_notebook import run_notebook

    kept = nbformat.read(NOTEBOOK, as_version=4)
    begin = time.monotonic()
    executed = run_notebook(NOTEBOOK, tmp_path)
    assert time.monotonic() - begin < LONGEST
    assert _tables_and_pictures(executed) == _tables_and_pictures(kept)
    assert (tmp_path / "studies/mlflow.db").is_file()
