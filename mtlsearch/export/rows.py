"""Rows of a source as a file that an exported model reads: CSV, or .npz where cells are arrays."""

from pathlib import Path

import numpy as np
import pandas as pd

from mtlsearch.data import read_table

READABLE_SUFFIXES = (".csv", ".npz")


def write_rows(inputs: pd.DataFrame, folder: Path) -> Path:
    """Write `inputs[N, columns]` into the folder and return the file."""
    first_row = inputs.iloc[0]
    has_arrays = any(isinstance(cell, np.ndarray) for cell in first_row)
    if not has_arrays:
        file = folder / "rows.csv"
        inputs.to_csv(file, index=False)
        return file

    arrays = {}
    for name, column in inputs.items():
        cells = list(column)
        arrays[str(name)] = np.stack(cells)
    file = folder / "rows.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file


def readable(data: Path, folder: Path) -> Path:
    """Return the file `data` if an exported model reads it, else a file in the folder.

    Raises DataError if the table cannot be read.
    """
    if data.suffix.lower() in READABLE_SUFFIXES:
        return data
    table = read_table(data)
    return write_rows(table.cells, folder)
