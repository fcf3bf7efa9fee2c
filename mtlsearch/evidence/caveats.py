"""What has to be said beside an answer, or forbids it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Caveat:
    """Something that weakens what the figures say.

    Attributes:
        sentence: What it is, as a whole sentence.
        lowers: Whether nothing may be claimed because of it.
    """

    sentence: str
    lowers: bool
