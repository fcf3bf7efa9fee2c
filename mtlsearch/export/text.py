"""How written code is laid out: constructor calls over as many lines as they need, and comments."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

LINE = 110


@dataclass(frozen=True)
class Call:
    """A constructor call: literal text, or a name and its labelled arguments."""

    text: str
    arguments: tuple[tuple[str, "Call"], ...] | None = None

    def flat(self) -> str:
        """Return the call on one line."""
        return (
            self.text
            if self.arguments is None
            else f"{self.text}({', '.join(a + b.flat() for a, b in self.arguments)})"
        )

    def lines(self, column: int) -> list[str]:
        """Return the call on one line if it fits when it starts in this column, else one line per argument."""
        if not self.arguments or len(self.flat()) + column <= LINE:
            return [self.flat()]
        middle = []
        for label, call in self.arguments:
            first, *rest = call.lines(16 + len(label))
            middle += [f"    {line}" for line in (label + first, *rest)]
            middle[-1] += ","
        return [f"{self.text}(", *middle, ")"]


def assignment(names: Sequence[str], function: str) -> list[str]:
    """Return the lines of a method that give these names what a function makes of them."""
    given = ", ".join(names)
    line = f"{given} = {function}({given})"
    if len(line) + 8 <= LINE:
        return [line]
    inside = [f"    {line}" for line in wrap(given)]
    return ["(", *inside, f") = {function}(", *inside, ")"]


def one_line(text: str) -> str:
    """Return the text fit for a comment: blanks collapsed, nothing unprintable."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def wrap(text: str) -> list[str]:
    """Return the text as lines fit for comments."""
    return textwrap.wrap(one_line(text), LINE - 10, break_long_words=False, break_on_hyphens=False)
