"""Trains a cohort: its members each once, and puts results together as outcomes."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.history import Record, TrainingFailedError
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Model, Network
from mtlsearch.training.prediction import score_resamples
from mtlsearch.training.trainer import Trainer

T = TypeVar("T")
Scores = dict[Member, dict[str, float]]


@dataclass
class Cohort:
    """Trainings in the making. `waiting` are those without an outcome; `records` and scores are of members that ended."""

    chunks: Chunks
    trainings: Sequence[TrainingJob]
    waiting: list[TrainingJob] = field(default_factory=list)
    records: dict[Member, Record] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)
    tests: Scores = field(default_factory=dict)
    resamples: dict[Member, dict[str, list[float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find the members of each training."""
        data, schedule = self.chunks.data, self.chunks.schedule
        self.tasks, self.waiting = data.dataset.tasks, list(self.trainings)
        self.members = {
            training.number: [
                Member.of(part, training, len(self.tasks), schedule)
                for part in training.composition
            ]
            for training in self.trainings
        }

    def outcomes(self) -> Iterator[TrainingResult | None]:
        """One outcome per training as soon as it is known; None after each epoch. One that fails leaves the others alone."""
        yield from self.pretrain()
        for first in self.trainers():
            for trainer in (yield from self.chunks.advance([first], self.chunks.schedule.epochs)):
                self._take(trainer)
            yield from self._finish(
                [
                    each
                    for each in self.waiting
                    if self.records.keys() >= set(self.members[each.number])
                ]
            )
        yield from self._finish(list(self.waiting))

    def model(self) -> tuple[Model, list[list[float]]]:
        """Train a cohort of one training; its model, and the history of each component. Raises TrainingFailedError."""
        [training], networks = self.trainings, dict[Member, Network]()
        for work in (self.pretrain(), self._collect(networks)):
            deque(work, maxlen=0)
        members = self.members[training.number]
        if reasons := [
            self.records[m].failure for m in members if self.records[m].failure is not None
        ]:
            raise TrainingFailedError(reasons[0])
        return Model(training.composition, [networks[m] for m in members]), [
            self.records[m].history for m in members
        ]

    def _collect(self, networks: dict[Member, Network]) -> Iterator[None]:
        for first in self.trainers():
            for trainer in (yield from self.chunks.advance([first], self.chunks.schedule.epochs)):
                self.records.update(trainer.records)
                networks.update({member: trainer.network(member) for member in trainer.records})

    def pretrain(self) -> Iterator[None]:
        """Train what members start from. Members whose donor failed have failed with it."""
        wanted = [member for each in self.members.values() for member in each if member.donor]
        for first in self.chunks.trainers([member.donor for member in wanted if member.donor]):
            for trainer in (yield from self.chunks.advance([first], self.chunks.schedule.epochs)):
                self.records.update(trainer.records)
                good = [
                    donor for donor, record in trainer.records.items() if record.failure is None
                ]
                self.chunks.donors.update({donor: trainer.network(donor) for donor in good})
        for member in wanted:
            if member.donor and member.donor not in self.chunks.donors:
                reason = self.records[member.donor].failure
                self.records[member] = Record(failure=f"what it starts from: {reason}", ended=True)

    def trainers(self) -> Iterator[Trainer]:
        """The trainers of all members that have not failed already."""
        return self.chunks.trainers(
            m for each in self.members.values() for m in each if m not in self.records
        )

    def _take(self, trainer: Trainer) -> None:
        """Collect the results of a trainer that has come to its end."""
        data = self.chunks.data
        self.scores.update(trainer.scores(None))
        if any(training.test for training in self.trainings):
            self.tests.update(
                trainer.scores({task.source: data.test_rows(task) for task in self.tasks})
            )
            seed = self.trainings[0].seed
            for member in [
                member for member, record in trainer.records.items() if record.failure is None
            ]:
                self.resamples[member] = score_resamples(
                    trainer.network(member), data, member.replicate, seed
                )
        self.records.update(trainer.records)

    def _finish(self, trainings: Sequence[TrainingJob]) -> Iterator[TrainingResult]:
        """The outcomes of trainings whose members have all ended."""
        self.waiting = [training for training in self.waiting if training not in trainings]
        yield from (self._outcome(training, self.records) for training in trainings)

    def _outcome(self, training: TrainingJob, records: Mapping[Member, Record]) -> TrainingResult:
        members = self.members[training.number]
        own = [records[member] for member in members]
        everyone = {m for member in members for m in (member, member.donor) if m is not None}
        seconds = round(sum((records[m].seconds for m in everyone if m in records), 0.0), 4)
        if reasons := [record.failure for record in own if record.failure is not None]:
            return TrainingResult.failed(training.number, reasons[0], seconds)
        costs = [self.chunks.cost(member) for member in members]
        return TrainingResult(
            number=training.number,
            scores=self._by_task(training, self.scores),
            test_scores=self._by_task(training, self.tests) if training.test else {},
            parameters=sum(parameters for parameters, _ in costs),
            macs_per_example=sum(macs for _, macs in costs),
            epochs=[len(record.history) for record in own],
            history=[[round(loss, 6) for loss in record.history] for record in own],
            train_seconds=seconds,
            test_resamples=self._by_task(training, self.resamples) if training.test else {},
            costs=[list(cost) for cost in costs],
        )

    def _by_task(
        self, training: TrainingJob, scores: Mapping[Member, Mapping[str, T]]
    ) -> dict[str, T]:
        """The scores of all members in the dataset's order of tasks."""
        found = {
            name: value
            for member in self.members[training.number]
            for name, value in scores[member].items()
        }
        return {task.name: found[task.name] for task in self.tasks}
