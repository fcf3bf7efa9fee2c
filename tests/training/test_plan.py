"""The plan of a forest, compared with one made by hand, and the order of its rows."""

import random

import pytest

from mtlsearch.candidate import Component
from mtlsearch.sharing import CrossStitch, Gate, L2Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Binary, Multiclass
from mtlsearch.training.plain.network import Network
from mtlsearch.training.stacked.plan import Flow, HeadShape, Plan
from tests.support.replicates import searched

SPECIES, MALIGNANT = HeadShape("iris", Multiclass(), 3), HeadShape("breast_cancer", Binary(), 1)


def network(data, make, tree, tasks=None, sharing=None):
    candidate = make(tree, width=4, sharing=sharing)
    return Network(
        Component(tasks or tuple(range(candidate.tree.tasks)), candidate),
        data.signature(searched(0)),
        3,
    )


def test_two_trees_over_two_sources(two_sources, make):
    parting = network(two_sources, make, [[(0, 1)], [(0,), (1,)]], sharing=L2Sharing())
    separate = network(two_sources, make, SharingTree.separate(2, 2), sharing=L2Sharing())
    assert Plan.of([parting, separate], two_sources.dataset.tasks) == Plan(
        stems={"breast_cancer": [(0, 0), (1, 1)], "iris": [(0, 1), (1, 0)]},
        nodes=[[(0, 0), (1, 0), (1, 1)], [(0, 0), (0, 1), (1, 0), (1, 1)]],
        flows=[
            {"breast_cancer": Flow([0, 2], [0, 1], {}), "iris": Flow([0, 1], [0, 1], {})},
            {"breast_cancer": Flow([1, 3], [0, 1], {}), "iris": Flow([0, 2], [0, 1], {})},
        ],
        edges=[{1: [(1, 2)]}, {0: [(0, 1)], 1: [(2, 3)]}],
        mixing_parameters={},
        heads={SPECIES: [(0, 0), (1, 0)], MALIGNANT: [(0, 1), (1, 1)]},
        leaves={SPECIES: [0, 1], MALIGNANT: [0, 1]},
        tasks={SPECIES: [0, 0], MALIGNANT: [1, 1]},
    )


def test_two_trees_over_one_source_and_a_component_of_two_of_its_tasks(penguins, make):
    part = network(penguins, make, [[(0, 1)], [(0,), (1,)]], (0, 2), CrossStitch())
    whole = network(penguins, make, [[(0, 2), (1,)], [(0,), (1,), (2,)]], sharing=CrossStitch())
    species, sex, mass = (HeadShape.of(task) for task in penguins.dataset.tasks)
    assert Plan.of([part, whole], penguins.dataset.tasks) == Plan(
        stems={"penguins": [(0, 0), (1, 0), (1, 1)]},
        nodes=[[(0, 0), (1, 0), (1, 1)], [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2)]],
        flows=[
            {"penguins": Flow([0, 1, 2], [0, 1, 2], {1: [(1, 2)]})},
            {
                "penguins": Flow(
                    [0, 1, 2, 3, 4], [0, 0, 1, 2, 1], {0: [(0, 1)], 1: [(2, 3), (2, 4), (3, 4)]}
                )
            },
        ],
        edges=[{}, {}],
        mixing_parameters={
            (0, "penguins", CrossStitch): [(1, 0)],
            (1, "penguins", CrossStitch): [(0, 0), (1, 0), (1, 1), (1, 2)],
        },
        heads={species: [(0, 0), (1, 0)], sex: [(1, 1)], mass: [(0, 1), (1, 2)]},
        leaves={species: [0, 2], sex: [3], mass: [1, 4]},
        tasks={species: [0, 0], sex: [1], mass: [2, 2]},
    )


def test_experts_stand_after_the_branches_and_are_reached_by_the_trunk_of_each_source(
    two_sources, make
):
    gate = Gate(first_level=3, experts=2, private=True, last_level=3)
    parting = network(
        two_sources, make, [[(0, 1)], [(0,), (1,)], [(0,), (1,)], [(0,), (1,)]], sharing=gate
    )
    plan = Plan.of([parting], two_sources.dataset.tasks)
    assert plan.stems == {"breast_cancer": [(0, 0)], "iris": [(0, 1)]}
    assert [len(nodes) for nodes in plan.nodes] == [1, 4, 4, 2]
    other = {"breast_cancer": 1, "iris": 0}
    assert plan.flows == [
        {source: Flow([0], [0], {}) for source in other},
        {source: Flow([own, 2, 3], [0, 0, 0], {}) for source, own in other.items()},
        {
            source: Flow([own, 2, 3], [0, 1, 2], {0: [(0, 1), (0, 2), (1, 2)]})
            for source, own in other.items()
        },
        {source: Flow([own], [0], {}) for source, own in other.items()},
    ]
    assert plan.mixing_parameters == {
        (2, source, Gate): [(0, 0), (0, 1), (0, 2)] for source in other
    }


def test_private_branches_are_tied_to_experts_only(penguins, make):
    separate = network(
        penguins, make, SharingTree.separate(3, 1), sharing=Gate(experts=1, private=True)
    )
    plan = Plan.of([separate], penguins.dataset.tasks)
    assert plan.flows == [
        {"penguins": Flow([0, 1, 2, 3], [0, 1, 2, 3], {0: [(0, 3), (1, 3), (2, 3)]})}
    ]


def places(plan):
    """Every list of places, under a name that does not depend on the others."""
    levels = {f"level {number}": nodes for number, nodes in enumerate(plan.nodes)}
    return {**plan.stems, **levels, **{str(shape): own for shape, own in plan.heads.items()}}


@pytest.mark.parametrize("problem", ["penguins", "two_sources"])
def test_leaving_members_out_leaves_the_order_of_the_others(request, make, problem):
    data, draw = request.getfixturevalue(problem), random.Random(0)
    tasks = len(data.dataset.tasks)
    encoded = [
        (
            [draw.randrange(t) for t in range(1, tasks)],
            [draw.randint(0, 3) for _ in range(1, tasks)],
        )
        for _ in range(9)
    ]
    networks = [
        network(data, make, SharingTree.decode(hosts, splits, 3)) for hosts, splits in encoded
    ]
    networks[4] = network(data, make, SharingTree.separate(1, 3), tasks=(1,))
    everyone = places(Plan.of(networks, data.dataset.tasks))
    for stay in ([0, 4, 5], [4], [1, 2, 3, 6, 7, 8]):
        found = places(Plan.of([networks[k] for k in stay], data.dataset.tasks))
        left = {
            name: [(stay.index(k), index) for k, index in own if k in stay]
            for name, own in everyone.items()
        }
        assert found == {name: own for name, own in left.items() if own}
