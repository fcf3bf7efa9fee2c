"""The mean of the weights of the best epochs, in both trainers."""

import dataclasses
import random

import pytest
import torch
from torch import nn

from mtlsearch.candidate import TrainingSettings
from mtlsearch.initializations import Pretrained
from mtlsearch.records import TrainingJob
from mtlsearch.sharing import SHARINGS, CrossStitch
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.best_epochs import BestEpochs
from mtlsearch.training.chunks import Chunks
from mtlsearch.training.engine import Engine
from mtlsearch.training.history import EpochRank
from mtlsearch.training.member import Member
from mtlsearch.training.plain.best_weights import BestWeights
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.training.trainers import TRAINERS
from mtlsearch.weightings import Uncertainty
from tests.support.forest_members import (
    DEPTH,
    EVEN,
    SEED,
    assert_close,
    bag,
    begin,
    member,
    results,
    trained,
)
from tests.support.replicates import searched

AVERAGED = TrainingSettings(epochs=6, batch_size=64, patience=6, averaged_epochs=3)
TREE = SharingTree.separate(3, DEPTH)


def ending(members, epochs):
    """The members, each with a number of epochs of its own."""
    pairs = zip(members, epochs, strict=True)
    return [dataclasses.replace(one, epochs=own) for one, own in pairs]


def present_weights(trainer):
    """The weights that the only member has now, whether or not they are among its best."""
    if isinstance(trainer, PlainTrainer):
        [fitting] = trainer.fittings.values()
        network = fitting.network
    else:
        network = trainer.step.forest.extract(0)
    return {name: value.clone() for name, value in network.state_dict().items()}


@pytest.mark.parametrize("seed", range(5))
def test_the_best_epochs_are_those_of_the_least_losses_and_of_equal_ones_the_first(seed):
    draw = random.Random(seed)
    losses = [draw.randrange(6) / 10 for _ in range(20)]
    best = BestEpochs(4)
    slots = []
    for epoch, loss in enumerate(losses):
        slot = best.add(EpochRank.by_loss(loss))
        slots.append(slot)
        ranked = sorted(range(epoch + 1), key=lambda number: (losses[number], number))
        assert sorted(best.epochs) == sorted(ranked[:4])
        assert best.epochs[best.slot_of_best] == ranked[0]
        assert (slot is None) == (epoch not in ranked[:4])
    assert slots[:4] == [0, 1, 2, 3]


@pytest.mark.parametrize("make_trainer", [PlainTrainer, StackedTrainer])
def test_a_model_has_the_mean_of_its_weights_after_its_best_epochs(penguins, make, make_trainer):
    candidate = make(TREE, rate=0.05, sharing=CrossStitch(0.5), weighting=Uncertainty())
    one = member(candidate, epochs=AVERAGED.epochs)
    trainer = begin(penguins, [one], make_trainer, AVERAGED)
    recorded = []
    for epoch in range(1, AVERAGED.epochs + 1):
        trainer.advance(epoch)
        recorded.append(present_weights(trainer))
    losses = trainer.histories[one].losses
    best = sorted(range(AVERAGED.epochs), key=losses.__getitem__)[:3]
    assert set(best) != {3, 4, 5}
    weights = trainer.network(one).state_dict()
    assert any(name.startswith("mixing_parameters") for name in weights)
    for name, value in weights.items():
        mean = sum(recorded[epoch][name].double() for epoch in best) / 3
        assert torch.equal(value, mean.float()), name
        assert not torch.equal(value, recorded[best[0]][name]), name


def test_both_trainers_average_alike_whatever_ties_the_branches(penguins, make, doubled):
    doubles = doubled(penguins)
    members = ending(bag(penguins, make), [6, 1, 2, 3, 6, 4, 5])
    for number, sharing in enumerate(SHARINGS.values()):
        candidate = make(TREE, EVEN, 0.1, rate=0.02, sharing=sharing(), clip=1.0)
        members.append(member(candidate, epochs=4 + number % 3))
    stacked = trained(doubles, members, schedule=AVERAGED)
    assert_close(stacked, trained(doubles, members, PlainTrainer, AVERAGED), members, 1e-7)


