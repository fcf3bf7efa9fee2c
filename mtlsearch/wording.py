"""Words that several rooms say alike."""

import difflib
from collections.abc import Sequence
from pathlib import Path

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


def printable(text: str) -> str:
    """Return the text on one line, without runs of blanks or anything unprintable."""
    characters = [character if character.isprintable() else " " for character in text]
    words = "".join(characters).split()
    return " ".join(words)


def duration(seconds: float) -> str:
    """Return a time as people say it, to two units at most.

    Example:
        >>> duration(7.4), duration(234), duration(8000)
        ('7 s', '3 min 54 s', '2 h 13 min')
    """
    whole = max(0, round(seconds))
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest:02d} s"
    return f"{hours} h {minutes_left:02d} min"


def no_such_file(path: Path) -> str:
    """Return `PATH: no such file`, with the most similar file beside it."""
    if not path.parent.is_dir():
        return f'{path}: no such file: the folder "{path.parent}" does not exist'
    names = [neighbour.name for neighbour in path.parent.iterdir()]
    similar = difflib.get_close_matches(path.name, names, n=1)
    message = f"{path}: no such file"
    if similar:
        message += f'; did you mean "{similar[0]}"?'
    return message
