"""How the program was called, so that a command that it prints can be copied.

From Python, options are called by the names of parameters.
"""

import re
import shlex
import sys
import time
from pathlib import Path

PACKAGE = "mtlsearch"

OPTION = re.compile(r"(?<![\w-])--(no-)?([a-z]+(?:-[a-z]+)*)(?: (\d[\d.]*)(?![\w.]))?")

_calls: list[float] = []  # when the command line was entered; of Python there is no call


def enter_command_line() -> None:
    """Remember that it is the command line by which the program is called, and since when."""
    _calls.append(time.monotonic())


def called_at() -> float | None:
    """When the command line was called, as `time.monotonic` says it; None: it was not."""
    return _calls[0] if _calls else None


def spelled_for_caller(words: str) -> str:
    """Return words with options spelled as whoever called the program would write them."""
    return words if _calls else as_parameters(words)


def as_parameters(words: str) -> str:
    """Return words with options spelled as the parameters of the Python API.

    A command that is to be copied into a shell stays as it is.

    Example:
        >>> as_parameters("--outer-folds: found 0; say --trainings 12 or --no-references")
        'outer_folds: found 0; say trainings=12 or references=False'
    """
    before, program, after = words.partition(f"{_program(sys.argv[0])} ")
    return OPTION.sub(_parameter, before) + program + after


def _parameter(option: re.Match[str]) -> str:
    negation, name, value = option.groups()
    name = name.replace("-", "_")
    if negation:
        return f"{name}=False"
    return f"{name}={value}" if value else name


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
