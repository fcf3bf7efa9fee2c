"""Makes the pictures of the documentation: `make notebook`. Needs Chromium.

A small study is searched, and the first screens of its report and of the notebook, as it is kept,
are photographed.
"""

import html
import re
import shutil
import subprocess
import tempfile
from contextlib import chdir
from pathlib import Path

import nbformat
from PIL import Image

from mtlsearch import Search

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs/images"
NOTEBOOK = ROOT / "examples/notebook/penguins.ipynb"
WIDTH = 1100  # pixels
REPORT_HEIGHT = 900
NOTEBOOK_HEIGHT = 1150
COLORS = 64  # of a picture's palette
LARGEST = 150_000  # bytes of a picture

PAGE = """<!doctype html><meta charset="utf-8"><style>
body {{ font: 14px sans-serif; margin: 24px; }}
pre {{ background: #f4f4f4; padding: 8px; white-space: pre-wrap; }}
table {{ border-collapse: collapse; font-size: 12px; }}
td, th {{ padding: 3px 8px; text-align: right; }}
</style>{body}"""

FIRST_CELL = "search.verdict_"
"""The source of the cell with which the picture of the notebook begins."""


def main() -> None:
    """Write every picture."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        photograph(small_report(folder), IMAGES / "report.png", REPORT_HEIGHT)
        page = folder / "notebook.html"
        page.write_text(notebook_page(), encoding="utf-8")
        photograph(page, IMAGES / "notebook.png", NOTEBOOK_HEIGHT)


def small_report(folder: Path) -> Path:
    """Search the embedded penguins, and return the page of the report."""
    search = Search(
        "default",
        trainings=8,
        epochs=20,
        seeds=3,
        runner="local",
        arms=["searched", "single_task", "share_all"],
        study="studies/penguins",
        progress=False,
    )
    with chdir(folder):
        search.fit("penguins")
        return search.report_page_.resolve()


def notebook_page() -> str:
    """Return a page with the cells of the kept notebook from the answer on."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    sources = [cell.source for cell in notebook.cells]
    shown = notebook.cells[sources.index(FIRST_CELL) :]
    parts = [html_of_cell(cell) for cell in shown]
    return PAGE.format(body="\n".join(parts))


def html_of_cell(cell: nbformat.NotebookNode) -> str:
    """Return a cell and what it showed, in the richest form that there is of it."""
    if cell.cell_type == "markdown":
        words = html.escape(cell.source)
        return re.sub(r"^#+ (.*)$", r"<h3>\1</h3>", words, flags=re.MULTILINE)
    parts = [f"<pre>{html.escape(cell.source)}</pre>"]
    for output in cell.outputs:
        forms = output.get("data", {})
        if "image/png" in forms:
            parts.append(f'<img src="data:image/png;base64,{forms["image/png"].strip()}">')
        elif "image/svg+xml" in forms:
            parts.append(forms["image/svg+xml"])
        elif "text/html" in forms:
            parts.append(forms["text/html"])
    return "\n".join(parts)


def photograph(page: Path, to: Path, height: int) -> None:
    """Write the first screen of a page as a small PNG.

    Raises FileNotFoundError where there is no Chromium, and SystemExit where a picture is large.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise FileNotFoundError("chromium: no such program; install it")
    subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--virtual-time-budget=10000",
            f"--window-size={WIDTH},{height}",
            f"--screenshot={to}",
            page.resolve().as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with Image.open(to) as picture:
        picture.convert("RGB").quantize(COLORS).save(to, optimize=True)
    size = to.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{to}: {size} bytes, at most {LARGEST}")


if __name__ == "__main__":
    main()
