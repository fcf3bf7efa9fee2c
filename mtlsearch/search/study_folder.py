"""The folder of a study: where one is born, and the pointer that says where it is stored.

A study is born when its pointer is complete. Until then the pointer is empty: whoever dies before
leaves a folder that the next search takes over.
"""

import itertools
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from mtlsearch.errors import StudyError
from mtlsearch.program import command

POINTER = "study.json"
LOCK = "study.lock"
DATABASE = "study.db"
BIRTH_SECONDS = 30.0  # for which a process waits while another makes a study in the same folder
OF_WORK = ("log.txt", "confirmed", "report")  # what only a study that was born has


@dataclass(frozen=True)
class Pointer:
    """Where a study is stored.

    Attributes:
        storage: The URL of a database, without its password; None: the one in the folder.
        name: The name of the study in it.
    """

    storage: str | None
    name: str

    @classmethod
    def read(cls, folder: Path) -> "Pointer":
        """Read the pointer in a folder. Raises StudyError where there is none that can be read."""
        path = folder / POINTER
        if not is_study(folder):
            start = command("search", "DATA", "--study", folder)
            raise StudyError(f"{folder}: no study here (no {POINTER}); start one with: {start}")
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            reason = str(error).splitlines()[0]
            raise StudyError(f"{folder}: the study cannot be read: {POINTER}: {reason}") from error
        if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
            raise StudyError(f"{folder}: the study cannot be read: {POINTER} names no study")
        storage = fields.get("storage")
        if storage is not None and not isinstance(storage, str):
            raise StudyError(f"{folder}: the study cannot be read: {POINTER} names no storage")
        return cls(storage, fields["name"])

    def write(self, folder: Path) -> None:
        """Write the pointer, at once as a whole: with this the study is born."""
        draft = folder / f".{POINTER}"
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o600)
        draft.replace(folder / POINTER)


def is_study(folder: Path) -> bool:
    """Whether a folder is that of a study."""
    pointer = folder / POINTER
    return pointer.is_file() and pointer.stat().st_size > 0


def is_writable(folder: Path) -> bool:
    """Whether a study can be added to: its folder can be written, and its database if it is there.

    It is not on a disk that can only be read.
    """
    database = folder / DATABASE
    can_write_database = os.access(database, os.W_OK) or not database.exists()
    return os.access(folder, os.W_OK) and can_write_database


@contextmanager
def birthplace(folder: Path, numbered: bool) -> Iterator[Path]:
    """Hold a folder for a study that is made inside of the block, which writes its pointer last.

    Whatever stops the block leaves the folder as it was. What a process left that was killed at
    this moment is removed.

    Args:
        folder: Where the study is to be; it must not exist, be empty or hold half a study.
        numbered: Where the folder exists, the first of folder-2, folder-3, ... that does not is
            taken.

    Raises:
        StudyError: The folder is in use, another process makes a study there, or it cannot be made.
    """
    try:
        folder, is_new = _make_folder(folder, numbered)
        lock = locked(folder, BIRTH_SECONDS)
    except OSError as error:
        reason = str(error).splitlines()[0]
        raise StudyError(f"{folder}: the study cannot be created: {reason}") from error
    with lock:
        _refuse_occupied(folder)  # it may be since it was made
        _clear(folder)
        (folder / POINTER).touch(mode=0o600)
        try:
            yield folder
        except BaseException:
            _clear(folder)
            if is_new:
                shutil.rmtree(folder, ignore_errors=True)
            raise


def _make_folder(folder: Path, numbered: bool) -> tuple[Path, bool]:
    """Make a folder, or the first numbered one that does not exist; False where it existed."""
    candidate = folder
    for number in itertools.count(2):
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            if not numbered:
                break
            candidate = folder.with_name(f"{folder.name}-{number}")
        else:
            return candidate, True
    _refuse_occupied(folder)
    return folder, False


def locked(folder: Path, seconds: float = 0.0) -> AbstractContextManager[object]:
    """Hold the folder for this process; the kernel lets go of it even on kill -9.

    Raises StudyError where another process holds it for so many seconds, and OSError where it
    cannot be written.
    """
    try:
        return FileLock(folder / LOCK).acquire(timeout=seconds)
    except Timeout as error:
        raise StudyError(f"{folder}: another process is working on this study") from error


def _refuse_occupied(folder: Path) -> None:
    """Raise StudyError for a folder that holds anything but the beginning of a study."""
    if is_study(folder):
        raise StudyError(
            f"{folder}: a study is already here; "
            f"continue it with: {command('resume', folder)} (or give another --study)"
        )
    names = set()
    if folder.is_dir():
        names = {path.name for path in folder.iterdir()}
    is_half_born = POINTER in names and names.isdisjoint(OF_WORK)
    if not folder.is_dir() or not (is_half_born or names <= {LOCK}):
        raise StudyError(
            f"{folder}: the folder is not empty and holds no study; give another --study"
        )


def _clear(folder: Path) -> None:
    """Remove all of a half-born study: it began in an empty folder. The lock stays."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != LOCK:
            path.unlink(missing_ok=True)
