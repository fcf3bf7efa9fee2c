"""Temporary folders, all in one place: what a killed process left there the next one removes.

The place is `mtl-UID` in the folder for temporary files. Each folder in it has a lock beside it,
which the kernel lets go of when its process dies.
"""

import atexit
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

LOCK_SUFFIX = ".lock"
PLACE_LOCK = "place.lock"  # held while folders are made and removed
SHORT_BASES = ("/tmp", "/var/tmp", "/dev/shm")  # where else to look for a short path
NAME_BYTES = 4


@contextmanager
def scratch_folder(base: Path | None = None) -> Iterator[Path]:
    """Make an empty folder for the time of the block.

    Args:
        base: Where the place is made; None: the folder for temporary files.
    """
    place = _place(base or Path(tempfile.gettempdir()))
    folder = place / secrets.token_hex(NAME_BYTES)
    with FileLock(place / PLACE_LOCK):
        _sweep(place)
        lock = FileLock(folder.with_suffix(LOCK_SUFFIX)).acquire(timeout=0)
        folder.mkdir(mode=0o700)
    with lock:
        try:
            yield folder
        finally:
            _remove(folder)


def lasting_scratch_folder() -> Path:
    """Make an empty folder for as long as this process lives."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scratch_folder())


def short_base(longest: int) -> Path | None:
    """The folder for temporary files, or another if scratch folders there have too long a path.

    Args:
        longest: The most bytes that the path of a scratch folder may have.

    Returns:
        A folder that can be written; None where there is none.
    """
    for base in (tempfile.gettempdir(), *SHORT_BASES):
        path = Path(base) / _place_name() / ("0" * 2 * NAME_BYTES)
        if len(os.fsencode(path)) <= longest and os.access(base, os.W_OK | os.X_OK):
            return Path(base)
    return None


def _place_name() -> str:
    return f"mtl-{os.getuid()}"


def _place(base: Path) -> Path:
    """The place in a folder: one of this user's own, for nobody else."""
    place = base / _place_name()
    place.mkdir(mode=0o700, exist_ok=True)
    status = place.lstat()
    is_private = status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if stat.S_ISDIR(status.st_mode) and is_private:
        return place
    return Path(tempfile.mkdtemp(prefix="mtl-", dir=base))  # somebody else's has our name


def _sweep(place: Path) -> None:
    """Remove the folders whose processes are dead."""
    for lock in place.glob(f"*{LOCK_SUFFIX}"):
        if lock.name == PLACE_LOCK:
            continue
        try:
            with FileLock(lock).acquire(timeout=0):
                _remove(lock.with_suffix(""))
        except Timeout:
            continue


def _remove(folder: Path) -> None:
    """Remove a folder, and then its lock; with what cannot be removed both stay for another."""
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        folder.with_suffix(LOCK_SUFFIX).unlink(missing_ok=True)
