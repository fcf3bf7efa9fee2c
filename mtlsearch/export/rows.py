"""Rows of a source as a file that an exported model reads: CSV, or .npz where cells are arrays.

Pictures are files beside it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from mtlsearch.columns import ColumnForm
from mtlsearch.data import read_table
from mtlsearch.inputs.contract import is_array
from mtlsearch.runtime.pictures import file_of

READABLE_SUFFIXES = (".csv", ".gz", ".npz")


def write_rows(
    inputs: pd.DataFrame,
    folder: Path,
    forms: Mapping[str, ColumnForm] | None = None,
) -> Path:
    """Write `inputs[N, columns]` into the folder and return the file.

    Numbers get the decimal mark that the column's form says. Pictures, and the bytes of files, are
    written to files whose paths are the cells.
    """
    inputs = _with_files(inputs, folder, forms or {})
    has_arrays = any(is_array(inputs[name]) for name in inputs)
    if not has_arrays:
        file = folder / "rows.csv"
        spelled = {}
        for name, form in (forms or {}).items():
            if form.decimal != ".":
                spelled[name] = inputs[name].map(repr).str.replace(".", form.decimal)
        inputs.assign(**spelled).to_csv(file, index=False)
        return file

    arrays = {}
    for column in inputs:
        cells = list(inputs[column])
        arrays[str(column)] = np.stack(cells)
    file = folder / "rows.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file


def _with_files(
    inputs: pd.DataFrame,
    folder: Path,
    forms: Mapping[str, ColumnForm],
) -> pd.DataFrame:
    """Return the rows with the path of a file in place of each picture and of bytes."""
    paths = {}
    for number, name in enumerate(map(str, inputs)):
        column = inputs[name]
        form = forms.get(name)
        is_image = form is not None and form.type == "image"
        if not is_image and not _holds_files(column):
            continue
        place = folder / f"files_{number}"
        place.mkdir(exist_ok=True)
        cells = []
        for row, cell in enumerate(column):
            cells.append(_as_path(cell, place / f"{row}.png"))
        paths[name] = pd.Series(cells, index=inputs.index, dtype=object)
    return inputs.assign(**paths)


def _holds_files(column: "pd.Series[Any]") -> bool:
    if column.dtype != object:
        return False
    return bool(column.map(lambda cell: isinstance(file_of(cell), bytes)).any())


def _as_path(cell: object, file: Path) -> object:
    """Return the file that holds the picture or the bytes of a cell, or what else it holds."""
    content = file_of(cell)
    if isinstance(content, bytes):
        file.write_bytes(content)
        return file
    if isinstance(content, np.ndarray):
        Image.fromarray(content.transpose(1, 2, 0)).save(file)
        return file
    return content


def readable(data: Path, folder: Path) -> Path:
    """Return the file `data` if an exported model reads it, else a file in the folder.

    Lists in a column are written as text, since no model reads them.

    Raises DataError if the table cannot be read.
    """
    if data.suffix.lower() in READABLE_SUFFIXES:
        return data
    table = read_table(data)
    return write_rows(table.cells, folder)
