"""Members in chunks of one shape, each with its trainer; smaller chunks where the memory does not suffice."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import torch

from mtlsearch.candidate import TrainingSettings
from mtlsearch.seeding import fork_rng
from mtlsearch.training.member import Member, on_one_trunk
from mtlsearch.training.plain.network import Network, transplant
from mtlsearch.training.prediction import count_macs, count_parameters
from mtlsearch.training.stacked.stacked_data import widths
from mtlsearch.training.stacked.stacking import NotStackableError
from mtlsearch.training.trainer import MakeTrainer, Trainer
from mtlsearch.training.training_data import TrainingData


@dataclass
class Chunks:
    """Makes trainers of at most `size` members and trains them. Where `make` cannot stack a network, `fallback` trains it.

    `donors` holds the trained donors of the members that begin with one.
    """

    data: TrainingData
    schedule: TrainingSettings
    make: MakeTrainer
    fallback: MakeTrainer
    size: int
    donors: dict[Member, Network] = field(default_factory=dict)
    costs: dict[tuple[object, ...], tuple[int, int]] = field(default_factory=dict)

    def trainers(self, members: Iterable[Member]) -> Iterator[Trainer]:
        """Trainers for all members, each member once; made when it is their turn."""
        shapes: dict[tuple[object, ...], list[Member]] = {}
        for member in dict.fromkeys(members):
            rows = widths(self.data.fold(member.replicate), self.schedule)
            shapes.setdefault((*member.shape, rows), []).append(member)
        for own in shapes.values():
            for first in range(0, len(own), self.size):
                yield from self._made(own[first : first + self.size])

    def _made(self, members: Sequence[Member]) -> Iterator[Trainer]:
        """A trainer of the members, or where the memory does not suffice for one, trainers of fewer each."""
        try:
            yield self._trainer(members)
            return
        except (RuntimeError, MemoryError) as error:
            if len(members) == 1 or not out_of_memory(error):
                raise
        for half in _halves(members):
            yield from self._made(half)

    def _trainer(self, members: Sequence[Member]) -> Trainer:
        networks = self.networks(members)
        try:
            return self.make(members, networks, self.data, self.schedule)
        except NotStackableError:
            return self.fallback(members, networks, self.data, self.schedule)

    def networks(self, members: Sequence[Member]) -> list[Network]:
        """The networks that members start from."""
        with fork_rng():
            return [self._network(member) for member in members]

    def _network(self, member: Member) -> Network:
        signature = self.data.signature(member.replicate)
        network = Network(member.component, signature, member.seed)
        if member.meeting:
            transplant(Network(on_one_trunk(member.component), signature, member.seed), network)
        network = network.to(self.data.device)
        if member.donor:
            transplant(self.donors[member.donor], network)
        return network

    def cost(self, member: Member) -> tuple[int, int]:
        """Parameters and multiply-accumulates of a member's network, which follow from its tasks, tree, ties and shape."""
        candidate = member.component.candidate
        sharing = type(candidate.sharing), candidate.sharing.experts, candidate.sharing.private
        key = (member.component.tasks, candidate.tree, member.shape, sharing, candidate.tied)
        if key not in self.costs:
            with fork_rng():
                network = (
                    Network(member.component, self.data.signature(member.replicate), 0)
                    .to(self.data.device)
                    .eval()
                )
            row = {source: x[:1] for source, x in self.data.fold(member.replicate).inputs.items()}
            self.costs[key] = count_parameters(network), count_macs(network, row)
        return self.costs[key]

    def advance(
        self, trainers: Iterable[Trainer], until: int
    ) -> Generator[None, None, list[Trainer]]:
        """Train up to epoch `until`; yields after each epoch and returns the trainers.

        One whose memory does not suffice is replaced by two, each with half its members, which begin again.
        """
        reached: list[Trainer] = []
        for trainer in trainers:
            members = list(trainer.records)
            try:
                yield from _train(trainer, until)
                reached.append(trainer)
                continue
            except (RuntimeError, MemoryError) as error:
                if len(members) == 1 or not out_of_memory(error):
                    raise
            del trainer
            reached += yield from self.advance(
                (each for half in _halves(members) for each in self._made(half)), until
            )
        return reached


def _train(trainer: Trainer, until: int) -> Iterator[None]:
    for epoch in range(1, until + 1):
        trainer.advance(epoch)
        yield
        if all(record.ended for record in trainer.records.values()):
            return


def _halves(members: Sequence[Member]) -> tuple[Sequence[Member], Sequence[Member]]:
    middle = len(members) // 2
    return members[:middle], members[middle:]


def out_of_memory(error: BaseException) -> bool:
    """Torch says so by its own error on a GPU, and in words on a CPU."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(
        error
    )
