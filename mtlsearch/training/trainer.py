"""What trains members side by side: the interface of the serial and the forest trainer."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from torch import Tensor

from mtlsearch.candidate import TrainingSettings
from mtlsearch.training.history import Record
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.training_data import TrainingData


class Trainer(Protocol):
    """Trains members that start from the given networks. `records` holds one per member."""

    records: dict[Member, Record]

    def advance(self, until: int) -> None:
        """Train every member that has not ended up to epoch `until`."""
        ...

    def scores(self, rows: Mapping[str, Tensor] | None) -> dict[Member, dict[str, float]]:
        """The metrics of each member's tasks at its best epoch so far, on `rows[source]` or its own validation rows.

        A member whose metric is not finite fails.
        """
        ...

    def network(self, member: Member) -> Network:
        """The member's network at its best epoch."""
        ...


class MakeTrainer(Protocol):
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
