"""Executes the notebook of the examples and keeps the outputs in it: `make notebook`.

The kernel is this interpreter, and works in a temporary folder.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "examples/notebook/penguins.ipynb"
LONGEST_CELL = 600  # seconds


def run_notebook(file: Path, folder: Path) -> nbformat.NotebookNode:
    """Execute a notebook in a folder and return it with its outputs.

    Raises CellExecutionError where a cell fails.
    """
    notebook = nbformat.read(file, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=LONGEST_CELL,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    environment = dict(os.environ)
    environment["PYTHONPATH"] = str(ROOT)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    environment["DO_NOT_TRACK"] = "true"  # MLflow then calls nobody
    client.execute(env=environment)
    return notebook


def main() -> None:
    """Execute the notebook and keep its outputs in it."""
    with tempfile.TemporaryDirectory() as folder:
        notebook = run_notebook(NOTEBOOK, Path(folder))
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    main()
