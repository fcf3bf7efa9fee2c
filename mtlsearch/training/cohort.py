"""Trains a cohort: its members each once, the hopeless stopped at rungs, and puts results together as outcomes."""

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.halving import Rung, thins
from mtlsearch.training.history import Record, TrainingFailedError
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import Model, Network
from mtlsearch.training.prediction import score_resamples
from mtlsearch.training.trainer import Trainer

T = TypeVar("T")
Scores = dict[Member, dict[str, float]]
Work = Generator[TrainingResult | None, None, list[Trainer]]


@dataclass
class Cohort:
    """Trainings in the making. `waiting` are those without an outcome; `records` and scores are of members that ended."""

    chunks: Chunks
    trainings: Sequence[TrainingJob]
    rungs: bool
    waiting: list[TrainingJob] = field(default_factory=list)
    records: dict[Member, Record] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)
    tests: Scores = field(default_factory=dict)
    resamples: dict[Member, dict[str, list[float]]] = field(default_factory=dict)
    rung_scores: dict[int, dict[int, dict[str, float]]] = field(default_factory=dict)

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
        self.rung_scores = {training.number: {} for training in self.trainings}

    def outcomes(self) -> Iterator[TrainingResult | None]:
        """One outcome per training as soon as it is known; None after each epoch. One that fails leaves the others alone."""
        yield from self.pretrain()
        trainers = self.trainers()
        candidates = len({training.composition for training in self.trainings})
        if (
            self.rungs
            and thins(self.chunks.schedule.epochs, candidates, len(self.tasks))
            and not any(t.test for t in self.trainings)
        ):
            trainers = iter((yield from self._climb(list(trainers), candidates)))
        for first in trainers:
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

    def _climb(self, trainers: list[Trainer], candidates: int) -> Work:
        """Thin the cohort out at its rungs."""
        for rung in Rung.ladder(self.chunks.schedule.epochs, candidates, len(self.tasks)):
            looks = []
            for epoch in (rung.quarter, rung.half, rung.epoch):
                trainers = yield from self.chunks.advance(trainers, epoch)
                looks.append(self._standing(trainers))
            for number, scores in looks[-1].items():
                self.rung_scores[number][rung.epoch] = scores
            kept = rung.survivors(self.waiting, self.tasks, looks)
            yield from self._stop(
                trainers,
                [t for t in self.waiting if t.number in looks[-1] and t.number not in kept],
            )
        return trainers

    def _standing(self, trainers: Sequence[Trainer]) -> dict[int, dict[str, float]]:
        """The validation scores so far of every training none of whose members has failed."""
        scores = {
            member: own for trainer in trainers for member, own in trainer.scores(None).items()
        }
        return {
            t.number: self._by_task(t, scores)
            for t in self.waiting
            if scores.keys() >= set(self.members[t.number])
        }

    def _stop(
        self, trainers: Sequence[Trainer], trainings: Sequence[TrainingJob]
    ) -> Iterator[TrainingResult]:
        """End these trainings; a member goes on where another training needs it."""
        records = self.records | {
            member: record for trainer in trainers for member, record in trainer.records.items()
        }
        self.waiting = [training for training in self.waiting if training not in trainings]
        needed = {member for training in self.waiting for member in self.members[training.number]}
        for trainer in trainers:
            trainer.drop([member for member in trainer.records if member not in needed])
        yield from (self._outcome(training, records, stopped=True) for training in trainings)

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

    def _outcome(
        self, training: TrainingJob, records: Mapping[Member, Record], stopped: bool = False
    ) -> TrainingResult:
        members = self.members[training.number]
        own = [records[member] for member in members]
        everyone = {m for member in members for m in (member, member.donor) if m is not None}
        seconds = round(sum((records[m].seconds for m in everyone if m in records), 0.0), 4)
        if reasons := [record.failure for record in own if record.failure is not None]:
            return TrainingResult.failed(training.number, reasons[0], seconds)
        costs = [self.chunks.cost(member) for member in members]
        return TrainingResult(
            number=training.number,
            scores={} if stopped else self._by_task(training, self.scores),
            test_scores=self._by_task(training, self.tests)
            if training.test and not stopped
            else {},
            parameters=sum(parameters for parameters, _ in costs),
            macs_per_example=sum(macs for _, macs in costs),
            epochs=[len(record.history) for record in own],
            history=[[round(loss, 6) for loss in record.history] for record in own],
            train_seconds=seconds,
            rungs={
                str(epoch): scores for epoch, scores in self.rung_scores[training.number].items()
            },
            stopped=stopped,
            test_resamples=self._by_task(training, self.resamples)
            if training.test and not stopped
            else {},
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
