"""Every weighting of the table in trainers: what it remembers is its members' own, whoever comes
and goes.
"""

import dataclasses

import pytest

from mtlsearch.candidate import TrainingSettings
from mtlsearch.sharing import CrossStitch, L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.trainer import PlainTrainer
from mtlsearch.weightings import WEIGHTINGS, Fixed, Uncertainty
from tests.support.forest_members import DEPTH, EVEN, assert_close, member, result, results, trained
from tests.support.replicates import searched

LONG = TrainingSettings(epochs=5, batch_size=64, patience=5)
PARTING = SharingTree.decode((0, 0), (DEPTH, 1), DEPTH)


@pytest.fixture(params=sorted(WEIGHTINGS))
def weighting(request):
    return WEIGHTINGS[request.param]()


def cohort(make, weighting):
    """Members with one weighting, with and without something to share, and of others; they end at
    different epochs.
    """
    shared, separate = SharingTree.shared(3, DEPTH), SharingTree.separate(3, DEPTH)
    return [
        member(make(shared, EVEN, 0.1, weighting=weighting, clip=0.5), epochs=5),
        member(make(shared, EVEN, 0.1, weighting=Uncertainty()), epochs=2),
        member(make(PARTING, EVEN, 0.2, 3e-2, L2Sharing(0.1), weighting), replicate=1, epochs=5),
        member(make(separate, EVEN, 0.1, weighting=Fixed()), epochs=3),
        member(make(separate, EVEN, 0.1, weighting=weighting), epochs=5, frozen=1),
        member(make(shared, EVEN, 0.1, weighting=weighting), epochs=3, frozen=2),
        member(
            make(SharingTree.shared(2, DEPTH), EVEN, 0.1, weighting=weighting),
            tasks=(0, 2),
            epochs=4,
        ),
        member(
            make(SharingTree.separate(1, DEPTH), EVEN, 0.1, weighting=weighting),
            tasks=(1,),
            epochs=1,
        ),
    ]


def test_neither_company_nor_order_nor_who_leaves_matters(penguins, make, weighting):
    members = cohort(make, weighting)
    together = trained(penguins, members, schedule=LONG)
    assert [len(together.histories[one].losses) for one in members] == [5, 2, 5, 3, 5, 3, 4, 1]
    turned = trained(penguins, members[::-1], schedule=LONG)
    for one in members:
        alone = trained(penguins, [one], schedule=LONG)
        assert result(together, one) == result(turned, one) == result(alone, one)


def test_all_fare_as_with_the_serial_trainer(penguins, make, doubled, weighting):
    data, members = doubled(penguins), cohort(make, weighting)
    assert_close(
        trained(data, members, schedule=LONG), trained(data, members, PlainTrainer, LONG), members
    )


def test_what_is_mixed_with_other_branches_is_shared(penguins, make):
    """So weights from gradients hold for it, up to the last level that is mixed."""
    separate, found = SharingTree.separate(3, DEPTH), {}
    for name, sharing in (
        ("none", None),
        ("first", CrossStitch(last_level=1)),
        ("all", CrossStitch()),
    ):
        one = member(make(separate, EVEN, sharing=sharing, weighting=WEIGHTINGS["upgrad"]()))
        fitting = PlainTrainer(
            [one],
            [Network(one.component, penguins.signature(searched(0)), one.seed)],
            penguins,
            LONG,
        ).fittings[one]
        network, shared = fitting.network, fitting.step.shared
        own = [id(each.parameter) for each in shared.shared] if shared else []
        found[name] = [
            all(id(p) in own for p in level.parameters())
            for level in (network.stems, *network.stages)
        ]
    assert found == {
        "none": [False] * (DEPTH + 1),
        "first": [True, True] + [False] * (DEPTH - 1),
        "all": [True] * (DEPTH + 1),
    }


def test_who_diverges_leaves_the_others_as_they_are(penguins, make, weighting):
    members = cohort(make, weighting)
    wild = member(
        make(SharingTree.shared(3, DEPTH), EVEN, 0.1, 1e30, weighting=weighting), epochs=5
    )
    trainer = trained(penguins, [wild, *members], schedule=LONG)
    assert "is not finite for" in trainer.histories[wild].failure
    assert results(trainer, members) == results(trained(penguins, members, schedule=LONG), members)


def test_a_replicate_is_trained_the_same_again(penguins, make, weighting):
    one = cohort(make, weighting)[0]
    [first], [again] = (results(trained(penguins, [one], schedule=LONG), [one]) for _ in range(2))
    other = dataclasses.replace(one, seed=one.seed + 1)
    assert first == again
    assert results(trained(penguins, [other], schedule=LONG), [other]) != [first]
