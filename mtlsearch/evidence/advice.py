"""What would make an answer surer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Advice:
    """A command that would make the answer surer.

    Attributes:
        command: The command, to copy.
        minutes: How long it would take, estimated from what the study took.
        why: What it would change, as a sentence without its full stop.
    """

    command: str
    minutes: float
    why: str
