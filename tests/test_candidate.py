"""Candidates: equality, JSON, and the components they fall apart into."""

import dataclasses
import json

import pytest
from pydantic import ValidationError

from mtlsearch.backbones.mlp import Mlp
from mtlsearch.backbones.numbers import Periodic, Plain
from mtlsearch.backbones.residual import Residual
from mtlsearch.candidate import (
    Candidate,
    Component,
    Composition,
    OptimizerSettings,
    current_name,
    former_name,
)
from mtlsearch.initializations import Pretrained
from mtlsearch.sharing.l2_sharing import L2Sharing
from mtlsearch.sharing.none import NoSharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.weightings.fixed import Fixed
from mtlsearch.weightings.uncertainty import Uncertainty

TREE = SharingTree.decode([0, 1], [2, 0], 2)  # tasks 0 and 1 share all, task 2 is alone
BASE = Candidate(TREE, Mlp(), NoSharing(), Fixed())
CHANGED = [
    dataclasses.replace(BASE, tree=SharingTree.decode([0, 1], [1, 0], 2)),
    dataclasses.replace(BASE, backbone=Mlp(width=32)),
    dataclasses.replace(BASE, backbone=Residual()),
    dataclasses.replace(BASE, sharing=L2Sharing()),
    dataclasses.replace(BASE, weighting=Fixed((1.0, 2.0, 3.0))),
    dataclasses.replace(BASE, weighting=Uncertainty()),
    dataclasses.replace(BASE, optimizer=OptimizerSettings(learning_rate=0.01)),
    dataclasses.replace(BASE, initialization=Pretrained()),
    dataclasses.replace(BASE, numbers=Plain("robust")),
    dataclasses.replace(BASE, numbers=Periodic()),
]


def test_key_is_equal_exactly_for_equal_candidates():
    everyone = [BASE, *CHANGED]
    assert len({candidate.key for candidate in everyone}) == len(set(everyone)) == len(everyone)
    again = Candidate(SharingTree.decode([0, 0], [2, 0], 2), Mlp(), NoSharing(), Fixed())
    assert again == BASE
    assert again.key == BASE.key


@pytest.mark.parametrize("candidate", [BASE, *CHANGED])
def test_json_round_trip(candidate):
    again = Candidate.from_json(json.loads(json.dumps(candidate.to_json())))
    assert again == candidate
    assert again.key == candidate.key


def test_what_was_stored_before_there_were_readings_of_numbers_is_read():
    value = BASE.to_json()
    del value["numbers"]
    assert Candidate.from_json(value) == BASE


def test_json_refuses_what_is_wrong():
    value = BASE.to_json()
    with pytest.raises(KeyError):
        Candidate.from_json({**value, "backbone": {"name": "nonsense"}})
    with pytest.raises(ValidationError):
        Candidate.from_json({**value, "backbone": {"name": "mlp", "width": 0}})


def test_untied_candidate_falls_apart():
    first, second = dataclasses.replace(BASE, weighting=Fixed((1.0, 2.0, 3.0))).composition()
    assert (first.tasks, second.tasks) == ((0, 1), (2,))
    assert first.candidate.tree == SharingTree.shared(2, 2)
    assert first.candidate.weighting == Fixed((1.0, 2.0))
    assert second.candidate.weighting == Fixed((3.0,))


def test_restricted_weights_follow_their_tasks():
    tree = SharingTree.from_json([[[0, 2], [1]]])
    first, second = Candidate(tree, Mlp(), NoSharing(), Fixed((1.0, 2.0, 3.0))).composition()
    assert (first.tasks, first.candidate.weighting) == ((0, 2), Fixed((1.0, 3.0)))
    assert (second.tasks, second.candidate.weighting) == ((1,), Fixed((2.0,)))


def test_equal_weights_stay_equal_weights():
    assert [part.candidate.weighting for part in BASE.composition()] == [Fixed(), Fixed()]


def test_tied_candidate_is_one_component():
    tied = dataclasses.replace(BASE, sharing=L2Sharing(strength=0.1))
    assert tied.composition() == Composition((Component((0, 1, 2), tied),))
    untied = dataclasses.replace(BASE, sharing=L2Sharing(strength=0.0))
    assert len(untied.composition()) == 2


def test_a_tie_on_any_level_makes_one_component():
    """BASE parts 0 and 1 from 2 on the first level, and these from each other on the second."""
    for levels, tied in (
        ({"last_level": 1}, (0,)),
        ({"first_level": 2}, (1,)),
        ({}, (0, 1)),
        ({"first_level": 3}, ()),
    ):
        candidate = dataclasses.replace(BASE, sharing=L2Sharing(**levels))
        assert candidate.soft_shared_levels == tied
        assert len(candidate.composition()) == (1 if tied else 2)
    trunk = dataclasses.replace(BASE, tree=SharingTree.decode([0, 0], [1, 1], 2))
    assert dataclasses.replace(trunk, sharing=L2Sharing(last_level=1)).soft_shared_levels == ()
    assert dataclasses.replace(trunk, sharing=L2Sharing()).soft_shared_levels == (1,)


def test_shares():
    separate = dataclasses.replace(BASE, tree=SharingTree.separate(3, 2))
    alone = Candidate(SharingTree.shared(1, 2), Mlp(), L2Sharing(), Fixed())
    assert BASE.shares
    assert not separate.shares
    assert not alone.shares
    assert dataclasses.replace(separate, sharing=L2Sharing()).shares
    assert not dataclasses.replace(separate, sharing=L2Sharing(first_level=3)).shares


def test_component_json_round_trip_and_spelling():
    parts = BASE.composition()
    for part in parts:
        assert Component.from_json(json.loads(json.dumps(part.to_json()))) == part
    assert Composition.from_json(json.loads(json.dumps(parts.to_json()))) == parts
    assert parts.spell(["a", "b", "c"]) == "a+b > a+b ; c > c"


def test_a_former_name_stands_for_the_current_one():
    assert current_name("sharing", "pull") == "l2_sharing"
    assert former_name("sharing", "l2_sharing") == "pull"
    for name in ("gate", "unknown"):
        assert current_name("sharing", name) == former_name("sharing", name) == name


def test_a_stored_candidate_may_have_a_former_name():
    tied = dataclasses.replace(BASE, sharing=L2Sharing(strength=0.1))
    stored = tied.to_json()
    assert stored["sharing"]["name"] == "l2_sharing"
    stored["sharing"]["name"] = "pull"
    assert Candidate.from_json(stored) == tied
