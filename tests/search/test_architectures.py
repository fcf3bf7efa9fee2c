"""Every known architecture of the table, as the arm that searches it has it."""

import json

import pytest

from mtlsearch.candidate import Candidate
from mtlsearch.search.architectures import ARCHITECTURES
from mtlsearch.search.arms import ARMS, USUAL
from mtlsearch.search.proposal import propose
from mtlsearch.space import load_space
from mtlsearch.structure.tree import SharingTree

TASKS = 3


@pytest.fixture(params=ARCHITECTURES)
def name(request):
    return request.param


def candidates(name, levels, count=12):
    space = load_space("default", TASKS)
    space = type(space).from_mapping({**space.to_mapping(), "tree": {"levels": levels}}, TASKS)
    return [
        propose(ARMS[name].restrict(space), "random", seed, [], ["minimize"])[0]
        for seed in range(count)
    ]


@pytest.mark.parametrize("levels", [1, 2, 4])
def test_only_what_is_said_varies_of_its_structure(name, levels):
    architecture, found = ARCHITECTURES[name], candidates(name, levels)
    own = architecture.sharing(levels)
    for candidate in found:
        assert candidate.tree == SharingTree.separate(TASKS, levels)
        assert type(candidate.sharing) is type(own)
        fixed = {key: value for key, value in vars(own).items() if key not in architecture.searched}
        assert fixed == {key: vars(candidate.sharing)[key] for key in fixed}
        assert len(candidate.composition()) == 1 and candidate.shares
        assert Candidate.from_json(json.loads(json.dumps(candidate.to_json()))) == candidate
    for key in architecture.searched:
        assert len({vars(candidate.sharing)[key] for candidate in found}) > 1
    assert (
        len({candidate.optimizer.learning_rate for candidate in found})
        == len({c.backbone.dropout for c in found})
        == len(found)
    )


@pytest.mark.parametrize(
    ("name", "tied", "experts"),
    [
        ("cross_stitch", (0, 1, 2, 3), 0),
        ("sluice", (0, 1, 2, 3), 0),
        ("mtan", (0, 1, 2, 3), 1),
        ("mmoe", (2,), 2),
        ("ple", (0, 1, 2), 1),
    ],
)
def test_the_levels_that_are_mixed_and_where_experts_stand(name, tied, experts):
    [candidate, *_] = candidates(name, 4)
    candidate = type(candidate)(
        candidate.tree, candidate.backbone, ARCHITECTURES[name].sharing(4), candidate.weighting
    )
    assert candidate.soft_shared_levels == tied
    assert candidate.experts == tuple(experts if level <= tied[-1] else 0 for level in range(4))


def test_an_architecture_is_trained_when_it_is_asked_for_only_and_so_is_meta_learning():
    assert {*ARMS} - {*USUAL} == {*ARCHITECTURES, "meta_learning"}
