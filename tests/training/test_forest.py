"""Members of a forest: nobody sees another, and everybody fares as with the serial trainer."""

import dataclasses

import pytest
import torch

from mtlsearch.candidate import TrainingSettings
from mtlsearch.sharing import CrossStitch, L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.weightings import Fixed, Uncertainty
from tests.support.forest_members import (
    DEPTH,
    EVEN,
    ODD,
    assert_close,
    bag,
    member,
    results,
    trained,
)

PROBLEMS = ["penguins", "two_sources", "three_sources"]


@pytest.mark.parametrize("width", [EVEN, ODD])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_neither_company_nor_order_matters(request, make, problem, width):
    data = request.getfixturevalue(problem)
    members = bag(data, make, width)
    together = results(trained(data, members), members)
    turned = members[::-1]
    mixed = [members[k] for k in (3, 0, 6, 5, 1, 4, 2)]
    assert results(trained(data, turned), members) == together
    assert results(trained(data, mixed), members) == together
    for number, one in enumerate(members):
        assert results(trained(data, [one]), [one]) == [together[number]]
    for some in (members[:2], members[2:5]):
        assert results(trained(data, some), some) == [together[members.index(one)] for one in some]


def diverging(data, make):
    """Members that come to nothing: at once, or after a while, their weights growing by a factor of
    -4 in every step.
    """
    tasks = len(data.dataset.tasks)
    shared, separate = SharingTree.shared(tasks, DEPTH), SharingTree.separate(tasks, DEPTH)
    return [
        member(make(shared, EVEN, 0.1, 1e30, weighting=Uncertainty())),
        member(make(separate, EVEN, 0.1, 1e30, CrossStitch(), clip=1.0), replicate=1),
        member(make(separate, EVEN, 0.1, 1e-3, L2Sharing(0.1), decay=5e3)),
        member(make(shared, EVEN, 0.1, 1e-3, weighting=Uncertainty(), decay=5e3, clip=1.0)),
    ]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_who_diverges_is_alone_with_it_and_fails_with_its_reason(request, make, problem):
    data = request.getfixturevalue(problem)
    members, wild = bag(data, make), diverging(data, make)
    trainer = trained(
        data, [wild[0], *members[:2], wild[2], *members[2:5], wild[1], wild[3], *members[5:]]
    )
    assert results(trainer, members) == results(trained(data, members), members)
    serial = trained(data, wild, PlainTrainer)
    for one, at_once in zip(wild, (True, True, False, False), strict=True):
        failure, history = trainer.histories[one].failure, trainer.histories[one].losses
        assert failure == serial.histories[one].failure
        assert ("epoch 1 is not finite for" in failure) == at_once == (history == [])
        assert history == pytest.approx(serial.histories[one].losses, rel=1e-3)
    assert trainer.scores(None).keys() == set(members)


CHANGES = {
    "learning rate": lambda old: {
        "optimizer": dataclasses.replace(old.optimizer, learning_rate=0.02)
    },
    "weight decay": lambda old: {"optimizer": dataclasses.replace(old.optimizer, weight_decay=0.5)},
    "clip norm": lambda old: {"optimizer": dataclasses.replace(old.optimizer, clip_norm=0.01)},
    "class weight": lambda old: {
        "optimizer": dataclasses.replace(old.optimizer, class_weight="balanced")
    },
    "focal": lambda old: {"optimizer": dataclasses.replace(old.optimizer, focal=2.0)},
    "sampling": lambda old: {"optimizer": dataclasses.replace(old.optimizer, sampling="balanced")},
    "sampling temperature": lambda old: {
        "optimizer": dataclasses.replace(old.optimizer, sampling_temperature=4.0)
    },
    "label smoothing": lambda old: {
        "optimizer": dataclasses.replace(old.optimizer, label_smoothing=0.2)
    },
    "schedule": lambda old: {"optimizer": dataclasses.replace(old.optimizer, schedule="cosine")},
    "warm-up": lambda old: {"optimizer": dataclasses.replace(old.optimizer, warm_up=0.4)},
    "dropout": lambda old: {"backbone": dataclasses.replace(old.backbone, dropout=0.6)},
    "strength": lambda old: {"sharing": dataclasses.replace(old.sharing, strength=0.5)},
    "levels": lambda old: {"sharing": dataclasses.replace(old.sharing, last_level=1)},
    "what is learned at which rate": lambda old: {"sharing": CrossStitch(rate_factor=2.0)},
    "weights": lambda old: {"weighting": Fixed(old.weighting.weights[::-1])},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_setting_is_its_members_own(penguins, make, change):
    members = bag(penguins, make)
    candidate = members[1].component.candidate
    component = dataclasses.replace(
        members[1].component, candidate=dataclasses.replace(candidate, **CHANGES[change](candidate))
    )
    changed = [members[0], dataclasses.replace(members[1], component=component), *members[2:]]
    before, after = (
        results(trained(penguins, members), members),
        results(trained(penguins, changed), changed),
    )
    assert [one == other for one, other in zip(before, after, strict=True)] == [
        True,
        False,
        *[True] * (len(members) - 2),
    ]


@pytest.mark.parametrize("problem", PROBLEMS)
def test_all_members_fare_as_with_the_serial_trainer(request, make, doubled, problem):
    data = doubled(request.getfixturevalue(problem))
    members = bag(data, make)
    assert_close(trained(data, members), trained(data, members, PlainTrainer), members)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_separate_tree_is_as_many_members_of_one_task(request, make, problem):
    data = request.getfixturevalue(problem)
    tasks = range(len(data.dataset.tasks))
    whole = member(
        make(SharingTree.separate(len(tasks), DEPTH), dropout=0.2), epochs=1
    )  # so that all end with the best one
    apart = [
        member(make(SharingTree.separate(1, DEPTH), dropout=0.2), tasks=(task,), epochs=1)
        for task in tasks
    ]
    trainer = trained(
        data, [whole, *apart], schedule=TrainingSettings(epochs=1, batch_size=16, patience=1)
    )
    assert trainer.histories[whole].losses == pytest.approx(
        torch.tensor([trainer.histories[one].losses for one in apart]).mean(0).tolist()
    )
    network = trainer.network(whole)
    for task, one in enumerate(apart):
        alone = trainer.network(one)
        pairs = [(network.stems[task], alone.stems[0]), (network.heads[task], alone.heads[0])]
        pairs += [(network.stages[level][task], alone.stages[level][0]) for level in range(DEPTH)]
        for module, other in pairs:
            assert all(
                torch.equal(p, q)
                for p, q in zip(module.parameters(), other.parameters(), strict=True)
            )
