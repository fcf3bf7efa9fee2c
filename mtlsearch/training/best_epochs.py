"""The best epochs of one training, whose weights are kept and averaged."""

from collections.abc import Sequence

from mtlsearch.candidate import TrainingSettings
from mtlsearch.training.history import EpochRank


class BestEpochs:
    """The best epochs of one training so far by their rank, at most `count`.

    Each has a slot, a number below `count`, that says where its weights are kept. Of equal ranks
    the earlier epoch is the better one. What is in which slot follows from the ranks of this
    training alone, so a mean that is taken slot by slot does not depend on others.

    >>> best = BestEpochs(2)
    >>> [best.add(EpochRank.by_loss(loss)) for loss in (0.9, 0.5, 0.7, 0.8, 0.5)]
    [0, 1, 0, None, 0]
    >>> best.epochs
    [4, 1]
    >>> best.slot_of_best
    1

    Attributes:
        count: The number of epochs that are kept at most.
        epochs: The number of the epoch in each slot, from 0.
        ranks: Their ranks.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.epochs: list[int] = []
        self.ranks: list[EpochRank] = []
        self.seen = 0

    def add(self, rank: EpochRank) -> int | None:
        """Take in the rank of one more epoch.

        Returns the slot that its weights belong in; None where it is not among the best.
        """
        epoch = self.seen
        self.seen += 1
        if len(self.ranks) < self.count:
            self.epochs.append(epoch)
            self.ranks.append(rank)
            return len(self.ranks) - 1
        worst = max(self._slots(), key=self._place)
        if rank >= self.ranks[worst]:
            return None
        self.epochs[worst] = epoch
        self.ranks[worst] = rank
        return worst

    @property
    def slot_of_best(self) -> int:
        """The slot of the best epoch; 0 before the first one."""
        return min(self._slots(), key=self._place, default=0)

    def _slots(self) -> range:
        return range(len(self.ranks))

    def _place(self, slot: int) -> tuple[EpochRank, int]:
        return self.ranks[slot], self.epochs[slot]


def usual_end(trainings: Sequence[Sequence[float]], schedule: TrainingSettings) -> int:
    """After how many epochs to end where there are no validation rows, to have like weights.

    `trainings` holds the validation losses of some that had them, epoch by epoch. A model has the
    mean of the weights of its best epochs: their middle, in the mean over trainings, is where that
    of the last epochs will be.

    >>> usual_end([[0.9, 0.5, 0.7], [0.9, 0.8, 0.7, 0.6]], TrainingSettings(epochs=9, patience=3))
    3
    """
    middles = [_middle_of_best(losses, schedule) for losses in trainings]
    middle = sum(middles) / len(middles)
    end = round(middle + (schedule.averaged_epochs - 1) / 2)
    return min(max(end, 1), schedule.epochs)


def _middle_of_best(losses: Sequence[float], schedule: TrainingSettings) -> float:
    """The mean number, from 1, of the best epochs of a training.

    Where it was stopped by the metrics, of which no history is kept, the patience tells the best.
    """
    best = len(losses) - schedule.patience
    if schedule.stop_on != "loss" and best > 0 and len(losses) < schedule.epochs:
        return best
    epochs = BestEpochs(schedule.averaged_epochs)
    for loss in losses:
        epochs.add(EpochRank.by_loss(loss))
    numbers = [epoch + 1 for epoch in epochs.epochs]
    return sum(numbers) / len(numbers)
