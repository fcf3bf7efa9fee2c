"""Trains a cohort: finds its members, trains each once, and puts their results together as outcomes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from mtlsearch.candidate import Schedule
from mtlsearch.engine.member import Member
from mtlsearch.engine.model import Model, Network, transplant
from mtlsearch.engine.outcome import Outcome, Training
from mtlsearch.engine.prediction import count_macs, count_parameters
from mtlsearch.engine.record import Record, TrainingFailedError
from mtlsearch.engine.seeds import own_randomness
from mtlsearch.engine.stacking import NotStackableError
from mtlsearch.engine.trainer import MakeTrainer, Trainer
from mtlsearch.engine.training_data import TrainingData

Scores = dict[Member, dict[str, float]]


@dataclass
class Results:
    """What has come of members so far: validation scores and test scores of those that ended well, records of all."""

    records: dict[Member, Record] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)
    tests: Scores = field(default_factory=dict)


class CohortEngine:
    """Trains cohorts, with one trainer for at most `chunk` members of one shape.

    Where `make` cannot stack a kind of network, `fallback` trains it.
    """

    def __init__(self, data: TrainingData, schedule: Schedule, make: MakeTrainer, fallback: MakeTrainer, chunk: int) -> None:
        self.data, self.schedule, self.make, self.fallback, self.chunk = data, schedule, make, fallback, chunk
        self.costs: dict[tuple[object, ...], tuple[int, int]] = {}

    def train(self, cohort: Sequence[Training]) -> Iterator[Outcome]:
        """One outcome per training, each as soon as its members are trained. One that fails leaves the others alone."""
        members = {training.number: self._members(training) for training in cohort}
        results, waiting = Results(), list(cohort)
        donors = self._donors(members.values(), results)
        trainers = self._trainers([m for each in members.values() for m in each if m not in results.records], donors)
        for trainer in (last for first in trainers for last in self._advance(first, self.schedule.epochs, donors)):
            self._take(trainer, results, any(training.test for training in cohort))
            for training in [each for each in waiting if results.records.keys() >= set(members[each.number])]:
                waiting.remove(training)
                yield self._outcome(training, members[training.number], results)
        for training in waiting:
            yield self._outcome(training, members[training.number], results)

    def fit_model(self, training: Training) -> tuple[Model, list[list[float]]]:
        """Train one training; returns its model and the history of each component. Raises TrainingFailedError."""
        members, results, networks = self._members(training), Results(), dict[Member, Network]()
        donors = self._donors([members], results)
        for first in self._trainers([member for member in members if member not in results.records], donors):
            for trainer in self._advance(first, self.schedule.epochs, donors):
                results.records.update(trainer.records)
                networks.update({member: trainer.network(member) for member in trainer.records})
        _demand(members, results)
        return Model(training.composition, [networks[m] for m in members]), [results.records[m].history for m in members]

    def _members(self, training: Training) -> list[Member]:
        tasks = len(self.data.dataset.tasks)
        return [Member.of(component, training, tasks, self.schedule) for component in training.composition]

    def _donors(self, members: Iterable[Sequence[Member]], results: Results) -> dict[Member, Network]:
        """Train what members start from. Members whose donor failed have failed with it."""
        wanted = [member for each in members for member in each if member.donor]
        trained: dict[Member, Network] = {}
        for first in self._trainers([member.donor for member in wanted if member.donor], {}):
            for trainer in self._advance(first, self.schedule.epochs, {}):
                results.records.update(trainer.records)
                good = [donor for donor, record in trainer.records.items() if record.failure is None]
                trained.update({donor: trainer.network(donor) for donor in good})
        for member in wanted:
            if member.donor and member.donor not in trained:
                results.records[member] = results.records[member.donor]
        return trained

    def _trainers(self, members: Iterable[Member], donors: dict[Member, Network]) -> Iterator[Trainer]:
        """Trainers for all members, each member once; made when it is their turn."""
        shapes: dict[tuple[object, ...], list[Member]] = {}
        for member in dict.fromkeys(members):
            shapes.setdefault(member.shape, []).append(member)
        for own in shapes.values():
            for first in range(0, len(own), self.chunk):
                yield self._trainer(own[first : first + self.chunk], donors)

    def _trainer(self, members: Sequence[Member], donors: dict[Member, Network]) -> Trainer:
        with own_randomness(self.data.device):
            networks = [self._network(member, donors) for member in members]
        try:
            return self.make(members, networks, self.data, self.schedule)
        except NotStackableError:
            return self.fallback(members, networks, self.data, self.schedule)

    def _network(self, member: Member, donors: dict[Member, Network]) -> Network:
        network = Network(member.component, self.data.signature(member.replicate), member.seed).to(self.data.device)
        if member.donor:
            transplant(donors[member.donor], network)
        return network

    def _advance(self, trainer: Trainer, until: int, donors: dict[Member, Network]) -> list[Trainer]:
        """Train up to epoch `until`; where the memory does not suffice, half the members at a time, from the start."""
        members = list(trainer.records)
        try:
            trainer.advance(until)
            return [trainer]
        except (RuntimeError, MemoryError) as error:
            if len(members) == 1 or not _out_of_memory(error):
                raise
        del trainer
        middle = len(members) // 2
        halves = [self._trainer(half, donors) for half in (members[:middle], members[middle:])]
        return [last for half in halves for last in self._advance(half, until, donors)]

    def _take(self, trainer: Trainer, results: Results, test: bool) -> None:
        """Collect the results of a trainer that has come to its end."""
        results.scores.update(trainer.scores(None))
        if test:
            results.tests.update(trainer.scores({task.source: self.data.test_rows(task) for task in self.data.dataset.tasks}))
        results.records.update(trainer.records)

    def _outcome(self, training: Training, members: Sequence[Member], results: Results) -> Outcome:
        seconds = sum(results.records[m].seconds for member in members for m in (member, member.donor) if m)
        try:
            _demand(members, results)
        except TrainingFailedError as error:
            return Outcome.failed(training.number, str(error), round(seconds, 4))
        costs = [self._cost(member) for member in members]
        histories = [results.records[member].history for member in members]
        return Outcome(
            number=training.number,
            scores=self._by_task(members, results.scores),
            test_scores=self._by_task(members, results.tests) if training.test else {},
            parameters=sum(parameters for parameters, _ in costs),
            macs_per_example=sum(macs for _, macs in costs),
            epochs=[len(history) for history in histories],
            history=[[round(loss, 6) for loss in history] for history in histories],
            train_seconds=round(seconds, 4),
        )

    def _by_task(self, members: Sequence[Member], scores: Scores) -> dict[str, float]:
        """The scores of all members in the dataset's order of tasks."""
        found = {name: value for member in members for name, value in scores[member].items()}
        return {task.name: found[task.name] for task in self.data.dataset.tasks}

    def _cost(self, member: Member) -> tuple[int, int]:
        """Parameters and multiply-accumulates of a member's network, which follow from its tasks, tree and shape."""
        key = (member.component.tasks, member.component.candidate.tree, member.shape)
        if key not in self.costs:
            with own_randomness(self.data.device):
                network = Network(member.component, self.data.signature(0), 0).to(self.data.device)
            row = {source: x[:1] for source, x in self.data.fold(member.replicate).inputs.items()}
            self.costs[key] = count_parameters(network), count_macs(network, row)
        return self.costs[key]


def _demand(members: Sequence[Member], results: Results) -> None:
    for member in members:
        if (reason := results.records[member].failure) is not None:
            raise TrainingFailedError(reason)


def _out_of_memory(error: BaseException) -> bool:
    """Torch says so by its own error on a GPU, and in words on a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)
