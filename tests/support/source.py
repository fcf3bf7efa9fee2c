"""Reads the project's own source files, for the tests of the house rules."""

import ast
import io
import token
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "mtlsearch"
MODULES = sorted([*PACKAGE.rglob("*.py"), ROOT / "cli.py"])

NOT_CODE = {
    token.COMMENT,
    token.NEWLINE,
    token.INDENT,
    token.DEDENT,
    token.ENDMARKER,
    tokenize.NL,
}
TRIPLE_QUOTES = ('"""', "'''")


@dataclass(frozen=True)
class Size:
    """How much code there is: tokens, and lines on which a token begins."""

    tokens: int
    lines: int

    @property
    def density(self) -> float:
        """Tokens per code line."""
        return self.tokens / max(self.lines, 1)


def size(path: Path) -> Size:
    """The size of a file. Comments, docstrings, line ends and indentation are no code."""
    text = path.read_text(encoding="utf-8")
    lines = set()
    tokens = 0
    for piece in tokenize.generate_tokens(io.StringIO(text).readline):
        is_docstring = piece.type == token.STRING and piece.string.startswith(TRIPLE_QUOTES)
        if piece.type in NOT_CODE or is_docstring:
            continue
        tokens += 1
        lines.add(piece.start[0])
    return Size(tokens, len(lines))


def total(sizes: Iterable[Size]) -> Size:
    """All sizes together."""
    listed = list(sizes)
    return Size(sum(item.tokens for item in listed), sum(item.lines for item in listed))


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def relative(path: Path) -> str:
    """A path as messages show it."""
    return path.relative_to(ROOT).as_posix()


def bound_names(path: Path) -> Iterator[str]:
    """The names that a file binds to a value: assignments, loop variables and parameters."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


@dataclass(frozen=True)
class Word:
    """A string that is no docstring, or what is imported from the package, and its line."""

    text: str
    line: int
    is_string: bool


def words(path: Path) -> Iterator[Word]:
    """The string constants of a file, and the names that it imports from the package."""
    tree = parsed(path)
    docstrings = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            docstrings.add(node.value)

    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node not in docstrings:
                yield Word(node.value, node.lineno, is_string=True)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE.name):
            for alias in node.names:
                yield Word(alias.name, node.lineno, is_string=False)
