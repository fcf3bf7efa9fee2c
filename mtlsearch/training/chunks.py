"""Members in chunks of one shape, each with its trainer; smaller ones where memory is short."""

import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mtlsearch.candidate import TrainingSettings
from mtlsearch.seeding import fork_rng
from mtlsearch.training.batches import padded_widths
from mtlsearch.training.costs import count_macs, count_parameters
from mtlsearch.training.failures import failure_reason
from mtlsearch.training.member import Member, with_one_trunk
from mtlsearch.training.plain.network import Network, copy_trunk
from mtlsearch.training.trainer import NotStackableError, Trainer, TrainerFactory
from mtlsearch.training.training_data import TrainingData

logger = logging.getLogger(__name__)

Shape = tuple[object, ...]  # what members must have in common to be one chunk
Cost = tuple[int, int]  # parameters, and multiply-accumulates for one row of every source
Costs = dict[tuple[object, ...], Cost]  # by what the costs of a network follow from
TakeTrainer = Callable[[Trainer], None]  # what is done with a trainer whose members have ended
TakeFailure = Callable[[Member, str], None]  # what is done with a member that failed, and why


@dataclass
class Chunks:
    """Trains members, at most `size` of them side by side.

    Attributes:
        data: The dataset.
        schedule: How all members are trained.
        make_trainer: Makes the trainer of a chunk.
        fallback: Makes the trainer of networks that `make_trainer` cannot stack.
        size: The number of members of a chunk at most.
        pretrained: The trained networks of the pretraining members that others begin with.
        costs: The costs of networks that have been counted, by what they follow from.
    """

    data: TrainingData
    schedule: TrainingSettings
    make_trainer: TrainerFactory
    fallback: TrainerFactory
    size: int
    pretrained: dict[Member, Network] = field(default_factory=dict)
    costs: Costs = field(default_factory=dict)

    def train(
        self, members: Iterable[Member], take: TakeTrainer, take_failure: TakeFailure
    ) -> Iterator[None]:
        """Train all members, each once and chunk by chunk.

        Yields after each epoch and after each chunk.

        Each trainer whose members have ended is given to `take`, and is kept no longer: the memory
        that it needs is free for the next one. A member that no trainer could be made for, or not
        be advanced, is given to `take_failure`.
        """
        for group in self._groups(members):
            for first in range(0, len(group), self.size):
                chunk = group[first : first + self.size]
                yield from self._train_chunk(chunk, take, take_failure)

    def _groups(self, members: Iterable[Member]) -> list[list[Member]]:
        """The members, each once, that can be trained in one stack."""
        groups: dict[Shape, list[Member]] = {}
        for member in dict.fromkeys(members):
            fold = self.data.fold(member.replicate)
            schedule = self.schedule.for_optimizer(member.component.candidate.optimizer)
            widths = padded_widths(fold, schedule)
            shape = (*member.shape, widths)
            groups.setdefault(shape, []).append(member)
        return list(groups.values())

    def _train_chunk(
        self, members: Sequence[Member], take: TakeTrainer, take_failure: TakeFailure
    ) -> Iterator[None]:
        """Train members side by side.

        Where that fails for a reason of theirs, each half begins again; one alone fails.
        """
        try:
            yield from self._train_together(members, take)
            return
        except Exception as error:
            reason = failure_reason(error, members)
            if reason is None:
                raise
            # As text: a record with the error itself would keep the trainer's memory.
            trace = traceback.format_exc()
            logger.warning("the training of %d networks breaks\n%s", len(members), trace)
        # Here neither the trainer nor the error, which refers to it, takes memory any more.
        if len(members) == 1:
            take_failure(members[0], reason)
            yield
            return
        middle = len(members) // 2
        yield from self._train_chunk(members[:middle], take, take_failure)
        yield from self._train_chunk(members[middle:], take, take_failure)

    def _train_together(
        self,
        members: Sequence[Member],
        take: TakeTrainer,
    ) -> Iterator[None]:
        trainer = self._trainer(members)
        for epoch in range(1, self.schedule.epochs + 1):
            trainer.advance(epoch)
            yield
            if all(history.ended for history in trainer.histories.values()):
                break
        take(trainer)
        del trainer
        yield

    def _trainer(self, members: Sequence[Member]) -> Trainer:
        networks = self.networks(members)
        try:
            return self.make_trainer(
                members,
                networks,
                self.data,
                self.schedule,
            )
        except NotStackableError:
            return self.fallback(
                members,
                networks,
                self.data,
                self.schedule,
            )

    def networks(self, members: Sequence[Member]) -> list[Network]:
        """The networks that members start from."""
        with fork_rng():
            return [self._network(member) for member in members]

    def _network(self, member: Member) -> Network:
        signature = self.data.signature(member.replicate)
        network = Network(member.component, signature, member.seed)
        if member.averaging:
            trunk = Network(
                with_one_trunk(member.component),
                signature,
                member.seed,
            )
            copy_trunk(trunk, network)
        network = network.to(self.data.device)
        if member.pretraining:
            copy_trunk(self.pretrained[member.pretraining], network)
        return network

    def cost(self, member: Member) -> Cost:
        """The cost of a member's network.

        It follows from the tasks, the tree, soft sharing and the shape of the member.
        """
        candidate = member.component.candidate
        sharing = candidate.sharing
        key = (
            member.component.tasks,
            candidate.tree,
            candidate.soft_shared_levels,
            member.shape,
            type(sharing),
            sharing.experts,
            sharing.private,
        )
        if key not in self.costs:
            self.costs[key] = self._count_cost(member)
        return self.costs[key]

    def _count_cost(self, member: Member) -> Cost:
        signature = self.data.signature(member.replicate)
        with fork_rng():
            network = Network(member.component, signature, seed=0)
        network = network.to(self.data.device).eval()
        fold = self.data.fold(member.replicate)
        row = {}
        for source, x in fold.inputs.items():
            row[source] = x.take(slice(1))
        return count_parameters(network), count_macs(network, row)
