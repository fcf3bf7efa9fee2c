"""What the user says of tasks, columns and settings, as the command line spells it.

A study remembers what was said in these words, so that both ways of saying it are one.
"""

from collections.abc import Iterable, Mapping
from os import PathLike, fspath

from mtlsearch.errors import UsageError

Names = str | Iterable[str] | None
"""One name or several."""

Values = Mapping[str, float] | Iterable[str] | None
"""A number for each task that is named, or `NAME=NUMBER`."""

TaskNames = Mapping[str, str | None] | Iterable[str] | None
"""Tasks: by name their `KIND[:METRIC]`, where None leaves both to be inferred, or
`NAME[:KIND[:METRIC]]`."""


def task_flags(tasks: TaskNames) -> tuple[str, ...]:
    """Return tasks as `NAME[:KIND[:METRIC]]`.

    Example:
        >>> task_flags({"readmitted": "binary", "stay": "regression:mae", "cost": None})
        ('readmitted:binary', 'stay:regression:mae', 'cost')
    """
    if not isinstance(tasks, Mapping):
        return listed(tasks)
    flags = []
    for name, kind in tasks.items():
        flags.append(f"{name}:{kind}" if kind else str(name))
    return tuple(flags)


def listed(names: Names) -> tuple[str, ...]:
    """Return names as a tuple; a single one as that alone.

    Example:
        >>> listed("user_id"), listed(None)
        (('user_id',), ())
    """
    if names is None:
        return ()
    if isinstance(names, str):
        return (names,)
    return tuple(map(str, names))


def comma_separated(names: Names) -> tuple[str, ...]:
    """Return names that one text may hold, separated by commas.

    Example:
        >>> comma_separated("searched, single_task")
        ('searched', 'single_task')
    """
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(","))
    return listed(names)


def option_flags(
    importance: Values,
    auxiliary: Names,
    at_most_worse: Values,
) -> tuple[str, ...]:
    """Return the options of tasks, each as it is typed.

    Example:
        >>> option_flags({"stay": 3}, "cost", None)
        ('--importance stay=3', '--auxiliary cost')
    """
    flags: list[str] = []
    for option, words in (
        ("--importance", _assigned(importance)),
        ("--auxiliary", listed(auxiliary)),
        ("--at-most-worse", _assigned(at_most_worse)),
    ):
        flags.extend(f"{option} {word}" for word in words)
    return tuple(flags)


def space_name(space: object) -> str | None:
    """Return the name or the path of a space; None for the one that fits the data.

    Raises UsageError.
    """
    if space is None:
        return None
    if isinstance(space, str | PathLike):
        return fspath(space)
    raise UsageError(f"space: found {type(space).__name__}; allowed: a name, or a file's path")


def _assigned(values: Values) -> tuple[str, ...]:
    if not isinstance(values, Mapping):
        return listed(values)
    return tuple(f"{name}={value}" for name, value in values.items())
