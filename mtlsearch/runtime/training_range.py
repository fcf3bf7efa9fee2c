"""Numbers that lie far outside what training rows showed, of which a network can say little.

Needs numpy only: an exported folder holds a copy of this file.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .cells import LARGEST_NUMBER
from .column_encodings import NumericColumn
from .encoded_input import Array, Columns


@dataclass(frozen=True)
class TrainingRange:
    """The least and the greatest number that training rows have in a column.

    Example:
        >>> TrainingRange(10.0, 20.0).is_far(np.array([-1.0, 5.0, 30.0, 31.0, np.nan]))
        array([ True, False, False,  True, False])
    """

    low: float
    high: float

    def is_far(self, numbers: Array) -> Array:
        """Return which numbers [N] are beyond the range by more than its width."""
        width = self.high - self.low
        is_below = numbers < self.low - width
        is_above = numbers > self.high + width
        return np.asarray(is_below | is_above)


def range_notices(
    networks: Iterable[Sequence[object]],
    columns: Columns,
) -> list[str]:
    """Say once for each column of numbers which cells are far outside its range, or infinite.

    The range is that of all networks, of which each brings the encodings of its columns. A column
    that is constant on the training rows says nothing to a network, whatever it holds.
    """
    notices = []
    for name, of_training in _ranges(networks).items():
        numbers = columns[name]
        is_infinite = np.abs(numbers) >= LARGEST_NUMBER
        if rows := np.flatnonzero(is_infinite).tolist():
            notices.append(
                f"column {name!r}: {len(rows)} of {len(numbers)} cells are infinite or "
                f"{LARGEST_NUMBER:g} and more (the first is in row {rows[0] + 1}); "
                "treated as missing"
            )
        is_far = of_training.is_far(numbers) & ~is_infinite
        if rows := np.flatnonzero(is_far).tolist():
            first = rows[0]
            notices.append(
                f"column {name!r}: {len(rows)} of {len(numbers)} cells are far outside "
                f"{of_training.low:g} to {of_training.high:g}, the range in training "
                f"(the first is {numbers[first]:g} in row {first + 1}); "
                "what is predicted of these rows is a guess"
            )
    return notices


def _ranges(networks: Iterable[Sequence[object]]) -> dict[str, TrainingRange]:
    """Return the range of each column of numbers that varies, over all networks."""
    ranges: dict[str, TrainingRange] = {}
    for encodings in networks:
        for encoding in encodings:
            if not isinstance(encoding, NumericColumn) or encoding.constant:
                continue
            if encoding.low is None or encoding.high is None:
                continue
            known = ranges.get(encoding.name, TrainingRange(encoding.low, encoding.high))
            low = min(known.low, encoding.low)
            high = max(known.high, encoding.high)
            ranges[encoding.name] = TrainingRange(low, high)
    return ranges
