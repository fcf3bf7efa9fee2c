"""Rows of a source as a file that an exported model reads: CSV, or .npz where cells are arrays."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from mtlsearch.columns import ColumnForm
from mtlsearch.data import read_table
from mtlsearch.inputs.contract import is_array

READABLE_SUFFIXES = (".csv", ".gz", ".npz")


def write_rows(
    inputs: pd.DataFrame,
    folder: Path,
    forms: Mapping[str, ColumnForm] | None = None,
) -> Path:
    """Write `inputs[N, columns]` into the folder and return the file.

    Numbers get the decimal mark that the column's form says.
    """
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


def readable(data: Path, folder: Path) -> Path:
    """Return the file `data` if an exported model reads it, else a file in the folder.

    Lists in a column are written as text, since no model reads them.

    Raises DataError if the table cannot be read.
    """
    if data.suffix.lower() in READABLE_SUFFIXES:
        return data
    table = read_table(data)
    return write_rows(table.cells, folder)
