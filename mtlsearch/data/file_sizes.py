"""Whether a file has room in the memory of this machine, known before it is read.

A file of some kilobytes can hold many gigabytes: text packed by gzip, or arrays in an archive.
"""

import gzip
import os
import zipfile
import zlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mtlsearch.errors import DataError

SHARE = 0.5  # of the machine's memory that the contents of one file may take while they are read
CSV_COPIES = 6  # that are made of a text, in bytes of it: text, lines, cells
PIECE = 2**20  # bytes that are unpacked at a time, to be counted
GIB = 2**30


def require_room_for_text(path: Path) -> None:
    """Raise DataError for a CSV file, packed or not, that memory cannot hold."""
    size = _unpacked(path) if path.suffix.lower() == ".gz" else path.stat().st_size
    _require(path, CSV_COPIES * size)


def require_room_for_arrays(path: Path) -> None:
    """Raise DataError for an npz file whose arrays memory cannot hold; not for one that is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [member.file_size for member in archive.infolist()]
    except (OSError, zipfile.BadZipFile):
        return  # the reader says so
    _require(path, sum(sizes))


def require_room_for_columns(path: Path) -> None:
    """Raise DataError for a Parquet file that memory cannot hold; not for one that is none."""
    try:
        described = pq.read_metadata(path)
    except (OSError, ValueError, pa.ArrowException):
        return  # the reader says so
    groups = [described.row_group(number) for number in range(described.num_row_groups)]
    _require(path, sum(group.total_byte_size for group in groups))


def machine_bytes() -> int:
    """The memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _require(path: Path, size: int) -> None:
    machine = machine_bytes()
    if size > SHARE * machine:
        raise DataError(
            f"{path}: would take at least {size / GIB:.1f} GiB of memory to be read, and this "
            f"machine has {machine / GIB:.1f} GiB; leave out rows or columns, or write it as "
            "Parquet with numbers of 32 bits and categories"
        )


def _unpacked(path: Path) -> int:
    """The bytes that a file packed by gzip holds; no more than are looked at before it is refused.

    What is no such file counts as nothing: the reader says so.
    """
    enough = SHARE * machine_bytes() / CSV_COPIES
    size = 0
    try:
        with gzip.open(path) as file:
            while piece := file.read(PIECE):
                size += len(piece)
                if size > enough:
                    break
    except (OSError, EOFError, zlib.error):
        return 0
    return size
