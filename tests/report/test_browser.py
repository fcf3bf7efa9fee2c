"""The page in a browser: no overflow, no label on another, nothing in the console, and print."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mtlsearch.report.html import render_page
from mtlsearch.report.model import Report
from tests.support.sample_report import sample_report

WIDTHS = (390, 1200, 1920)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--virtual-time-budget=20000",
    "--window-size=2000,2100",
    "--dump-dom",
)
CONSOLE = re.compile(r"CONSOLE\S*\] (.*)")  # what a page wrote to its console, errors included

# Runs inside the page: unfolds everything and changes an axis as a reader would, then reports what
# was drawn, how wide the page is and which labels of a drawing lie on each other.
PROBE = """<script>setTimeout(() => {
  const folded = () => document.querySelectorAll("details:not([open])").length;
  const before = folded();
  dispatchEvent(new Event("beforeprint"));
  const onPaper = folded();
  dispatchEvent(new Event("afterprint"));
  const paper = { before, onPaper, after: folded() };
  document.querySelectorAll("details").forEach((part) => { part.open = true; });
  const select = document.getElementById("pareto-x");
  select.selectedIndex = 2;
  select.dispatchEvent(new Event("change"));
  const meet = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  const overlaps = () => {
    const pairs = [];
    for (const drawing of document.querySelectorAll("svg")) {
      const labels = [...drawing.querySelectorAll("text")]
        .map((text) => [text.textContent, text.getBoundingClientRect()])
        .filter(([words, box]) => words && box.width > 0);
      labels.forEach(([words, box], place) => {
        for (const [others, other] of labels.slice(place + 1))
          if (meet(box, other))
            pairs.push(`${drawing.getAttribute("aria-label")}: ${words} | ${others}`);
      });
    }
    return pairs;
  };
  const scrolls = (part) => part.parentElement.closest(".scroll, .cards, .advice code");
  const wide = () => [...document.querySelectorAll("main *, header *")]
    .filter((part) => part.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter((part) => !scrolls(part) && !part.parentElement.closest("svg"))
    .map((part) => `${part.tagName} ${part.className} ${part.textContent.trim().slice(0, 40)}`);
  setTimeout(() => {
    const box = document.getElementById("find-task");
    if (box) {
      box.value = "number 7";
      box.dispatchEvent(new Event("input"));
    }
    parent.postMessage({
      width: innerWidth,
      marks: document.querySelectorAll("#pareto-plot .points path").length,
      lines: document.querySelectorAll("#history-plot .scatterlayer .js-line").length,
      axis: document.querySelector("#pareto-plot .xtitle").textContent,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      wide: wide(),
      paper,
      overlaps: overlaps(),
      tasks: document.querySelectorAll("details.task:not([hidden])").length,
      said: box ? document.getElementById("found-tasks").textContent : "",
    }, "*");
  }, 2000);
}, 2000);</script></body>"""
FRAMES = """<body><script>
const seen = [];
addEventListener("message", (event) => {
  seen.push(event.data);
  document.body.dataset.seen = JSON.stringify(seen);
});
</script>
{frames}</body>"""
FRAME = '<iframe src="report.html" style="width:{width}px;height:2000px;border:0"></iframe>'


def _browser() -> str:
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert browser is not None, f"this test needs one of {', '.join(BROWSERS)}"
    return browser


def _open(page: str, folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What the page reported of itself at each width, and what it wrote to the console."""
    (folder / "report.html").write_text(PROBE.join(page.rsplit("</body>", 1)), encoding="utf-8")
    frames = "".join(FRAME.replace("{width}", str(width)) for width in WIDTHS)
    (folder / "frames.html").write_text(FRAMES.replace("{frames}", frames), encoding="utf-8")
    profile = f"--user-data-dir={folder / 'profile'}"
    address = (folder / "frames.html").as_uri()
    command = [_browser(), *BROWSER_FLAGS, profile, address]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    attribute = re.search(r'data-seen="([^"]*)"', dumped.stdout)
    assert attribute is not None, "the page reported nothing"
    return json.loads(html.unescape(attribute[1])), CONSOLE.findall(dumped.stderr)


def _long_names() -> list[str]:
    """Names of many tasks, some of them too long for any place."""
    return [f"task number {number} " + "x" * (60 * (number % 2)) for number in range(50)]


@pytest.mark.slow
@pytest.mark.parametrize("names", [None, _long_names()], ids=["3 tasks", "50 tasks"])
def test_a_browser_draws_the_page_at_every_width(tmp_path: Path, names: list[str] | None) -> None:
    report: Report = sample_report(names)
    seen, console = _open(render_page(report), tmp_path)
    assert sorted(entry["width"] for entry in seen) == list(WIDTHS)
    assert console == []
    for entry in seen:
        assert entry["wide"] == [], entry["width"]
        assert entry["overflow"] == 0, entry["width"]
        assert entry["overlaps"] == [], entry["width"]
        assert entry["marks"] == len(report.candidates) + len(report.front)
        assert entry["lines"] == len(report.arms)
        assert entry["axis"].startswith(report.tasks[2].name[:10])
        assert entry["tasks"] == (3 if names is None else 5)
        paper = entry["paper"]
        assert paper["onPaper"] == 0 < paper["before"] == paper["after"]
        assert entry["said"] == ("" if names is None else "5 of 50 tasks")
