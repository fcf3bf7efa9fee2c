"""Members whose losses are weighed by one method: the weights' state, the weighted sum, and what is remembered of the losses."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.seeding import derive_seed
from mtlsearch.training.plain.network import Network
from mtlsearch.weightings import State, Weighting


@dataclass
class BatchedWeighting:
    """Members with one kind of weighting and one number of tasks: `heads` [K, T] are the numbers of their losses."""

    weighting: Weighting
    members: list[int]
    heads: Tensor
    state: State

    @classmethod
    def of(
        cls, networks: Sequence[Network], members: Sequence[int], heads: Tensor
    ) -> "BatchedWeighting":
        """At the start of training; `networks` are those of the members."""
        weightings = [network.component.candidate.weighting for network in networks]
        seeds = [
            [derive_seed(network.seed, "weight", task) for task in network.component.tasks]
            for network in networks
        ]
        states = [weighting.state(own) for weighting, own in zip(weightings, seeds, strict=True)]
        stacks = {
            name: torch.stack([each[name].detach() for each in states]).to(heads.device)
            for name in states[0]
        }
        state = {
            name: stack.requires_grad_(states[0][name].requires_grad)
            for name, stack in stacks.items()
        }
        return cls(weightings[0], list(members), heads, state)

    @property
    def learned(self) -> list[Tensor]:
        """The tensors of the state that are trained with the networks."""
        return [value for value in self.state.values() if value.requires_grad]

    def total(self, losses: Tensor) -> Tensor:
        """What the members [K, T] are trained on, a scalar; plain where weights hold for shared parameters only."""
        weighting = self.weighting
        weighed = (
            losses
            if weighting.needs_gramian
            else weighting.weigh(losses, None, self.state) * losses
        )
        return weighed.sum() + weighting.penalty(self.state).sum()

    def after_step(self, losses: Tensor, after: Tensor | None) -> None:
        """Take note of the losses [K, T] of a step and, where it looks again, of those after it."""
        self.state.update(self.weighting.after_step(losses.detach(), after, self.state))

    def after_epoch(self, losses: Tensor) -> None:
        """Take note of the mean losses [K, T] of an epoch."""
        self.state.update(self.weighting.after_epoch(losses, self.state))
