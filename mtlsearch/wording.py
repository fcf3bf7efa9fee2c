"""Words that several rooms say alike."""

from collections.abc import Sequence

MOST_NAMES = 8


def first_of_many(names: Sequence[str], separator: str = ", ") -> str:
    """Return the names in one text; of more than MOST_NAMES the first ones and how many follow.

    Example:
        >>> first_of_many(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"])
        'a, b, c, d, e, f, g, h, 2 more'
    """
    shown = list(names[:MOST_NAMES])
    more = len(names) - len(shown)
    if more:
        shown.append(f"{more} more")
    return separator.join(shown)
