"""Members of a forest come and go: early stopping, ends at different epochs, dropping, frozen
trunks.
"""

import copy
import dataclasses
import random

import pytest
import torch

from mtlsearch.backbones import Mlp
from mtlsearch.candidate import TrainingSettings
from mtlsearch.sharing import CrossStitch, L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Binary
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.training.stacked import stacked_data
from mtlsearch.training.stacked.trainer import StackedTrainer
from mtlsearch.weightings import Uncertainty
from tests.support.forest_members import (
    DEPTH,
    EVEN,
    assert_close,
    bag,
    begin,
    member,
    result,
    results,
    trained,
)
from tests.support.replicates import searched


@pytest.fixture(params=["penguins", "two_sources"])
def data(request):
    return request.getfixturevalue(request.param)


def ending(members, epochs):
    """The members, each with a number of epochs of its own."""
    return [dataclasses.replace(one, epochs=own) for one, own in zip(members, epochs, strict=True)]


def faster(one, rate):
    """A member with another rate, that does not go by how many epochs there are to be."""
    candidate = one.component.candidate
    settings = dataclasses.replace(
        candidate.optimizer, learning_rate=rate, schedule="constant", warm_up=0.0
    )
    component = dataclasses.replace(
        one.component, candidate=dataclasses.replace(candidate, optimizer=settings)
    )
    return dataclasses.replace(one, component=component)


def test_each_member_stops_when_it_should_with_the_weights_of_its_best_epoch(data, make, doubled):
    doubles, schedule = doubled(data), TrainingSettings(epochs=24, batch_size=64, patience=2)
    members = ending(bag(data, make), [24] * 7)
    members[:3] = [faster(one, 0.1) for one in members[:3]]
    trainer = trained(doubles, members, schedule=schedule)
    assert_close(trainer, trained(doubles, members, PlainTrainer, schedule), members, 1e-6)
    histories = [trainer.histories[one].losses for one in members]
    early = [history for history in histories if len(history) < 24]
    assert len({len(history) for history in histories}) > 2
    assert all(history.index(min(history)) == len(history) - 3 for history in early)


def alone(data, one):
    [found] = results(trained(data, [one]), [one])
    return found


@pytest.mark.parametrize("seed", range(3))
def test_members_that_end_leave_the_others_as_they_are(data, make, seed):
    members = ending(bag(data, make), random.Random(seed).choices([1, 2, 3, 4], k=7))
    assert results(trained(data, members), members) == [alone(data, one) for one in members]


@pytest.mark.parametrize("ends", [(1, 2, 3), (2, 1, 3), (3, 1, 2), (3, 3, 1)])
def test_all_heads_of_a_shape_and_all_of_a_source_may_end(data, make, ends):
    """Besides members of one task each and of all, so that only one task, source, weighting or
    sharing is left.
    """
    tasks = len(data.dataset.tasks)
    single = make(SharingTree.separate(1, DEPTH), EVEN, 0.2, weighting=Uncertainty())
    own = [member(single, (task,), task % 2) for task in range(tasks)]
    tied = member(
        make(SharingTree.separate(tasks, DEPTH), EVEN, 0.2, sharing=L2Sharing(0.1), clip=0.1)
    )
    stitched = member(
        make(SharingTree.separate(tasks, DEPTH), EVEN, 0.2, sharing=CrossStitch(), clip=0.1)
    )
    learned = member(make(SharingTree.shared(tasks, DEPTH), EVEN, 0.2, weighting=Uncertainty()))
    members = ending(
        [own[0], tied, *own[1:], stitched, learned], [ends[0], 1, *ends[1:tasks], ends[1], 2]
    )
    for order in (members, members[::-1]):
        trainer = trained(data, order)
        assert results(trainer, members) == [alone(data, one) for one in members]
        assert [len(trainer.histories[one].losses) for one in members] == [
            one.epochs for one in members
        ]


