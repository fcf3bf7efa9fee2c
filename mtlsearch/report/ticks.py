"""Round values along an axis, and how they are spelled in little room."""

import math

THOUSANDS = ((1e9, "G"), (1e6, "M"), (1e4, "k"))


def round_ticks(low: float, high: float, most: int) -> list[float]:
    """Return round values between two ends that differ, at most so many.

    Example:
        >>> round_ticks(-0.3, 2.2, 5)
        [0.0, 1.0, 2.0]
    """
    least = (high - low) / most
    magnitude = 10.0 ** math.floor(math.log10(least))
    steps = [factor * magnitude for factor in (1, 2, 5, 10)]
    step = next(step for step in steps if step >= least)
    first = math.ceil(low / step)
    last = math.floor(high / step)
    return [number * step for number in range(first, last + 1)]


def spell_tick(value: float) -> str:
    """Spell a round value: `−0.5`, `20k`.

    Example:
        >>> spell_tick(20_000.0)
        '20k'
    """
    for size, letter in THOUSANDS:
        if abs(value) >= size:
            unit = 1e3 if letter == "k" else size
            return _with_minus(f"{value / unit:g}{letter}")
    return _with_minus(f"{value:g}")


def _with_minus(text: str) -> str:
    return text.replace("-", "−")
