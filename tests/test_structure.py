"""House rules that a machine can check: sizes, docstrings, and that nothing speaks of one machine."""

import ast
import re
from pathlib import Path

import pytest

from mtlsearch.candidate import SETTING_GROUPS

ROOT = Path(__file__).parent.parent
MODULES = sorted([*(ROOT / "mtlsearch").rglob("*.py"), ROOT / "cli.py"])


def _functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _body_lines(function: ast.FunctionDef) -> int:
    """Lines of the body without signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_says_what_it_owns(path):
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 250
    long = {
        function.name: _body_lines(function)
        for function in _functions(path)
        if _body_lines(function) > 25
    }
    assert not long or (path.name == "commands.py" and set(long) == {"search"}), long


def test_the_median_function_is_short():
    sizes = sorted(_body_lines(function) for path in MODULES for function in _functions(path))
    assert len(sizes) > 200
    assert sizes[len(sizes) // 2] <= 8


def test_no_room_has_a_catch_all_name():
    for path in MODULES:
        assert not re.search(r"util|helper|manager|handler|common|misc", path.stem)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "mtlsearch" / "engine").glob("*.py")), ids=lambda path: path.name
)
def test_the_engine_names_no_method(path):
    methods = {
        kind.__name__
        for part in ("backbone", "sharing", "weighting", "initialization")
        for kind in SETTING_GROUPS[part].values()
    }
    words = {
        node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)
    }
    words |= {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert not methods & words
