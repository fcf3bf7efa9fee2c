"""The table readers: one for each file suffix.

They say what a file must look like before anything is known about tasks.
"""

import io
import json
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mtlsearch.arrays import Array
from mtlsearch.columns import RawTable
from mtlsearch.data.file_sizes import (
    require_room_for_arrays,
    require_room_for_columns,
    require_room_for_text,
)
from mtlsearch.errors import DataError, unknown
from mtlsearch.runtime.csv_file import CsvError, CsvShape, CsvText, open_csv, shape_of
from mtlsearch.wording import no_such_file, printable

MOST_COLUMNS = 50_000  # each is looked at by itself: what it holds, and how it is encoded
REASON_LENGTH = 160  # characters of the reason that a library gives, in an error message


class Reader(Protocol):
    """Turns one kind of file into a table."""

    def read(self, path: Path) -> RawTable:
        """Return the rows of `path` under distinct column names.

        Raises:
            DataError: The file is no such table.
        """


class CsvReader:
    """Separated text with a header row, whose cells are kept as they are spelled.

    What they hold is decided later, on the rows that are not test rows.
    """

    def read(self, path: Path) -> RawTable:
        """Return the table; see `Reader`."""
        require_room_for_text(path)
        try:
            file = open_csv(path)
            shape = shape_of(file)
        except CsvError as error:
            raise DataError(f"{path}: {error}") from error
        except OSError as error:
            raise DataError(f"{path}: cannot be read ({_one_line(error)})") from error
        notices = (*file.notices, *shape.notices)
        return RawTable(_csv_cells(file, shape), untyped=True, notices=notices)


class ParquetReader:
    """Apache Parquet. An index that has a name is a column."""

    def read(self, path: Path) -> RawTable:
        """Return the table; see `Reader`."""
        require_room_for_columns(path)
        try:
            table = pd.read_parquet(path)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise DataError(
                f"{path}: is not a readable Parquet file ({_one_line(error)})"
            ) from error
        table.columns = table.columns.map(str)
        for name in _categorical(path):
            table[name] = table[name].astype("category")
        table, notices = _without_index(table)
        _check_names(path, table.columns)
        return RawTable(table, notices=notices)


class NpzReader:
    """Numpy arrays by name.

    A 1-D array [N] is a column, a 2-D array `x` [N, F] becomes the columns x_0, x_1, ..., and an
    array of more axes (sequences [N, steps, channels], images [N, channels, height, width]) a
    column whose cells are arrays.
    """

    def read(self, path: Path) -> RawTable:
        """Return the table; see `Reader`. Pickled (object) arrays are refused."""
        require_room_for_arrays(path)
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
        return RawTable(pd.DataFrame(columns))


READERS: dict[str, Reader] = {
    ".csv": CsvReader(),
    ".csv.gz": CsvReader(),
    ".parquet": ParquetReader(),
    ".npz": NpzReader(),
}


def read_table(path: Path) -> RawTable:
    """Return the table in `path`, read as its suffix says.

    It has at least one row and one column. Paths in its cells begin at its folder.

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
    columns = len(table.cells.columns)
    if columns > MOST_COLUMNS:
        raise DataError(
            f"{path}: has {columns:,} columns, and at most {MOST_COLUMNS:,} are read; choose some, "
            "or bring them down to fewer first"
        )
    if not len(table.cells) or not len(table.cells.columns):
        raise DataError(f"{path}: has no rows of data")
    return replace(table, folder=path.parent)


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
    return no_such_file(path)


def require_columns(where: str, table: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise DataError with the known columns when one of `names` is not a column of `table`."""
    for name in names:
        if name not in table.columns:
            known = map(str, table.columns)
            raise DataError(unknown(f"{where}: column", name, known))


def _csv_cells(file: CsvText, shape: CsvShape) -> pd.DataFrame:
    """Return the cells of a CSV file as text, "" where a field is empty."""
    has_bare_returns = file.text.count("\r") != file.text.count("\r\n")
    if has_bare_returns or len(shape.names) == 1:
        # pandas loses its way at a bare carriage return, and takes the empty cells of a single
        # column for blank lines.
        rows = [fields for _, fields in file.rows()]
        cells = pd.DataFrame(rows[1:], columns=list(shape.names), dtype=str)
    else:
        cells = pd.read_csv(
            io.StringIO(file.text),
            sep=file.separator,
            dtype=str,
            header=0,
            names=list(shape.names),
            index_col=False,
            keep_default_na=False,
            na_filter=False,
        )
    if shape.empty_rows:
        cells = cells.drop(index=list(shape.empty_rows)).reset_index(drop=True)
    if shape.empty_columns:
        cells = cells.drop(columns=[shape.names[position] for position in shape.empty_columns])
    return cells


def _categorical(path: Path) -> list[str]:
    """Return the columns that pandas wrote as categories; Parquet keeps that of text alone."""
    described = (pq.read_schema(path).metadata or {}).get(b"pandas")
    if described is None:
        return []
    names = []
    for column in json.loads(described)["columns"]:
        if column["pandas_type"] == "categorical" and column["name"] is not None:
            names.append(str(column["name"]))
    return names


def _without_index(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the table with the named levels of its index as columns, and notices."""
    named = [str(name) for name in table.index.names if name is not None]
    notices = []
    if named:
        notices.append(f"the index is taken for columns: {', '.join(named)}")
        table = pd.concat([_index_columns(table), table.reset_index(drop=True)], axis=1)
    elif not isinstance(table.index, pd.RangeIndex):
        notices.append("an index without a name is left out")
        table = table.reset_index(drop=True)
    return table.reset_index(drop=True), tuple(notices)


def _index_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the levels of the index that have a name."""
    levels = {}
    for position, name in enumerate(table.index.names):
        if name is not None:
            levels[str(name)] = table.index.get_level_values(position)
    return pd.DataFrame({name: pd.Series(values) for name, values in levels.items()})


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
        MemoryError,
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
    return printable(str(error))[:REASON_LENGTH] or type(error).__name__
