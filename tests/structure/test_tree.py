"""The sharing tree: what the encoding reaches, and that its spelling is canonical."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtlsearch.structure.tree import SharingTree


@st.composite
def encodings(draw, max_tasks=12, max_depth=6):
    tasks, depth = draw(st.integers(1, max_tasks)), draw(st.integers(1, max_depth))
    hosts = [draw(st.integers(0, task - 1)) for task in range(1, tasks)]
    splits = [draw(st.integers(0, depth)) for _ in range(1, tasks)]
    return hosts, splits, depth


def trees(max_tasks=12, max_depth=6):
    return encodings(max_tasks, max_depth).map(lambda encoding: SharingTree.decode(*encoding))


@pytest.mark.parametrize(("tasks", "distinct"), [(2, 5), (3, 35), (4, 315), (5, 3455)])
def test_every_refining_chain_is_reached(tasks, distinct):
    hosts = itertools.product(*(range(task) for task in range(1, tasks)))
    splits = list(itertools.product(range(5), repeat=tasks - 1))
    assert len({SharingTree.decode(h, s, 4) for h in hosts for s in splits}) == distinct


@given(trees())
def test_encode_and_decode_are_inverse(tree):
    assert SharingTree.decode(*tree.encode(), tree.depth) == tree


@given(encodings())
def test_encoding_is_canonical(encoding):
    hosts, splits = SharingTree.decode(*encoding).encode()
    assert SharingTree.decode(hosts, splits, encoding[2]).encode() == (hosts, splits)


@given(trees())
def test_each_level_holds_each_task_once_and_refines(tree):
    for level in tree.levels:
        assert sorted(task for node in level for task in node) == list(range(tree.tasks))
    for level in range(1, tree.depth):
        for index, node in enumerate(tree.levels[level]):
            assert set(node) <= set(tree.levels[level - 1][tree.parent(level, index)])


@given(trees())
def test_node_finds_the_task(tree):
    for level, task in itertools.product(range(tree.depth), range(tree.tasks)):
        assert task in tree.levels[level][tree.node(level, task)]


@given(encodings(), st.integers(1, 5))
def test_max_branches_is_honoured(encoding, limit):
    tree = SharingTree.decode(*encoding, max_branches=limit)
    assert max(map(len, tree.levels)) <= limit


@given(trees(), st.data())
def test_restrict_keeps_who_shares_with_whom(tree, data):
    kept = data.draw(st.lists(st.integers(0, tree.tasks - 1), min_size=1, unique=True))
    small = tree.restrict(kept)
    assert (small.tasks, small.depth) == (len(kept), tree.depth)
    for level, (a, first), (b, second) in itertools.product(
        range(tree.depth), enumerate(kept), enumerate(kept)
    ):
        assert (small.node(level, a) == small.node(level, b)) == (
            tree.node(level, first) == tree.node(level, second)
        )


@given(trees())
def test_json_round_trip(tree):
    assert SharingTree.from_json(json.loads(json.dumps(tree.to_json()))) == tree


@given(trees(), st.randoms())
def test_spelling_does_not_depend_on_the_order_given(tree, random):
    shuffled = [
        [random.sample(node, len(node)) for node in random.sample(level, len(level))]
        for level in tree.levels
    ]
    other = SharingTree.from_json(shuffled)
    assert other == tree
    assert hash(other) == hash(tree)


def test_named_trees():
    separate, shared = SharingTree.separate(3, 2), SharingTree.shared(3, 2)
    assert separate.is_separate
    assert separate.components == ((0,), (1,), (2,))
    assert not shared.is_separate
    assert shared.components == ((0, 1, 2),)
    assert separate == SharingTree.decode([0, 0], [0, 0], 2)
    assert shared == SharingTree.decode([0, 1], [2, 2], 2)


def test_spelling_for_people():
    assert SharingTree.decode([0, 0], [1, 0], 2).spell(["a", "b", "c"]) == "a+b | c > a | b | c"


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ((), "at least one level"),
        ((((0, 2),),), "level 0 must hold each of the tasks"),
        ((((0, 1), (1,)),), "level 0 must hold each of the tasks"),
        ((((0, 1),), ((0,),)), "each level must hold each task once"),
        ((((0,), (1,)), ((0, 1),)), "does not refine"),
    ],
)
def test_a_wrong_tree_is_refused(levels, message):
    with pytest.raises(ValueError, match=message):
        SharingTree(levels)


def test_hosts_and_splits_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"zip\(\)"):
        SharingTree.decode([0, 0], [1], 2)