def test_no_bit_of_a_mean_depends_on_who_is_trained_beside_or_on_a_look_between(penguins, make):
    members = ending(bag(penguins, make), [6, 1, 2, 4, 3, 6, 5])
    trainer = begin(penguins, members, schedule=AVERAGED)
    trainer.advance(3)
    trainer.scores(None)
    trainer.advance(AVERAGED.epochs)
    for one, together in zip(members, results(trainer, members), strict=True):
        [alone] = results(trained(penguins, [one], schedule=AVERAGED), [one])
        assert together == alone


@pytest.mark.parametrize("make_trainer", [PlainTrainer, StackedTrainer])
def test_with_fewer_epochs_than_are_averaged_all_are(penguins, make, make_trainer):
    one = member(make(TREE), epochs=2)
    few = dataclasses.replace(AVERAGED, averaged_epochs=2)
    networks = []
    for schedule in (few, dataclasses.replace(AVERAGED, averaged_epochs=100)):
        trainer = trained(penguins, [one], make_trainer, schedule)
        networks.append(trainer.network(one).state_dict())
    for name, value in networks[0].items():
        assert torch.equal(value, networks[1][name]), name


@pytest.mark.parametrize("make_trainer", [PlainTrainer, StackedTrainer])
def test_history_and_patience_are_those_of_single_epochs(penguins, make, make_trainer):
    one = member(make(TREE, rate=0.1), epochs=30)
    single = TrainingSettings(epochs=30, batch_size=64, patience=2)
    several = dataclasses.replace(single, averaged_epochs=4)
    before = trained(penguins, [one], make_trainer, single)
    after = trained(penguins, [one], make_trainer, several)
    assert after.histories[one].losses == before.histories[one].losses
    assert len(after.histories[one].losses) < 30
    assert after.scores(None) != before.scores(None)


def test_one_epoch_takes_no_more_memory_than_the_model(penguins, make):
    one = member(make(TREE))
    for count, own_memory in ((1, False), (2, True)):
        schedule = dataclasses.replace(AVERAGED, averaged_epochs=count)
        best = begin(penguins, [one], schedule=schedule).best
        for stack, copies in zip(best.forest.stacks, best.copies, strict=True):
            assert len(copies) == count
            assert (copies.data_ptr() != stack.weights.data_ptr()) == own_memory


def test_running_means_are_averaged_and_counts_are_those_of_the_best_epoch():
    network = nn.BatchNorm1d(2)
    best = BestWeights(network, count=2)
    for number, loss in enumerate((0.5, 0.9, 0.4), start=1):
        network.running_mean.fill_(number)
        network.num_batches_tracked.fill_(10 * number)
        best.add_epoch(network, EpochRank.by_loss(loss))
    mean = best.mean()
    assert mean["running_mean"].tolist() == [2.0, 2.0]
    assert mean["num_batches_tracked"].item() == 30
    assert mean["num_batches_tracked"].dtype == torch.int64


@pytest.mark.parametrize("trainer", TRAINERS)
def test_a_pretraining_model_hands_on_the_mean(penguins, make, trainer):
    """The trunk stays frozen here, so that it is still to be seen."""
    start = Pretrained(pretraining=0.5, frozen=1.0)
    candidate = make(SharingTree.shared(3, DEPTH), EVEN, initialization=start)
    schedule = dataclasses.replace(AVERAGED, epochs=8)
    job = TrainingJob(0, candidate.composition(), searched(0), SEED)
    model, _ = Engine(penguins, schedule, trainer).fit_model(job)

    [component] = job.composition
    pretraining = Member.of(component, job, 3, schedule).pretraining
    chunks = Chunks(penguins, schedule, TRAINERS[trainer](), PlainTrainer, 4)
    networks = chunks.networks([pretraining])
    alone = TRAINERS[trainer]()([pretraining], networks, penguins, schedule)
    alone.advance(schedule.epochs)
    assert len(alone.histories[pretraining].losses) == 4

    trunks = []
    for network in (model.networks[0], alone.network(pretraining)):
        trunks.append(network.stages.state_dict())
    for name, value in trunks[0].items():
        assert torch.equal(value, trunks[1][name]), name
