"""The plain trainer: one member after another, each as a plain module.

The reference that the stacked one must equal.
"""

import dataclasses
import time
from collections.abc import Sequence

from mtlsearch.candidate import TrainingSettings
from mtlsearch.training.history import TrainingFailedError, TrainingHistory
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.step import Fitting
from mtlsearch.training.prediction import predict_network, score_network
from mtlsearch.training.trainer import Predictions, Scores, SourceRows
from mtlsearch.training.training_data import TrainingData


class PlainTrainer:
    """Trains one member at a time. `histories` holds one per member."""

    def __init__(
        self,
        members: Sequence[Member],
        networks: Sequence[Network],
        data: TrainingData,
        schedule: TrainingSettings,
    ) -> None:
        self.data = data
        self.schedule = schedule
        self.fittings: dict[Member, Fitting] = {}
        for member, network in zip(members, networks, strict=True):
            fitting = self._make_fitting(member, network)
            fitting.history.end = member.end
            self.fittings[member] = fitting
        self.histories: dict[Member, TrainingHistory] = {}
        for member, fitting in self.fittings.items():
            self.histories[member] = fitting.history

    def _make_fitting(self, member: Member, network: Network) -> Fitting:
        tasks_of_dataset = self.data.dataset.tasks
        tasks = [tasks_of_dataset[number] for number in member.component.tasks]
        schedule = self.schedule.for_optimizer(member.component.candidate.optimizer)
        return Fitting(
            network,
            tasks,
            self.data.fold(member.replicate),
            schedule=dataclasses.replace(schedule, epochs=member.epochs),
            frozen_epochs=member.frozen_epochs,
            averaging=member.averaging,
        )

    def advance(self, until: int) -> None:
        """Train every member that has not ended up to epoch `until`."""
        for fitting in self.fittings.values():
            started = time.perf_counter()
            try:
                fitting.advance(until)
            except TrainingFailedError as error:
                fitting.history.fail(str(error))
            fitting.history.seconds += time.perf_counter() - started

    def scores(self, rows: SourceRows | None) -> Scores:
        """The metrics of each member's tasks by its model so far.

        They are taken on `rows[source]`, or without `rows` on the member's own validation rows.
        """
        scores = {}
        for member, history in self.histories.items():
            if history.failure is not None:
                continue
            scored_rows = rows
            if scored_rows is None:
                scored_rows = self.data.fold(member.replicate).validation
            network = self.network(member)
            try:
                scores[member] = score_network(
                    network,
                    self.data,
                    member.replicate,
                    scored_rows,
                )
            except TrainingFailedError as error:
                history.fail(str(error))
        return scores

    def predictions(self, rows: SourceRows) -> Predictions:
        """The predictions on `rows[source]` of members that have not failed."""
        predictions = {}
        for member, history in self.histories.items():
            if history.failure is None:
                network = self.network(member)
                predictions[member] = predict_network(
                    network,
                    self.data,
                    member.replicate,
                    rows,
                )
        return predictions

    def network(self, member: Member) -> Network:
        """A copy of the member's network, with the mean of its weights at its best epochs."""
        return self.fittings[member].best()
