"""The pages of the documentation hang together, and what they show as code runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.running_program import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LINKING = [
    *PAGES,
    *ROOT.glob("*.md"),
    *(ROOT / "examples").rglob("*.md"),
    ROOT / "search_spaces/README.md",
    ROOT / "benchmarks/README.md",
]
FENCE = re.compile(r"^```.*?^```", flags=re.DOTALL | re.MULTILINE)


class _Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, in which one setting is a call that only mkdocs makes."""


_Loader.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def _relative(path):
    return str(path.relative_to(ROOT))


def _navigation(node):
    """The pages of mkdocs.yml's tree, in their order."""
    if isinstance(node, str):
        return [node]
    children = node.values() if isinstance(node, dict) else node
    pages = []
    for child in children:
        pages += _navigation(child)
    return pages


def _anchors(page):
    """The anchors of a page's headings, spelled as GitHub and the site spell them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    anchors = set()
    for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        kept = re.sub(r"[^\w\s-]", "", words.lower())
        anchors.add(re.sub(r"\s", "-", kept.strip()))
    return anchors


def _moved_pages():
    """The pages outside docs/ that the site has, as the hooks of mkdocs name them."""
    hooks = (ROOT / "scripts/site_pages.py").read_text(encoding="utf-8")
    return dict(re.findall(r'^    "(\S+\.md)": "(\S+\.md)",$', hooks, flags=re.MULTILINE))


def test_every_page_is_in_the_navigation():
    site = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Loader)
    listed = _navigation(site["nav"])
    moved = _moved_pages()
    assert all((ROOT / source).is_file() for source in moved)
    pages = {str(page.relative_to(DOCS)) for page in PAGES}
    assert len(listed) == len(set(listed))
    assert set(listed) == pages | set(moved.values())


@pytest.mark.parametrize("page", LINKING, ids=_relative)
def test_every_link_leads_somewhere(page):
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = page if not path else page.parent / path
        assert there.exists(), f"{target}: no such file"
        if anchor:
            assert anchor in _anchors(there), f"{target}: no such heading"


@pytest.mark.slow
def test_the_site_is_built_without_a_network(tmp_path):
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", site],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        loaded = re.findall(r"<(?:script|img|iframe)[^>]* src=\"([^\"]*)", page.read_text("utf-8"))
        loaded += re.findall(r"<link[^>]* rel=\"?stylesheet[^>]*", page.read_text("utf-8"))
        assert not [address for address in loaded if "//" in address], page.name


@pytest.mark.slow
def test_the_program_of_the_start_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "index.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 6
    names = {"__name__": "start"}
    for block in blocks:
        exec(compile(block, "docs/index.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "Cannot tell" in printed
    assert "single_task" in printed
    assert (tmp_path / "model/predict.py").is_file()
    assert Path(names["search"].report_page_).is_file()
