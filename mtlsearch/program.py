"""How the program was called, so that a command that it prints can be copied."""

import shlex
import sys
from pathlib import Path

PACKAGE = "mtlsearch"


def command(*words: object) -> str:
    """Return a command of this program, as whoever started it would type it.

    Args:
        words: The subcommand and what follows it; what is no option is quoted where it needs to be.

    Example:
        >>> command("report", "my study").endswith(" report 'my study'")
        True
    """
    spelled = [shlex.quote(str(word)) for word in words]
    return " ".join([_program(sys.argv[0]), *spelled])


def _program(path: str) -> str:
    """The program of a path: a script, this package as a module, or what pip has installed."""
    file = Path(path)
    if file.name == "__main__.py" and file.parent.name == PACKAGE:
        return f"python -m {PACKAGE}"
    if file.name == "cli.py":
        return f"python {shlex.quote(path)}"
    return PACKAGE
