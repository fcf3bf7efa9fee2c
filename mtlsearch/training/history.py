"""How the training of one member goes: its losses, its best epoch, when it ends and why it failed."""

import math
from dataclasses import dataclass, field


class TrainingFailedError(Exception):
    """A training became unusable; the message says why."""


@dataclass
class Record:
    """A member's relative validation loss after each epoch, seconds spent, and why it failed.

    A task's relative loss is its loss divided by that of the best constant, so that tasks count alike in their mean.
    """

    history: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None
    ended: bool = False
    since: int = 0

    def note(self, loss: float, epochs: int, patience: int) -> bool:
        """Take in the loss of one more epoch; returns whether it is the best so far.

        Training ends after `epochs`, or after `patience` of them without a better one.
        """
        better = loss < min(self.history, default=math.inf)
        self.history.append(loss)
        self.since = 0 if better else self.since + 1
        self.ended = len(self.history) >= epochs or self.since >= patience
        return better

    def fail(self, reason: str) -> None:
        """End it without a result."""
        self.failure, self.ended = reason, True
