"""Hooks of mkdocs: pages of the site that stand elsewhere in the repository, and links to them.

Every page is written with links as they are in the repository, so that it reads there as well.
"""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent

PAGES = {
    "search_spaces/README.md": "spaces.md",
    "benchmarks/README.md": "benchmarks.md",
    "examples/README.md": "recipes/index.md",
    "examples/notebook/README.md": "recipes/notebook.md",
    "examples/recommendation/README.md": "recipes/recommendation.md",
    "examples/review_texts/README.md": "recipes/review-texts.md",
    "examples/fraud/README.md": "recipes/fraud.md",
    "examples/bike_counts/README.md": "recipes/bike-counts.md",
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
"""Paths in the repository of pages outside docs/, and theirs in the site."""

LINK = re.compile(r"(?<!\!)\[([^\]]+)\]\(([^)\s]+)\)")
PICTURE = re.compile(r"\!\[([^\]]*)\]\(([^)\s]+)\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand outside docs/."""
    for source, place in PAGES.items():
        files.append(File.generated(config, place, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point the links of a page to pages of the site.

    What is in the repository but not on the site, such as code, loses its link and keeps its words.
    What is nowhere stays as it is, and the strict build fails for it.
    """
    place = PurePosixPath(page.file.src_uri)
    source = repository_path(page.file.src_uri)

    def link(match: re.Match[str]) -> str:
        words, target = match.groups()
        path, mark, anchor = target.partition("#")
        if "://" in target or not path:
            return match.group(0)
        moved = site_path(source, path)
        if moved is not None:
            relative = os.path.relpath(moved, place.parent)
            return f"[{words}]({relative}{mark}{anchor})"
        if (ROOT / source).parent.joinpath(path).exists():
            return words
        return match.group(0)

    def picture(match: re.Match[str]) -> str:
        words, target = match.groups()
        inside = os.path.normpath(PurePosixPath(source).parent / target)
        if not inside.startswith("docs/"):
            return match.group(0)
        relative = os.path.relpath(inside.removeprefix("docs/"), place.parent)
        return f"![{words}]({relative})"

    return LINK.sub(link, PICTURE.sub(picture, markdown))


def repository_path(place: str) -> str:
    """Return where a page of the site stands in the repository."""
    for source, moved in PAGES.items():
        if moved == place:
            return source
    return f"docs/{place}"


def site_path(source: str, target: str) -> str | None:
    """Return the page of the site that a link in the repository leads to; None: there is none."""
    path = os.path.normpath(PurePosixPath(source).parent / target)
    if path == "README.md":
        return "index.md"
    for candidate in (path, f"{path}/README.md"):
        if candidate in PAGES:
            return PAGES[candidate]
        if candidate.startswith("docs/") and (ROOT / candidate).is_file():
            return candidate.removeprefix("docs/")
    return None
