"""The course of one member's training: its losses, when it ends and why it failed."""

import math
from dataclasses import dataclass, field


class TrainingFailedError(Exception):
    """A training became unusable; the message says why."""


@dataclass
class TrainingHistory:
    """The course of one member's training, epoch by epoch.

    Attributes:
        losses: The relative validation loss after each epoch. A task's relative loss is its loss
            divided by that of the best constant, so that tasks count alike in their mean.
        seconds: The time spent.
        failure: Why the training failed; None while it has not.
        ended: Whether it has come to its end.
        epochs_since_best: The epochs after the best one.
    """

    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None
    ended: bool = False
    epochs_since_best: int = 0

    def add_epoch(
        self,
        loss: float,
        epochs: int,
        patience: int,
    ) -> None:
        """Take in the loss of one more epoch.

        Training ends after `epochs`, or after `patience` of them without a better one.
        """
        is_best = loss < min(self.losses, default=math.inf)
        self.losses.append(loss)
        self.epochs_since_best = 0 if is_best else self.epochs_since_best + 1
        self.ended = len(self.losses) >= epochs or self.epochs_since_best >= patience

    def fail(self, reason: str) -> None:
        """End the training without a result."""
        self.failure = reason
        self.ended = True

    @classmethod
    def failed(cls, reason: str) -> "TrainingHistory":
        """The history of a training that failed before its first epoch."""
        return cls(failure=reason, ended=True)
