"""The serial trainer: one member after another, each as a plain module. The reference that the forest must equal."""

import dataclasses
import time
from collections.abc import Mapping, Sequence

from torch import Tensor

from mtlsearch.candidate import TrainingSettings
from mtlsearch.training.history import TrainingFailedError
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.step import Fitting
from mtlsearch.training.prediction import score_network
from mtlsearch.training.training_data import TrainingData


class PlainTrainer:
    """Trains one member at a time."""

    def __init__(
        self,
        members: Sequence[Member],
        networks: Sequence[Network],
        data: TrainingData,
        schedule: TrainingSettings,
    ) -> None:
        self.data = data
        self.fittings = {
            m: self._fitting(m, network, schedule)
            for m, network in zip(members, networks, strict=True)
        }
        self.records = {member: fitting.record for member, fitting in self.fittings.items()}

    def _fitting(self, member: Member, network: Network, schedule: TrainingSettings) -> Fitting:
        tasks = [self.data.dataset.tasks[task] for task in member.component.tasks]
        own = dataclasses.replace(schedule, epochs=member.epochs)
        return Fitting(
            network,
            tasks,
            self.data.fold(member.replicate),
            own,
            member.frozen_epochs,
            member.meeting,
        )

    def advance(self, until: int) -> None:
        """Train every member that has not ended up to epoch `until`."""
        for fitting in self.fittings.values():
            started = time.perf_counter()
            try:
                fitting.advance(until)
            except TrainingFailedError as error:
                fitting.record.fail(str(error))
            fitting.record.seconds += time.perf_counter() - started

    def scores(self, rows: Mapping[str, Tensor] | None) -> dict[Member, dict[str, float]]:
        """The metrics of each member's tasks at its best epoch so far, on `rows[source]` or its own validation rows."""
        found = {}
        for member in self.fittings:
            if self.records[member].failure is None:
                own = self.data.fold(member.replicate).validation if rows is None else rows
                try:
                    found[member] = score_network(
                        self.network(member), self.data, member.replicate, own
                    )
                except TrainingFailedError as error:
                    self.records[member].fail(str(error))
        return found

    def network(self, member: Member) -> Network:
        """A copy of the member's network at its best epoch."""
        return self.fittings[member].best()
