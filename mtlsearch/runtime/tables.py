"""Tables as files and programs hold them, and predictions in the same form.

An exported folder holds a copy of this file. Needs numpy only: a DataFrame is known by what it can.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from . import csv_file
from .encoded_input import Table

Frame = TypeVar("Frame")


class TableError(ValueError):
    """The table cannot be used; the message is one line."""


def to_columns(table: Any) -> Table:
    """Return the cells of each column of a DataFrame, of a list of rows, or of columns.

    Raises TableError for a DataFrame with several columns of one name.
    """
    if isinstance(table, list):
        return _columns_of_rows(table)
    if is_frame(table):
        return _columns_of_frame(table)
    columns: Table = table
    return columns


def is_frame(table: object) -> bool:
    """Whether a table is a DataFrame of pandas or Polars, or looks like one."""
    return hasattr(table, "columns") and hasattr(table, "to_numpy")


def _columns_of_frame(frame: Any) -> Table:
    counts = Counter(map(str, frame.columns))
    if repeated := [name for name, count in counts.items() if count > 1]:
        raise TableError(f"several columns are called {listed(repeated)}")
    columns: dict[str, Any] = {}
    for name in frame.columns:
        cells = frame[name].to_numpy()
        holds_arrays = len(cells) > 0 and isinstance(cells[0], np.ndarray | list)
        columns[str(name)] = list(cells) if holds_arrays else cells
    return columns


def _columns_of_rows(rows: Sequence[Mapping[str, object]]) -> Table:
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    columns = {}
    for name in names:
        columns[name] = [row.get(name) for row in rows]
    return columns


def like_frame(
    result: Mapping[Any, Any],
    frame: Frame,
) -> Frame:
    """Return columns as a DataFrame of the same library, with the same index if it has one."""
    library: Any = type(frame)
    if hasattr(frame, "index"):
        answer: Frame = library(
            dict(result),
            index=frame.index,
        )
    else:
        answer = library(dict(result))
    return answer


def rows_of(result: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return columns as rows, each a mapping of column names to cells."""
    rows = []
    for cells in zip(
        *result.values(),
        strict=True,
    ):
        named = zip(
            result,
            cells,
            strict=True,
        )
        rows.append(dict(named))
    return rows


def read_file(path: Path) -> tuple[Table, list[str]]:
    """Return the cells of each column of a CSV or .npz file, and notices. Raises TableError."""
    if path.suffix.lower() == ".npz":
        return read_npz(path), []
    return read_csv(path)


def read_csv(path: Path) -> tuple[Table, list[str]]:
    """Return the cells of each column of a CSV file with a header, and notices.

    Raises TableError.
    """
    try:
        table, notices = csv_file.read_csv(path)
    except csv_file.CsvError as error:
        raise TableError(one_line(error)) from error
    except OSError as error:
        raise TableError(f"cannot be read: {one_line(error)}") from error
    return table, notices


def read_npz(path: Path) -> Table:
    """Return the arrays of an .npz file. Raises TableError.

    An array of two axes is split into the columns NAME_0, NAME_1, ...
    """
    try:
        with (
            path.open("rb") as file,
            np.load(
                file,
                allow_pickle=False,
            ) as archive,
        ):
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy raises many kinds for what is no such file
        raise TableError(f"cannot be read: {one_line(error)}") from error
    table: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.ndim == 2 and array.shape[1]:
            for index, column in enumerate(array.T):
                table[f"{name}_{index}"] = column
        else:
            table[name] = np.atleast_1d(array)
    counts = {len(cells) for cells in table.values()}
    if len(counts) != 1:
        raise TableError("needs arrays of the same number of rows")
    return table


def write_csv(
    result: Mapping[str, list[Any]],
    path: Path | None,
) -> None:
    """Write columns as CSV to a file, or to standard output.

    Raises TableError if the file cannot be written.
    """
    try:
        if path is None:
            opened: Any = nullcontext(sys.stdout)
        else:
            opened = path.open(
                "w",
                encoding="utf-8",
                newline="",
            )
        with opened as file:
            lines = csv.writer(
                file,
                lineterminator="\n",
            )
            lines.writerow(result)
            lines.writerows(
                zip(
                    *result.values(),
                    strict=True,
                )
            )
    except OSError as error:
        raise TableError(f"the predictions cannot be written: {one_line(error)}") from error


def listed(names: Iterable[object]) -> str:
    """Return names as a list on one line."""
    return ", ".join(map(one_line, names))


def one_line(value: object) -> str:
    """Return text on one line."""
    return " ".join(str(value).split())
