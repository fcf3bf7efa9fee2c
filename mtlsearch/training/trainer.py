"""The contract of trainers: what trains members side by side."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.candidate import TrainingSettings
from mtlsearch.training.history import TrainingHistory
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.training_data import TrainingData

SourceRows = Mapping[str, Tensor]  # row numbers per source
Scores = dict[Member, dict[str, float]]  # per task name
Predictions = dict[Member, dict[str, Array]]  # per task name


class NotStackableError(Exception):
    """Modules of this kind have no batched form; they are trained one after another."""


class Trainer(Protocol):
    """Trains members that start from the given networks. `histories` holds one per member.

    The model of a member has the mean of its weights at its best epochs by validation loss, of
    which the schedule says how many are averaged.
    """

    histories: dict[Member, TrainingHistory]

    def advance(self, until: int) -> None:
        """Train every member that has not ended up to epoch `until`."""
        ...

    def scores(self, rows: SourceRows | None) -> Scores:
        """The metrics of each member's tasks by its model so far.

        They are taken on `rows[source]`, or without `rows` on the member's own validation rows. A
        member whose metric is not finite fails.
        """
        ...

    def predictions(self, rows: SourceRows) -> Predictions:
        """The predictions on `rows[source]` of the model of each member that has not failed.

        In the tasks' own units, float64: [N], or [N, C] probabilities.
        """
        ...

    def network(self, member: Member) -> Network:
        """The network of the member's model."""
        ...


class TrainerFactory(Protocol):
    """Makes a trainer; raises NotStackableError when it cannot train networks of this kind."""

    def __call__(
        self,
        members: Sequence[Member],
        networks: Sequence[Network],
        data: TrainingData,
        schedule: TrainingSettings,
    ) -> Trainer:
        """A trainer of the members, each with its initial network."""
        ...
