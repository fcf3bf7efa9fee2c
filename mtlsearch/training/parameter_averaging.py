"""Parameter averaging: between rounds of separate steps, a network's branches become one."""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from mtlsearch.initializations import Initialization

# Makes an iterator over the pieces of a trunk: the weights of all branches, to be written to.
Branches = Callable[[], Iterator[Sequence[Tensor]]]


class ParameterAveraging:
    """Averages the branches of one network, which all begin alike, in the way of an initialization.

    `common` holds, piece by piece, the weights with which the branches went on after the last
    round.
    """

    def __init__(self, initialization: Initialization, branches: Branches) -> None:
        self.initialization = initialization
        self.branches = branches
        self.steps = 0  # of this round
        self.common = [weights[0].clone() for weights in branches()]

    def after_step(self) -> None:
        """Count a step; after the last one of a round, average."""
        self.steps += 1
        if self.steps == self.initialization.local_steps:
            self.average()

    @torch.no_grad()
    def average(self) -> None:
        """End the round: let all branches go on from one set of weights.

        Without steps in this round nothing changes.
        """
        if self.steps == 0:
            return
        for piece, weights in enumerate(self.branches()):
            stacked = torch.stack(list(weights))
            common = self.initialization.average(self.common[piece], stacked)
            self.common[piece] = common
            for branch in weights:
                branch.copy_(common)
        self.steps = 0
