"""Names as they can be drawn: without what XML cannot hold, and no wider than there is room."""

import re
import unicodedata

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(words: str) -> str:
    """Replace the characters that XML 1.0 cannot hold."""
    return NOT_XML.sub("\ufffd", words)


def columns_of(words: str) -> int:
    """The width in terminal columns: a wide character takes two."""
    return sum(_width(character) for character in words)


def shorten(words: str, columns: int) -> str:
    """Cut a name to so many terminal columns, ending in an ellipsis where it was cut."""
    if columns_of(words) <= columns:
        return words
    kept = ""
    room = columns - 1
    for character in words:
        room -= _width(character)
        if room < 0:
            break
        kept += character
    return kept.rstrip() + "…"


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    is_wide = unicodedata.east_asian_width(character) in "WF"
    return 2 if is_wide else 1
