"""The templates of the files of an exported model, and how they spell values."""

import html
import json
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from mtlsearch.wording import printable

_MARKDOWN = re.compile(r"[\\`*\[\]|~#]")


def render(template: str, **values: object) -> str:
    """Return the text of a template of this folder, filled with the values."""
    return _ENVIRONMENT.get_template(template).render(**values)


def _string_literal(text: str) -> str:
    """Return the text as a literal of Python, in double quotes if it is printable."""
    if text.isprintable():
        return json.dumps(text, ensure_ascii=False)
    return repr(text)


def _plain_markdown(value: object) -> str:
    """Return a value as Markdown that shows it as it is."""
    escaped = html.escape(printable(str(value)), quote=False)
    return _MARKDOWN.sub(r"\\\g<0>", escaped)


# The files are Python and Markdown, so nothing is escaped as HTML unless a filter says so.
_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    trim_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters["literal"] = _string_literal
_ENVIRONMENT.filters["md"] = _plain_markdown
