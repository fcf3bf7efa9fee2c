"""The files of search spaces: those that come with the package, and the user's own."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from mtlsearch.space.search_space import FOR_CONCLUSIONS, SearchSpace
from mtlsearch.space_names import FOLDERS, space_file
from mtlsearch.yaml_file import read_yaml

DEFAULT_SPACE = "default"


def describe_space(path: Path) -> str:
    """What the file of a space is for, as its first lines say, and whether it may claim anything.

    Raises SpaceError when it cannot be read.
    """
    comment = itertools.takewhile(
        lambda line: line.startswith("#"), path.read_text(encoding="utf-8").splitlines()
    )
    description = " ".join(line.lstrip("# ") for line in comment)
    if read_yaml(path).get(FOR_CONCLUSIONS, True):
        return description
    return f"{description} Not for conclusions."


def load_space(
    name_or_path: str | None,
    tasks: int,
    folders: Sequence[Path] = FOLDERS,
) -> SearchSpace:
    """Read a space.

    Args:
        name_or_path: The path of its file, or its name in one of the folders.
        tasks: The number of tasks.
        folders: Where the spaces that come with the package are.

    Raises:
        SpaceError: There is no such space, or it cannot be read.
    """
    path = space_file(name_or_path or DEFAULT_SPACE, folders)
    mapping = read_yaml(path)
    return SearchSpace.from_mapping(mapping, tasks, path.name, [path.parent])
