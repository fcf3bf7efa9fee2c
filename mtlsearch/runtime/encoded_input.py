"""What encodings read and make: columns of cells, and arrays for a network.

Needs numpy only: an exported folder holds a copy of this file.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from .cells import Array, Cells

__all__ = ["Array", "Cells", "Columns", "EncodedInput", "Table", "present_names"]

Table: TypeAlias = Mapping[str, Cells]
"""Columns by their names, all of one length."""

Columns: TypeAlias = Mapping[str, Array]
"""Columns whose cells are read: float64 [N] with NaN, or text, pictures or None [N] (object), or
arrays [N, ...].
"""


class EncodedInput(NamedTuple):
    """What a network reads of N rows; None for what the source's kind of input does not have."""

    values: Array | None = None
    """float32 [N, F], [N, S, F] or [N, F, H, W]."""

    categories: Array | None = None
    """int64 [N, S], numbered from 1; 0 stands for none."""

    mask: Array | None = None
    """bool [N, S]: the positions that a sequence or text has."""

    pictures: Array | None = None
    """float32 [N, C, H, W]: the pictures beside the values, three channels each."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays that there are."""
        return present_names(self)

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The arrays that there are."""
        return tuple(array for array in self if array is not None)


def present_names(record: NamedTuple) -> tuple[str, ...]:
    """Return the names of the fields of a record that are not None."""
    return tuple(name for name in record._fields if getattr(record, name) is not None)
