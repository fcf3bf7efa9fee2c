"""What would make an answer surer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """A command that would make the answer surer.

    Attributes:
        command: The command, to be copied.
        minutes: How long it is estimated to take.
        why: What it would do, as a part of a sentence.
    """

    command: str
    minutes: float
    why: str
