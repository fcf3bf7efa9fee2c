"""The names of search spaces, which are checked before anything heavy is imported."""

from collections.abc import Sequence
from pathlib import Path

from mtlsearch.errors import SpaceError, unknown

PACKAGE = Path(__file__).parent
FOLDERS = (
    PACKAGE / "_spaces",  # of an installed package
    PACKAGE.parent / "search_spaces",  # of a checkout
)


def known_spaces(folders: Sequence[Path] = FOLDERS) -> dict[str, Path]:
    """The files of the spaces in some folders, by their names; earlier folders come first."""
    spaces: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.yaml")):
            spaces.setdefault(file.stem, file)
    return spaces


def space_file(name_or_path: str, folders: Sequence[Path] = FOLDERS) -> Path:
    """The file of a space: a path, or a name in one of the folders.

    Raises SpaceError when there is none.
    """
    known = known_spaces(folders)
    path = Path(name_or_path) if _is_file(name_or_path) else known.get(name_or_path)
    if path is None:
        raise SpaceError(unknown("search space (no such file)", name_or_path, known))
    return path


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except OSError:  # longer than the name of a file may be
        return False
