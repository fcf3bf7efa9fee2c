"""The weights of a plain network at its best epochs, and their mean."""

import torch
from torch import Tensor, nn

from mtlsearch.training.best_epochs import BestEpochs
from mtlsearch.training.history import EpochRank

Weights = dict[str, Tensor]


class BestWeights:
    """The weights of one network at its best epochs so far, as many copies as epochs.

    Before the first epoch they are those that it begins with.
    """

    def __init__(self, network: nn.Module, count: int) -> None:
        """`count` is the number of epochs whose weights are averaged at most."""
        self.epochs = BestEpochs(count)
        self.copies = [_copy(network)]

    def add_epoch(self, network: nn.Module, rank: EpochRank) -> None:
        """Keep the weights after one more epoch, if it is among the best."""
        slot = self.epochs.add(rank)
        if slot is None:
            return
        copy = _copy(network)
        if slot == len(self.copies):
            self.copies.append(copy)
        else:
            self.copies[slot] = copy

    def mean(self) -> Weights:
        """The mean of the copies, taken in float64.

        Buffers such as running means are averaged as well. Whole numbers have no mean: they are
        those of the best epoch.
        """
        best = self.copies[self.epochs.slot_of_best]
        weights = {}
        for name, value in best.items():
            if value.is_floating_point():
                weights[name] = self._mean(name)
            else:
                weights[name] = value
        return weights

    def _mean(self, name: str) -> Tensor:
        first, *others = [copy[name] for copy in self.copies]
        total = first.double()
        for value in others:
            total = total + value.double()
        return (total / len(self.copies)).to(first.dtype)


@torch.no_grad()
def _copy(network: nn.Module) -> Weights:
    weights = {}
    for name, value in network.state_dict().items():
        weights[name] = value.detach().clone()
    return weights
