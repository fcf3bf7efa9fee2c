"""What a row of a source is: the columns of a table, or an image, a sequence or tokens, by the shape and type of the array."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.data.card import SourceCard
from mtlsearch.data.readers import require_columns
from mtlsearch.errors import DataError
from mtlsearch.inputs.schema import InputKind

LENGTHS = "lengths"  # the column that is taken for them without being named
MOST_CHANNELS = 4  # of an image, by which (H, W, C) is told from (C, H, W)


@dataclass(frozen=True)
class Layout:
    """The kind of input, the columns that hold it, and the column of lengths if there is one."""

    kind: InputKind
    columns: tuple[str, ...]
    lengths: str | None = None


def lay_out(
    table: pd.DataFrame, columns: Sequence[str], card: SourceCard, known: Array, where: str
) -> Layout:
    """Return how `columns`, those that may be inputs, are read; bool known[N] are the rows that are not test rows.

    Raises DataError beginning with `where`.
    """
    arrays = [name for name in columns if is_array(table[name])]
    kind = card.input or ("table" if not arrays else _inferred(table[arrays[0]].iloc[0]))
    if kind == "table":
        if card.lengths is not None:
            raise DataError(f"{where}: lengths: a table has none; allowed for sequences and tokens")
        return Layout(kind, tuple(name for name in columns if name not in arrays))
    lengths = _lengths_column(table, columns, card, kind, where)
    if kind == "tokens":
        named = tuple(name for name in columns if name not in arrays and name != lengths)
        _check_tokens(table, named, known, where)
        return Layout(kind, named, _checked(table, lengths, len(named), known, where))
    if len(arrays) != 1:
        found = ", ".join(arrays) or "none"
        raise DataError(
            f"{where}: input: {kind} are one array of more than two axes; found {found} (name others under ignore)"
        )
    steps = _check_array(arrays[0], table[arrays[0]].iloc[0].shape, kind, where)
    return Layout(kind, (arrays[0],), _checked(table, lengths, steps, known, where))


def is_array(column: "pd.Series[Any]") -> bool:
    """True when the cells are arrays of two axes or more."""
    return (
        column.dtype == object
        and isinstance(column.iloc[0], np.ndarray)
        and column.iloc[0].ndim > 1
    )


def _inferred(cell: Array) -> InputKind:
    """Of [A, B, C] an image; of [A, B] an image too where the numbers are bytes, else a sequence."""
    return "images" if cell.ndim == 3 or cell.dtype == np.uint8 else "sequences"


def _check_array(name: str, shape: tuple[int, ...], kind: InputKind, where: str) -> int:
    """Return the number of steps. Raises DataError for a shape that does not fit the kind."""
    found = f'array "{name}" has shape (N, {", ".join(map(str, shape))})'
    if kind == "sequences" and len(shape) != 2:
        raise DataError(f"{where}: {found}; sequences are (N, steps, channels)")
    if kind == "images" and len(shape) == 3 and shape[0] > MOST_CHANNELS >= shape[2]:
        raise DataError(
            f"{where}: {found}; images are (N, channels, height, width): transpose the array"
        )
    if 0 in shape:
        raise DataError(f"{where}: {found}; it is empty")
    return shape[0]


def _lengths_column(
    table: pd.DataFrame, columns: Sequence[str], card: SourceCard, kind: InputKind, where: str
) -> str | None:
    if kind == "images":
        if card.lengths is not None:
            raise DataError(f"{where}: lengths: images have none; allowed for sequences and tokens")
        return None
    if card.lengths is not None:
        require_columns(f"{where}: lengths", table, [card.lengths])
        if card.lengths not in columns:
            raise DataError(
                f'{where}: lengths: column "{card.lengths}" is a target, ignored or needed for the split'
            )
        return card.lengths
    return LENGTHS if LENGTHS in columns else None


def _checked(
    table: pd.DataFrame, lengths: str | None, most: int, known: Array, where: str
) -> str | None:
    """Return the column of lengths. Raises DataError where it holds something else."""
    if lengths is not None:
        numbers = pd.to_numeric(table[lengths], errors="coerce").to_numpy(np.float64)[known]
        bad = ~((numbers >= 1) & (numbers <= most) & (numbers % 1 == 0))
        if bad.any():
            first = f"data row {np.flatnonzero(known)[bad.argmax()] + 1}"
            raise DataError(
                f'{where}: lengths: column "{lengths}" must hold whole numbers from 1 to {most}; {first} does not'
            )
    return lengths


def _check_tokens(table: pd.DataFrame, names: Sequence[str], known: Array, where: str) -> None:
    if not names:
        raise DataError(f"{where}: input: tokens are columns of whole numbers; none is left")
    for name in names:
        there = table[name][known].dropna()
        if (pd.to_numeric(there, errors="coerce") % 1 != 0).any():
            raise DataError(
                f'{where}: input: tokens are whole numbers (0: no token); column "{name}" holds something else'
            )
    if not (table[list(names)][known].to_numpy(np.float64) > 0).any():
        raise DataError(
            f"{where}: input: tokens are whole numbers above 0 (0: no token); there is none"
        )
