"""The table readers: one per file suffix. Owns what a file must look like before anything is known about tasks."""

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


class Reader(Protocol):
    """Turns one kind of file into a table."""

    def read(self, path: Path) -> pd.DataFrame:
        """Return the rows of `path`, at least one, under distinct column names. Raises DataError."""


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
    """Numpy arrays by name: a 1-D array [N] is a column, a 2-D array `x` [N, F] becomes the columns x_0, x_1, ..., and one of
    more axes (sequences [N, steps, channels], images [N, C, H, W]) a column whose cells are arrays.
    """

    def read(self, path: Path) -> pd.DataFrame:
        """Return the table; see `Reader`. Pickled (object) arrays are refused."""
        columns = [
            pair for name, array in _arrays(path).items() for pair in _spread(path, name, array)
        ]
        _check_names(path, [name for name, _ in columns])
        lengths = {name: len(values) for name, values in columns}
        if len(set(lengths.values())) > 1:
            raise DataError(f"{path}: arrays must have the same number of rows, found {lengths}")
        return pd.DataFrame(
            {name: list(values) if values.ndim > 1 else values for name, values in columns}
        )


READERS: dict[str, Reader] = {
    ".csv": CsvReader(),
    ".csv.gz": CsvReader(),
    ".parquet": ParquetReader(),
    ".npz": NpzReader(),
}


def read_table(path: Path) -> pd.DataFrame:
    """Return the table in `path` by its suffix, at least one row and one column. Raises DataError."""
    if not path.is_file():
        raise DataError(missing_file(path))
    suffix = suffix_of(path)
    if suffix is None:
        raise DataError(
            f'{path}: file type "{path.suffix}" is unknown. Known: {", ".join(READERS)}'
        )
    if path.stat().st_size == 0:
        raise DataError(f"{path}: the file is empty")
    table = READERS[suffix].read(path)
    if not len(table) or not len(table.columns):
        raise DataError(f"{path}: has no rows of data")
    return table


def suffix_of(path: Path) -> str | None:
    """Return the longest suffix of READERS that `path` ends with, or None."""
    fitting = [suffix for suffix in READERS if path.name.lower().endswith(suffix)]
    return max(fitting, key=len, default=None)


def missing_file(path: Path) -> str:
    """Return `PATH: no such file`, with the most similar file beside it."""
    if path.is_dir():
        return f"{path}: is a folder; a file is needed ({', '.join(READERS)})"
    if not path.parent.is_dir():
        return f'{path}: no such file: the folder "{path.parent}" does not exist'
    close = difflib.get_close_matches(path.name, [p.name for p in path.parent.iterdir()], n=1)
    return f"{path}: no such file" + (f'; did you mean "{close[0]}"?' if close else "")


def require_columns(where: str, table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise DataError with the known columns when one of `names` is not a column of `table`."""
    for name in names:
        if name not in table.columns:
            raise DataError(unknown(f"{where}: column", name, map(str, table.columns)))


def _load(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if path.name.lower().endswith(".gz") else raw
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({_one_line(error)})") from error


def _decode(path: Path, raw: bytes) -> str:
    if b"\0" in raw[:65536] or raw[:2] == b"\x1f\x8b":
        raise DataError(f"{path}: is a binary file; a .csv must be plain text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
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
            if row and len(row) != len(header):
                raise DataError(
                    f"{path}: line {rows.line_num} has {len(row)} fields, the header has {len(header)}"
                )
            filled += bool(row)
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num}: {_one_line(error)}") from error
    if not filled:
        raise DataError(f"{path}: has a header but no rows of data")


def _check_header(path: Path, header: list[str]) -> None:
    if not header:
        raise DataError(f"{path}: the file is empty")
    if len(header) == 1 and (found := next((mark for mark in ";\t|" if mark in header[0]), None)):
        raise DataError(f'{path}: fields are separated by "{found!r}"; allowed is ","')
    _check_names(path, header)


def _check_names(path: Path, names: Iterable[str]) -> None:
    twice = [str(name) for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"{path}: column names must be distinct, found more than once: {', '.join(twice)}"
        )


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
        found = (
            "object arrays are not allowed"
            if "pickle" in str(error) and zipfile.is_zipfile(path)
            else _one_line(error)
        )
        raise DataError(f"{path}: is not a readable .npz file of plain arrays ({found})") from error


def _spread(path: Path, name: str, array: Array) -> list[tuple[str, Array]]:
    if array.dtype.kind not in "biufUM":
        raise DataError(
            f'{path}: array "{name}" has type {array.dtype}; allowed are numbers, booleans, text and dates'
        )
    if array.ndim == 1:
        return [(name, array)]
    if array.ndim == 2:
        return [(f"{name}_{index}", array[:, index]) for index in range(array.shape[1])]
    if array.ndim in (3, 4) and array.dtype.kind in "biuf":
        return [(name, array)]
    shapes = "[N], [N, F], and of numbers [N, steps, channels] and [N, channels, height, width]"
    raise DataError(
        f'{path}: array "{name}" has shape {array.shape} and type {array.dtype}; allowed are {shapes}'
    )


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
