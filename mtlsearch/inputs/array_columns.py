"""A source whose rows are arrays: which column holds them, and how their channels are scaled."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError
from mtlsearch.inputs.contract import SelectedColumns, SourceColumns, column_of_numbers, left_out
from mtlsearch.runtime.cells import LARGEST_NUMBER


def only_array(source: SourceColumns, kind: str) -> tuple[str, tuple[int, ...]]:
    """Return the name of the source's one column of arrays, and the shape of a row.

    Raises DataError.
    """
    arrays = source.arrays
    if len(arrays) != 1:
        found = ", ".join(arrays) or "none"
        raise DataError(
            f"{source.where}: input: {kind} are one array of more than two axes; found {found} "
            "(name others under ignore)"
        )
    [name] = arrays
    shape = _shape_of_rows(source, name)
    if 0 in shape:
        raise DataError(f"{describe_array(source, name)}; it is empty")
    return name, shape


def describe_array(source: SourceColumns, name: str) -> str:
    """Return the beginning of an error about an array."""
    shape = ", ".join(map(str, _shape_of_rows(source, name)))
    return f'{source.where}: array "{name}" has shape (N, {shape})'


def _shape_of_rows(source: SourceColumns, name: str) -> tuple[int, ...]:
    cell: Array = source.table[name].iloc[0]
    shape: tuple[int, ...] = cell.shape
    return shape


def select_array(
    source: SourceColumns, name: str, lengths: str | None, kind: str
) -> SelectedColumns:
    """Return the array and the column of lengths, if there is one, in the source's order."""
    columns = {}
    for column in source.names:
        raw = source.table[column]
        if column == name:
            columns[column] = pd.Series(raw.to_numpy(), dtype=object)
        elif column == lengths:
            columns[column] = column_of_numbers(source, column)
    reasons = left_out(source, list(columns), f"the inputs are {kind}")
    return SelectedColumns(pd.DataFrame(columns), lengths, reasons)


def fit_channels(
    channels: Iterable[Array],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and the scale, the standard deviation, of the numbers of each channel.

    The scale is 0 for a channel that is constant or has no number, the mean of the latter is 0.
    """
    means = []
    scales = []
    for channel in channels:
        mean, scale = _fit_channel(channel)
        means.append(mean)
        scales.append(scale)
    return tuple(means), tuple(scales)


def _fit_channel(channel: Array) -> tuple[float, float]:
    numbers = channel.astype(np.float64)
    is_there = np.abs(numbers) < LARGEST_NUMBER
    numbers = numbers[is_there]
    if not numbers.size:
        return 0.0, 0.0
    if np.ptp(numbers) == 0:
        return float(numbers.flat[0]), 0.0
    mean = numbers.mean()
    scale = numbers.std()
    return float(mean), float(scale)
