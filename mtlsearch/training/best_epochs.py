"""The best epochs of one training, whose weights are kept and averaged."""


class BestEpochs:
    """The best epochs of one training so far by validation loss, at most `count`.

    Each has a slot, a number below `count`, that says where its weights are kept. Of equal losses
    the earlier epoch is the better one. What is in which slot follows from the losses of this
    training alone, so a mean that is taken slot by slot does not depend on others.

    >>> best = BestEpochs(2)
    >>> [best.add(loss) for loss in (0.9, 0.5, 0.7, 0.8, 0.5)]
    [0, 1, 0, None, 0]
    >>> best.epochs
    [4, 1]
    >>> best.slot_of_best
    1

    Attributes:
        count: The number of epochs that are kept at most.
        epochs: The number of the epoch in each slot, from 0.
        losses: Their validation losses.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.epochs: list[int] = []
        self.losses: list[float] = []
        self.seen = 0

    def add(self, loss: float) -> int | None:
        """Take in the loss of one more epoch.

        Returns the slot that its weights belong in; None where it is not among the best.
        """
        epoch = self.seen
        self.seen += 1
        if len(self.losses) < self.count:
            self.epochs.append(epoch)
            self.losses.append(loss)
            return len(self.losses) - 1
        worst = max(self._slots(), key=self._rank)
        if loss >= self.losses[worst]:
            return None
        self.epochs[worst] = epoch
        self.losses[worst] = loss
        return worst

    @property
    def slot_of_best(self) -> int:
        """The slot of the best epoch; 0 before the first one."""
        return min(self._slots(), key=self._rank, default=0)

    def _slots(self) -> range:
        return range(len(self.losses))

    def _rank(self, slot: int) -> tuple[float, int]:
        return self.losses[slot], self.epochs[slot]
