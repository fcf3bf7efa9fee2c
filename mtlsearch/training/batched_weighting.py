"""Batched loss weighting: the weighting of several members at once, with its state."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mtlsearch.seeding import derive_seed
from mtlsearch.training.plain.network import Network
from mtlsearch.weightings import Weighting, WeightingState


@dataclass
class BatchedWeighting:
    """K members with one kind of weighting and one number of tasks T.

    `members` are their numbers, `heads` [K, T] the numbers of their losses, and the tensors of
    `state` are [K, T].
    """

    weighting: Weighting
    members: list[int]
    heads: Tensor
    state: WeightingState

    @classmethod
    def of(
        cls, networks: Sequence[Network], members: Sequence[int], heads: Tensor
    ) -> "BatchedWeighting":
        """The weighting as training begins; `networks` are those of the members."""
        initial = []
        trainable = []
        for network in networks:
            weighting = network.component.candidate.weighting
            tasks = network.component.tasks
            seeds = [derive_seed(network.seed, "weight", task) for task in tasks]
            initial.append(weighting.initial_state(seeds))
            trainable.append(weighting.trainable_state(len(tasks)))
        state = _stacked(initial, heads.device)
        for name, value in _stacked(trainable, heads.device).items():
            state[name] = value.requires_grad_()
        return cls(
            networks[0].component.candidate.weighting,
            list(members),
            heads,
            state,
        )

    @property
    def trainable(self) -> list[Tensor]:
        """The tensors of the state that are trained with the networks."""
        return [value for value in self.state.values() if value.requires_grad]

    def total(self, losses: Tensor) -> Tensor:
        """The scalar that the members are trained on, for losses[K, T].

        Where weights hold for shared parameters only, it is the plain sum.
        """
        if not self.weighting.needs_gramian:
            losses = (
                self.weighting.weigh(
                    losses,
                    None,
                    self.state,
                )
                * losses
            )
        penalty = self.weighting.penalty(self.state)
        return losses.sum() + penalty.sum()

    def after_step(
        self,
        losses: Tensor,
        updated_losses: Tensor | None,
    ) -> None:
        """Take note of the losses [K, T] of a step and, where needed, of those after it."""
        changed = self.weighting.after_step(
            losses.detach(),
            updated_losses,
            self.state,
        )
        self.state.update(changed)

    def after_epoch(self, losses: Tensor) -> None:
        """Take note of the mean losses [K, T] of an epoch."""
        changed = self.weighting.after_epoch(losses, self.state)
        self.state.update(changed)


def _stacked(
    states: Sequence[WeightingState],
    device: torch.device,
) -> WeightingState:
    """The tensors [K, T] of the states of K members."""
    stacked = {}
    for name in states[0]:
        members = [state[name] for state in states]
        stacked[name] = torch.stack(members).to(device)
    return stacked