def test_scores_and_weights_on_the_way_are_those_of_the_best_epoch_so_far(data, make):
    members = [faster(one, 0.1) for one in bag(data, make)]
    trainer = begin(data, members)
    for epoch in (1, 2, 3):
        trainer.advance(epoch)
        shorter = ending(members, [epoch] * 7)
        stopped = trained(data, shorter)
        for one, short in zip(members, shorter, strict=True):
            (history, *_, scores, weights), expected = result(trainer, one), result(stopped, short)
            assert (history, scores, weights) == (expected[0], *expected[3:])
    assert any(record.losses[2] > min(record.losses) for record in trainer.histories.values())
    trainer.advance(4)
    assert results(trainer, members) == results(trained(data, members), members)


def equal(one, other):
    return all(torch.equal(p, q) for p, q in zip(one.parameters(), other.parameters(), strict=True))


def test_a_frozen_trunk_stays_until_its_own_end_of_it(data, make):
    """Patience is no matter here: the rate is so low that each epoch is the best yet."""
    tasks = len(data.dataset.tasks)
    candidate = make(
        SharingTree.separate(tasks, DEPTH), EVEN, rate=1e-3, sharing=CrossStitch(), decay=0.1
    )
    members = [member(candidate, frozen=frozen) for frozen in (0, 2, 4)]
    start = Network(members[0].component, data.signature(searched(0)), members[0].seed)
    trainer = begin(data, members)
    for epoch, still in (
        (1, [False, True, True]),
        (2, [False, True, True]),
        (3, [False, False, True]),
        (4, [False, False, True]),
    ):
        trainer.advance(epoch)
        found = [trainer.network(one) for one in members]
        assert [equal(network.stems, start.stems) for network in found] == still
        assert [equal(network.stages, start.stages) for network in found] == still
        assert [equal(network.mixing_parameters, start.mixing_parameters) for network in found] == [
            each or not start.wiring.mixed_streams for each in still
        ]
        assert not any(equal(network.heads, start.heads) for network in found)


def test_long_inputs_are_scored_piece_by_piece(data, make, monkeypatch):
    members = bag(data, make)
    trainer = trained(data, members)
    rows = {task.source: data.test_rows(task) for task in data.dataset.tasks}
    whole = [trainer.scores(None), trainer.scores(rows)]
    monkeypatch.setattr(stacked_data, "PIECE", 32)
    for found, expected in zip([trainer.scores(None), trainer.scores(rows)], whole, strict=True):
        assert found.keys() == expected.keys()
        for one in members:
            assert found[one] == pytest.approx(expected[one], abs=1e-5)


def test_scores_on_other_rows_are_those_of_the_serial_trainer(data, make, doubled):
    doubles, members = doubled(data), bag(data, make)
    rows = {task.source: data.test_rows(task) for task in data.dataset.tasks}
    found, expected = (
        trained(doubles, members, kind).scores(rows) for kind in (StackedTrainer, PlainTrainer)
    )
    for one in members:
        assert found[one] == pytest.approx(expected[one], rel=1e-8)


def test_a_metric_that_is_not_finite_fails_its_member_alone(penguins, make):
    """Of one row there is no R2."""
    single, members = copy.copy(penguins), bag(penguins, make)
    second = dataclasses.replace(
        penguins.fold(searched(1)),
        validation={name: x[:1] for name, x in penguins.fold(searched(1)).validation.items()},
    )
    single.fold = {searched(0): penguins.fold(searched(0)), searched(1): second}.__getitem__
    trainer, serial = trained(single, members), trained(single, members, PlainTrainer)
    assert (
        trainer.scores(None).keys()
        == serial.scores(None).keys()
        == {one for one in members if one.replicate == searched(0)}
    )
    assert [trainer.histories[one].failure for one in members] == [
        serial.histories[one].failure for one in members
    ]


def test_rows_of_one_prediction_are_ties(data, make):
    """A layer norm over one feature makes all rows equal, and then a rank is worth nothing."""
    candidate = make(SharingTree.shared(len(data.dataset.tasks), DEPTH))
    one = member(dataclasses.replace(candidate, backbone=Mlp(1, layer_norm=True)))
    found, expected = (
        trained(data, [one], kind).scores(None)[one] for kind in (StackedTrainer, PlainTrainer)
    )
    [binary] = [task for task in data.dataset.tasks if task.kind == Binary()]
    assert binary.metric.name == "roc_auc"
    assert found[binary.name] == expected[binary.name] == 0.5
    assert found == pytest.approx(expected, abs=1e-4)
