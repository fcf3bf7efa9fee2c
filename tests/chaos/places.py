"""Disks that are small, full or for reading only, where this machine lets us have them."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.bench import CannotTry

FILLER = "filler"
PIECE = b"\0" * 4096


@contextmanager
def small_disk(folder: Path, megabytes: int = 16) -> Iterator[None]:
    """Mount a disk of so many megabytes on a folder, which is made."""
    folder.mkdir(parents=True)
    size = f"size={megabytes}m"
    _mount("-t", "tmpfs", "-o", size, "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let a folder be read, and not written."""
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,ro,bind", str(folder))
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Write a file until the disk is full; return the file, whose removal makes room again."""
    path = folder / FILLER
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(PIECE)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    return path


def _mount(*options: str) -> None:
    command = ["mount", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotTry("there is no program mount") from error
    if done.returncode != 0:
        raise CannotTry(f"mount needs more rights than ours: {done.stderr.strip()}")
