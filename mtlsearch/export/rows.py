"""Rows of a source as a file that an exported model's predict.py reads: a CSV file, or an .npz file where cells are arrays."""

from pathlib import Path

import numpy as np
import pandas as pd

from mtlsearch.data import read_table


def write_rows(inputs: pd.DataFrame, folder: Path) -> Path:
    """Write `inputs[N, columns]` into the folder and return the file."""
    if not any(isinstance(cell, np.ndarray) for cell in inputs.iloc[0]):
        inputs.to_csv(folder / "rows.csv", index=False)
        return folder / "rows.csv"
    arrays = {str(name): np.stack(list(column)) for name, column in inputs.items()}
    np.savez(folder / "rows.npz", **arrays)  # type: ignore[arg-type]
    return folder / "rows.npz"


def readable(data: Path, folder: Path) -> Path:
    """Return the file `data` if predict.py reads it, or the same table written into the folder. Raises DataError."""
    return data if data.suffix.lower() in (".csv", ".npz") else write_rows(read_table(data), folder)
