"""The layout of written code: calls over as many lines as they need, and comments."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from mtlsearch.wording import printable

LINE_LENGTH = 110
ARGUMENT_COLUMN = 16
"""The column at which an argument of a module of the model begins when it has its own line."""

STATEMENT_COLUMN = 8
"""The column at which the statements of a method begin."""


@dataclass(frozen=True)
class Argument:
    """An argument of a call: `name=` or nothing, the value, and what parts it from the next."""

    prefix: str
    value: "Call"
    comma: str = ","


@dataclass(frozen=True)
class Call:
    """A constructor call, or literal text if `arguments` is None."""

    text: str
    arguments: tuple[Argument, ...] | None = None
    brackets: tuple[str, str] = ("(", ")")

    def on_one_line(self) -> str:
        """Return the call on one line."""
        if self.arguments is None:
            return self.text
        spelled = ""
        for argument in self.arguments:
            spelled += f"{argument.prefix}{argument.value.on_one_line()}{argument.comma} "
        opening, closing = self.brackets
        return f"{self.text}{opening}{spelled.rstrip(', ')}{closing}"

    def lines(self, column: int) -> list[str]:
        """Return the call on one line if it fits from this column on, else a line per argument."""
        one_line = self.on_one_line()
        if not self.arguments or len(one_line) + column <= LINE_LENGTH:
            return [one_line]
        inner_lines = []
        for argument in self.arguments:
            inner_lines.extend(_argument_lines(argument))
        opening, closing = self.brackets
        return [f"{self.text}{opening}", *inner_lines, closing]


def _argument_lines(argument: Argument) -> list[str]:
    first, *rest = argument.value.lines(ARGUMENT_COLUMN + len(argument.prefix))
    lines = [argument.prefix + first, *rest]
    indented = [f"    {line}" for line in lines]
    indented[-1] += argument.comma
    return indented


def assignment(names: Sequence[str], function: str) -> list[str]:
    """Return the lines of `names = function(names)` in a method."""
    listed = ", ".join(names)
    statement = f"{listed} = {function}({listed})"
    if len(statement) + STATEMENT_COLUMN <= LINE_LENGTH:
        return [statement]
    inner_lines = [f"    {line}" for line in wrap(listed)]
    return ["(", *inner_lines, f") = {function}(", *inner_lines, ")"]


def wrap(text: str) -> list[str]:
    """Return the text as lines that are fit for comments."""
    width = LINE_LENGTH - 10
    return textwrap.wrap(
        printable(text),
        width,
        break_long_words=False,
        break_on_hyphens=False,
    )
