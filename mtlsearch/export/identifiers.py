"""Names of tasks and sources as identifiers in written code."""

import builtins
import keyword
import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import count

LONGEST_LIST = 40
"""Characters of an identifier up to which it lists all its words."""

LONGEST = 60
"""Characters of an identifier, before it is made unique."""


def identifier(text: str) -> str:
    """Return the text as part of an identifier: ASCII letters, digits and underscores.

    >>> identifier("Größe (cm)")
    'Groe_cm'
    """
    decomposed = unicodedata.normalize("NFKD", text)
    ascii_text = decomposed.encode("ascii", "ignore").decode()
    return re.sub(r"\W+", "_", ascii_text).strip("_") or "unnamed"


class Identifiers:
    """Identifiers of one scope, each given once."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def unused(self, prefix: str, words: Sequence[str]) -> str:
        """Return an identifier that begins with the prefix, spells the words and is not taken yet.

        >>> identifiers = Identifiers(["self"])
        >>> identifiers.unused("head_", ["body mass"]), identifiers.unused("head_", ["body-mass"])
        ('head_body_mass', 'head_body_mass_2')
        """
        wanted = _spell(prefix, words)
        for number in count(1):
            name = wanted if number == 1 else f"{wanted}_{number}"
            if name not in self._taken:
                break
        self._taken.add(name)
        return name


def _spell(prefix: str, words: Sequence[str]) -> str:
    spelled = [identifier(word) for word in words]
    name = prefix + "_".join(spelled)
    if len(name) > LONGEST_LIST and len(words) > 1:
        name = f"{prefix}{spelled[0][:LONGEST_LIST]}_and_{len(words) - 1}_more"
    start = "" if name.isidentifier() else "source_"
    name = start + name[:LONGEST]
    if keyword.iskeyword(name) or name in dir(builtins):
        name += "_"
    return name
