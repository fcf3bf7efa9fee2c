"""The rows of a map-style torch Dataset as arrays by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError, UsageError

INPUTS = "x"  # what inputs without a name are called
ALLOWED = "(inputs, targets) with targets by name, in a vector, or one by one"


def arrays_of_dataset(
    dataset: Any,
    tasks: Sequence[str],
) -> dict[str, Array]:
    """Return the rows of a Dataset: `x` [N, ...], or inputs by their names, and each target [N].

    A row is `(inputs, targets)` or `(inputs, target, target, ...)`; both may be dicts.

    Args:
        dataset: A Dataset with a length.
        tasks: The names of targets that have none, in their order.

    Raises:
        UsageError: It has no length, or a row is something else.
        DataError: Rows differ in their names or shapes.
    """
    kind = type(dataset).__name__
    if not hasattr(dataset, "__len__") or not hasattr(dataset, "__getitem__"):
        raise UsageError(f"the {kind} has no length; rows are needed by their number (map-style)")
    columns: dict[str, list[Array]] = {}
    for number in range(len(dataset)):
        where = f"the {kind}: row {number}"
        cells = _named_cells(dataset[number], tasks, where)
        if number and cells.keys() != columns.keys():
            names = ", ".join(cells)
            raise DataError(f"{where} has other names than row 0: {names}")
        for name, cell in cells.items():
            column = columns.setdefault(name, [])
            column.append(cell)
    arrays = {}
    for name, column in columns.items():
        arrays[name] = _stacked(column, f"the {kind}: {name}")
    return arrays


def _stacked(cells: Sequence[Array], where: str) -> Array:
    """Return cells of one shape as an array [N, ...]."""
    first = cells[0].shape
    for cell in cells:
        if cell.shape != first:
            raise DataError(f"{where} differs in shape over rows: {first} and {cell.shape}")
    return np.stack(cells)


def _named_cells(
    row: Any,
    tasks: Sequence[str],
    where: str,
) -> dict[str, Array]:
    """Return the arrays of a row by name."""
    if not isinstance(row, tuple | list) or len(row) < 2:
        raise UsageError(f"{where} is {type(row).__name__}, not {ALLOWED}")
    inputs, *targets = row
    named: dict[str, Any] = {INPUTS: inputs}
    if isinstance(inputs, Mapping):
        named = dict(inputs)
    named |= _named_targets(targets, tasks, where)
    cells = {}
    for name, value in named.items():
        cells[str(name)] = _as_array(value, f"{where}: {name}")
    return cells


def _named_targets(
    targets: Sequence[Any],
    tasks: Sequence[str],
    where: str,
) -> dict[str, Any]:
    """Return the targets of a row by name."""
    values = targets
    if len(targets) == 1:
        together = targets[0]
        if isinstance(together, Mapping):
            return dict(together)
        if np.ndim(together) == 1:
            values = list(together)
    names = list(tasks)
    if not names:
        names = [f"target_{position}" for position in range(len(values))]
    if len(values) != len(names):
        raise UsageError(f"{where}: found {len(values)} targets for {len(names)} tasks")
    return dict(zip(names, values, strict=True))


def _as_array(
    value: Any,
    where: str,
) -> Array:
    """Return a tensor, a number or text as an array. Raises UsageError for anything else."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    array = np.asarray(value)
    if array.dtype == object or hasattr(value, "getbands"):
        raise UsageError(
            f"{where} is {type(value).__name__}; give tensors, numbers or text (pictures as "
            "tensors [channels, height, width])"
        )
    return array
