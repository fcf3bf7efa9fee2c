"""The course of one member's training: its losses, when it ends and why it failed."""

import math
from dataclasses import dataclass, field
from typing import NamedTuple


class TrainingFailedError(Exception):
    """A training became unusable; the message says why."""


class EpochRank(NamedTuple):
    """How good an epoch is on the validation rows: the less, the better.

    Of two epochs that are alike by the criterion, that of the lower loss is the better one.

    Attributes:
        criterion: What training is stopped by: the loss, or what the metrics fall short.
        loss: The relative validation loss.
    """

    criterion: float
    loss: float

    @classmethod
    def by_loss(cls, loss: float) -> "EpochRank":
        """The rank of an epoch that is judged by its loss alone."""
        return cls(loss, loss)


WORST = EpochRank.by_loss(math.inf)


@dataclass
class TrainingHistory:
    """The course of one member's training, epoch by epoch.

    Attributes:
        losses: The relative validation loss after each epoch. A task's relative loss is its loss
            divided by that of the best constant, so that tasks count alike in their mean.
        training_losses: The same of the training rows, as the steps of each epoch saw them: with
            dropout and smoothed labels, and before the weights were moved.
        seconds: The time spent.
        failure: Why the training failed; None while it has not.
        ended: Whether it has come to its end.
        epochs_since_best: The epochs after the best one.
        best: The rank of the best one.
        end: After how many epochs it ends, whatever their ranks; None: as these say.
    """

    losses: list[float] = field(default_factory=list)
    training_losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None
    ended: bool = False
    epochs_since_best: int = 0
    best: EpochRank = WORST
    end: int | None = None

    def rank(self, validated: EpochRank) -> EpochRank:
        """The rank of the next epoch; where the end is given, the later one is the better one."""
        if self.end is None:
            return validated
        return EpochRank(-len(self.losses), validated.loss)

    def add_epoch(
        self,
        rank: EpochRank,
        epochs: int,
        patience: int,
    ) -> None:
        """Take in the rank of one more epoch.

        Training ends after `epochs`, or after `patience` of them without a better one.
        """
        self.losses.append(rank.loss)
        self.epochs_since_best += 1
        if rank < self.best:
            self.best = rank
            self.epochs_since_best = 0
        last = epochs if self.end is None else self.end
        self.ended = len(self.losses) >= last or self.epochs_since_best >= patience

    def fail(self, reason: str) -> None:
        """End the training without a result."""
        self.failure = reason
        self.ended = True

    @classmethod
    def failed(cls, reason: str) -> "TrainingHistory":
        """The history of a training that failed before its first epoch."""
        return cls(failure=reason, ended=True)
