"""The table readers: one for each file suffix.

They say what a file must look like before anything is known about tasks.
"""

import csv
import difflib
import gzip
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError, unknown

TESTED_BYTES = 65536  # at the beginning of a text file, for zeros, which text does not have
GZIP_MARK = b"\x1f\x8b"
OTHER_SEPARATORS = ";\t|"
REASON_LENGTH = 160  # characters of the reason that a library gives, in an error message


class Reader(Protocol):
    """Turns one kind of file into a table."""

    def read(self, path: Path) -> pd.DataFrame:
        """Return the rows of `path` under distinct column names.

        Raises:
            DataError: The file is no such table.
        """


class CsvReader:
    """Comma-separated UTF-8 text with a header row. An empty field is a missing value."""

    def read(self, path: Path) -> pd.DataFrame:
        """Return the table; see `Reader`."""
        text = _decode(path, _load(path))
        _check_shape(path, text)
        return pd.read_csv(io.StringIO(text), low_memory=False)


class ParquetReader:
    """Apache Parquet."""

    def read(self, path: Path) -> pd.DataFrame:
        """Return the table; see `Reader`."""
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DataError(
                f"{path}: is not a readable Parquet file ({_one_line(error)})"
            ) from error
        table.columns = table.columns.map(str)
        _check_names(path, table.columns)
        return table.reset_index(drop=True)


class NpzReader:
    """Numpy arrays by name.

    A 1-D array [N] is a column, a 2-D array `x` [N, F] becomes the columns x_0, x_1, ..., and an
    array of more axes (sequences [N, steps, channels], images [N, channels, height, width]) a
    column whose cells are arrays.
    """

    def read(self, path: Path) -> pd.DataFrame:
        """Return the table; see `Reader`. Pickled (object) arrays are refused."""
        pairs: list[tuple[str, Array]] = []
        for name, array in _arrays(path).items():
            pairs += _spread(path, name, array)
        names = [name for name, _ in pairs]
        _check_names(path, names)
        arrays = dict(pairs)
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"{path}: arrays must have the same number of rows, found {lengths}")
        columns: dict[str, Array | list[Array]] = {}
        for name, array in arrays.items():
            columns[name] = list(array) if array.ndim > 1 else array
        return pd.DataFrame(columns)


READERS: dict[str, Reader] = {
    ".csv": CsvReader(),
    ".csv.gz": CsvReader(),
    ".parquet": ParquetReader(),
    ".npz": NpzReader(),
}


def read_table(path: Path) -> pd.DataFrame:
    """Return the table in `path`, read as its suffix says.

    It has at least one row and one column.

    Raises:
        DataError: There is no such file, or it is no table.
    """
    if not path.is_file():
        raise DataError(missing_file(path))
    suffix = suffix_of(path)
    if suffix is None:
        known = ", ".join(READERS)
        raise DataError(f'{path}: file type "{path.suffix}" is unknown. Known: {known}')
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    table = READERS[suffix].read(path)
    if not len(table) or not len(table.columns):
        raise DataError(f"{path}: has no rows of data")
    return table


def suffix_of(path: Path) -> str | None:
    """Return the longest suffix of READERS that `path` ends with, or None."""
    name = path.name.lower()
    fitting = [suffix for suffix in READERS if name.endswith(suffix)]
    return max(fitting, key=len, default=None)


def missing_file(path: Path) -> str:
    """Return `PATH: no such file`, with the most similar file beside it."""
    if path.is_dir():
        known = ", ".join(READERS)
        return f"{path}: is a folder; a file is needed ({known})"
    if not path.parent.is_dir():
        return f'{path}: no such file: the folder "{path.parent}" does not exist'
    names = [neighbour.name for neighbour in path.parent.iterdir()]
    similar = difflib.get_close_matches(path.name, names, n=1)
    message = f"{path}: no such file"
    if similar:
        message += f'; did you mean "{similar[0]}"?'
    return message


def require_columns(where: str, table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise DataError with the known columns when one of `names` is not a column of `table`."""
    for name in names:
        if name not in table.columns:
            known = map(str, table.columns)
            raise DataError(unknown(f"{where}: column", name, known))


def _load(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        if path.suffix.lower() == ".gz":
            return gzip.decompress(raw)
        return raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({_one_line(error)})") from error


def _decode(path: Path, raw: bytes) -> str:
    is_binary = b"\0" in raw[:TESTED_BYTES]
    is_compressed = raw.startswith(GZIP_MARK)
    if is_binary or is_compressed:
        raise DataError(f"{path}: is a binary file; a .csv must be plain text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        raise DataError(
            f"{path}: line {line} is not UTF-8 text; save the file with UTF-8 encoding"
        ) from error


def _check_shape(path: Path, text: str) -> None:
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        header = next((row for row in rows if row), [])
        _check_header(path, header)
        filled = 0
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise DataError(
                    f"{path}: line {rows.line_num} has {len(row)} fields, "
                    f"the header has {len(header)}"
                )
            filled += 1
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num}: {_one_line(error)}") from error
    if not filled:
        raise DataError(f"{path}: has a header but no rows of data")


def _check_header(path: Path, header: list[str]) -> None:
    if not header:
        raise DataError(f"{path}: the file is empty")
    if len(header) == 1:
        _check_separator(path, header[0])
    _check_names(path, header)


def _check_separator(path: Path, line: str) -> None:
    for mark in OTHER_SEPARATORS:
        if mark in line:
            raise DataError(f'{path}: fields are separated by "{mark!r}"; allowed is ","')


def _check_names(path: Path, names: Iterable[str]) -> None:
    repeated = []
    for name, count in Counter(names).items():
        if count > 1:
            repeated.append(str(name))
    if repeated:
        listed = ", ".join(repeated)
        raise DataError(f"{path}: column names must be distinct, found more than once: {listed}")


def _arrays(path: Path) -> dict[str, Array]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (
        OSError,
        ValueError,
        EOFError,
        AttributeError,
        TypeError,
        KeyError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = _one_line(error)
        if "pickle" in str(error) and zipfile.is_zipfile(path):
            reason = "object arrays are not allowed"
        raise DataError(
            f"{path}: is not a readable .npz file of plain arrays ({reason})"
        ) from error


def _spread(path: Path, name: str, array: Array) -> list[tuple[str, Array]]:
    """Return the columns, with their names, that an array [N, ...] comes to."""
    if array.dtype.kind not in "biufUM":
        raise DataError(
            f'{path}: array "{name}" has type {array.dtype}; '
            "allowed are numbers, booleans, text and dates"
        )
    if array.ndim == 1:
        return [(name, array)]
    if array.ndim == 2:
        columns = []
        for index, column in enumerate(array.T):
            columns.append((f"{name}_{index}", column))
        return columns
    if array.ndim in (3, 4) and array.dtype.kind in "biuf":
        return [(name, array)]
    shapes = "[N], [N, F], and of numbers [N, steps, channels] and [N, channels, height, width]"
    raise DataError(
        f'{path}: array "{name}" has shape {array.shape} and type {array.dtype}; '
        f"allowed are {shapes}"
    )


def _one_line(error: BaseException) -> str:
    words = str(error).split()
    reason = " ".join(words)
    return reason[:REASON_LENGTH] or type(error).__name__
