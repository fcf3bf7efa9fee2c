"""The rows of a map-style torch Dataset as arrays by name."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError, UsageError

INPUTS = "x"  # what inputs without a name are called
ALLOWED = "(inputs, targets) with targets by name, in a vector, or one by one"


def arrays_of_dataset(dataset: Any, tasks: Sequence[str]) -> dict[str, Array]:
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
        row = dataset[number]
        if not isinstance(row, tuple | list) or len(row) < 2:
            raise UsageError(f"the {kind}: row {number} is {type(row).__name__}, not {ALLOWED}")
        cells = _named_cells(row, tasks, f"the {kind}: row {number}")
        if number and cells.keys() != columns.keys():
            raise DataError(f"the {kind}: row {number} has other names than row 0: {list(cells)}")
        for name, cell in cells.items():
            columns.setdefault(name, []).append(cell)
    arrays = {}
    for name, cells_of_column in columns.items():
        shapes = {cell.shape for cell in cells_of_column}
        if len(shapes) > 1:
            raise DataError(f"the {kind}: {name} differs in shape over rows: {sorted(shapes)[:3]}")
        arrays[name] = np.stack(cells_of_column)
    return arrays


def _named_cells(row: Sequence[Any], tasks: Sequence[str], where: str) -> dict[str, Array]:
    """Return the arrays of a row by name."""
    inputs, *targets = row
    named: dict[str, Any] = dict(inputs) if isinstance(inputs, Mapping) else {INPUTS: inputs}
    if len(targets) == 1 and isinstance(targets[0], Mapping):
        named |= targets[0]
    else:
        values = list(targets[0]) if _is_vector(targets) else targets
        names = tasks or [f"target_{position}" for position in range(len(values))]
        if len(values) != len(names):
            raise UsageError(f"{where}: found {len(values)} targets for {len(names)} tasks")
        named |= dict(zip(names, values, strict=True))
    return {str(name): _as_array(value, f"{where}: {name}") for name, value in named.items()}


def _is_vector(targets: Sequence[Any]) -> bool:
    """Tell whether a row has one thing for its targets that holds all of them."""
    return len(targets) == 1 and np.ndim(targets[0]) == 1


def _as_array(value: Any, where: str) -> Array:
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
