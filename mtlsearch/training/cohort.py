"""The training of a cohort: its members each once, put together as the results of jobs."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.history import TrainingFailedError, TrainingHistory
from mtlsearch.training.member import Member
from mtlsearch.training.plain.network import CompositionNetwork, Network
from mtlsearch.training.trainer import Trainer
from mtlsearch.training.weights import save_weights

T = TypeVar("T")


@dataclass
class MemberResult:
    """What the training of one member came to.

    A confirmed member has predictions of test rows and its network.
    """

    history: TrainingHistory
    scores: Mapping[str, float] = field(default_factory=dict)
    predictions: Mapping[str, Array] = field(default_factory=dict)
    network: Network | None = None


class CohortTrainer:
    """Trains jobs side by side.

    A member that several of them need is trained once; one that fails leaves others alone.
    """

    def __init__(
        self,
        chunks: Chunks,
        jobs: Sequence[TrainingJob],
    ) -> None:
        self.chunks = chunks
        self.jobs = list(jobs)
        self.tasks = chunks.data.dataset.tasks
        self.members: dict[int, list[Member]] = {}  # by the numbers of jobs
        for job in self.jobs:
            self.members[job.number] = self._members_of(job)
        self.ended: dict[Member, MemberResult] = {}

    def _members_of(self, job: TrainingJob) -> list[Member]:
        members = []
        for component in job.composition:
            member = Member.of(
                component,
                job,
                len(self.tasks),
                self.chunks.schedule,
            )
            members.append(member)
        return members

    def results(self) -> Iterator[TrainingResult | None]:
        """One result per job as soon as it is known, and None after each epoch of members."""
        waiting = self.jobs
        ended = 0
        for _ in self._train(self._take_results):
            yield None
            if len(self.ended) == ended:
                continue
            ended = len(self.ended)
            finished = [job for job in waiting if self._is_finished(job)]
            waiting = [job for job in waiting if not self._is_finished(job)]
            for job in finished:
                yield self._result(job)
        for job in waiting:
            yield self._result(job)

    def model(self) -> tuple[CompositionNetwork, list[list[float]]]:
        """The model of a cohort of one job, and the losses of each component by epoch.

        Raises TrainingFailedError.
        """
        [job] = self.jobs
        for _ in self._train(self._take_networks):
            pass
        members = self.members[job.number]
        histories = [self.ended[member].history for member in members]
        for history in histories:
            if history.failure is not None:
                raise TrainingFailedError(history.failure)
        losses = [history.losses for history in histories]
        return self._composition_network(job), losses

    def _composition_network(self, job: TrainingJob) -> CompositionNetwork:
        networks = []
        for member in self.members[job.number]:
            network = self.ended[member].network
            assert network is not None
            networks.append(network)
        return CompositionNetwork(job.composition, networks)

    def _train(self, take: Callable[[Trainer], None]) -> Iterator[None]:
        """Train what members begin with, then the members; those that end are given to `take`."""
        members: list[Member] = []
        for job in self.jobs:
            members.extend(self.members[job.number])
        yield from self._pretrain(members)
        left = [member for member in members if member not in self.ended]
        yield from self.chunks.train(left, take, self._take_failure)

    def _pretrain(self, members: Sequence[Member]) -> Iterator[None]:
        """Train what members begin with. Where that fails, they fail with it."""
        pretraining = []
        for member in members:
            if member.pretraining:
                pretraining.append(member.pretraining)
        yield from self.chunks.train(
            pretraining,
            self._take_pretrained,
            self._take_failure,
        )
        for member in members:
            if member.pretraining is None:
                continue
            failure = self.ended[member.pretraining].history.failure
            if failure is not None:
                self._take_failure(member, f"what it starts from: {failure}")

    def _take_pretrained(self, trainer: Trainer) -> None:
        for member, history in trainer.histories.items():
            self.ended[member] = MemberResult(history)
            if history.failure is None:
                self.chunks.pretrained[member] = trainer.network(member)

    def _take_networks(self, trainer: Trainer) -> None:
        for member, history in trainer.histories.items():
            self.ended[member] = MemberResult(history, network=trainer.network(member))

    def _take_results(self, trainer: Trainer) -> None:
        """Take the scores of members, and the predictions and networks of confirmed ones."""
        scores = trainer.scores(None)
        results = {}
        for member, history in trainer.histories.items():
            results[member] = MemberResult(history, scores.get(member, {}))
        confirmed = [member for member in results if member.replicate.confirms]
        if confirmed:
            predictions = trainer.predictions(self._test_rows())
            for member in confirmed:
                if member in predictions:
                    results[member].predictions = predictions[member]
                    results[member].network = trainer.network(member)
                    _fail_if_not_finite(results[member])
        self.ended.update(results)

    def _test_rows(self) -> dict[str, Tensor]:
        data = self.chunks.data
        rows = {}
        for task in self.tasks:
            rows[task.source] = data.test_rows(task)
        return rows

    def _take_failure(self, member: Member, reason: str) -> None:
        self.ended[member] = MemberResult(TrainingHistory.failed(reason))

    def _is_finished(self, job: TrainingJob) -> bool:
        return all(member in self.ended for member in self.members[job.number])

    def _result(self, job: TrainingJob) -> TrainingResult:
        """The result of a job whose members have all ended."""
        members = self.members[job.number]
        seconds = self._seconds(members)
        histories = [self.ended[member].history for member in members]
        for history in histories:
            if history.failure is not None:
                return TrainingResult.failed(job.number, history.failure, seconds)
        costs = [self.chunks.cost(member) for member in members]
        predictions: dict[str, Array] = {}
        weights = b""
        training_history: list[list[float]] = []
        if job.replicate.confirms:
            predictions = self._by_task(self.ended[member].predictions for member in members)
            weights = save_weights(self._composition_network(job))
            training_history = [_rounded(history.training_losses) for history in histories]
        return TrainingResult(
            number=job.number,
            scores=self._by_task(self.ended[member].scores for member in members),
            parameters=sum(parameters for parameters, _ in costs),
            macs_per_example=sum(macs for _, macs in costs),
            epochs=[len(history.losses) for history in histories],
            history=[_rounded(history.losses) for history in histories],
            train_seconds=seconds,
            training_history=training_history,
            predictions=predictions,
            weights=weights,
        )

    def _seconds(self, members: Sequence[Member]) -> float:
        """The time spent on members and on what they begin with."""
        involved = dict.fromkeys(members)
        for member in members:
            if member.pretraining:
                involved[member.pretraining] = None
        seconds = sum(self.ended[member].history.seconds for member in involved)
        return round(seconds, 4)

    def _by_task(self, values: Iterable[Mapping[str, T]]) -> dict[str, T]:
        """The values of all members, in the dataset's order of tasks."""
        merged: dict[str, T] = {}
        for of_member in values:
            merged.update(of_member)
        return {task.name: merged[task.name] for task in self.tasks}


def _fail_if_not_finite(result: MemberResult) -> None:
    """Let a member fail whose predictions of test rows are not finite."""
    broken = []
    for name, predictions in result.predictions.items():
        if not np.isfinite(predictions).all():
            broken.append(name)
    if broken:
        names = ", ".join(broken)
        result.history.fail(f"predictions of test rows are not finite for {names}")


def _rounded(losses: Sequence[float]) -> list[float]:
    return [round(loss, 6) for loss in losses]
