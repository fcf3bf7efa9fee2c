"""The search spaces that come with the package."""

from mtlsearch.errors import SpaceError, unknown
from mtlsearch.space import describe_space, known_spaces


def spaces(name: str | None = None) -> dict[str, str] | str:
    """Return what each search space is for, by its name; or the text of one, to copy and edit.

    Args:
        name: The name of a space; None: all.

    Raises:
        SpaceError: There is no such space.

    Example:
        >>> "default" in spaces()
        True
        >>> "tree:" in spaces("quick")
        True
    """
    return describe_spaces() if name is None else space_text(name)


def describe_spaces() -> dict[str, str]:
    """Return what each search space is for, by its name."""
    return {name: describe_space(path) for name, path in known_spaces().items()}


def space_text(name: str) -> str:
    """Return the YAML of a space. Raises SpaceError where there is none of this name."""
    paths = known_spaces()
    if name not in paths:
        raise SpaceError(unknown("search space", name, paths))
    return paths[name].read_text(encoding="utf-8")
