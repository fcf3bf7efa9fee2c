"""The best tree against brute force over all trees."""

import itertools

import numpy as np
import pytest

from mtlsearch.evidence.tree_search import _merged_tree, best_split, best_tree
from mtlsearch.structure.tree import SharingTree


def worth(value, tree):
    """The sum of the values of all ordered pairs that share a level, pair by pair."""
    pairs = itertools.permutations(range(tree.tasks), 2)
    return sum(
        value[level, t, u]
        for t, u in pairs
        for level in range(tree.depth)
        if tree.node(level, t) == tree.node(level, u)
    )


def all_trees(tasks, depth):
    hosts = itertools.product(*(range(task) for task in range(1, tasks)))
    splits = list(itertools.product(range(depth + 1), repeat=tasks - 1))
    return {SharingTree.decode(h, s, depth) for h in hosts for s in splits}


def partitions(tasks):
    if not tasks:
        return [[]]
    first, *rest = tasks
    return [[[first], *parts] for parts in partitions(rest)] + [
        [[first, *part] if i == place else part for i, part in enumerate(parts)]
        for parts in partitions(rest)
        for place in range(len(parts))
    ]


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("tasks", [2, 3, 4])
def test_the_best_tree_is_the_best_of_all_trees(tasks, depth):
    trees, rng, found = all_trees(tasks, depth), np.random.default_rng(tasks * depth), set()
    for shift in (-0.5, -0.2, 0.0, 0.2) * 3:
        value = rng.normal(shift, 1.0, size=(depth, tasks, tasks))
        tree = best_tree(value)
        assert worth(value, tree) == pytest.approx(max(worth(value, each) for each in trees))
        found.add(tree)
    assert len(found) > 1


def test_the_diagonal_means_nothing():
    value = np.full((2, 3, 3), -1.0)
    value[:, range(3), range(3)] = 100.0
    assert best_tree(value) == SharingTree.separate(3, 2)
    assert best_tree(-value) == SharingTree.shared(3, 2)


def test_what_helps_one_way_and_hurts_the_other_counts_by_its_sum():
    value = np.zeros((1, 3, 3))
    value[0, 0, 1], value[0, 1, 0], value[0, 1, 2], value[0, 2, 1] = 3.0, -2.0, 2.0, -3.0
    assert best_tree(value).components == ((0, 1), (2,))


def test_early_levels_are_shared_where_only_they_help():
    value = np.stack([np.ones((3, 3)), -np.ones((3, 3))])
    assert best_tree(value) == SharingTree.from_json([[[0, 1, 2]], [[0], [1], [2]]])
    assert best_tree(value[::-1] * [[[1]], [[3]]]) == SharingTree.shared(
        3, 2
    )  # a loss on the way to a larger gain


@pytest.mark.parametrize("tasks", [5, 12])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_max_branches_is_honoured(tasks, limit):
    value = np.random.default_rng(0).normal(-1.0, 1.0, size=(2, tasks, tasks))
    assert len(best_tree(value).levels[-1]) > 3
    assert max(map(len, best_tree(value, limit).levels)) <= limit
    assert best_tree(value, tasks) == best_tree(value)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_within_max_branches_no_tree_with_as_many_branches_is_better(limit):
    trees, shares = all_trees(4, 2), []
    for seed in range(30):
        value = np.random.default_rng(seed).normal(-0.5, 1.0, size=(2, 4, 4))
        found = best_tree(value, limit)
        equal = [
            worth(value, each) for each in trees if len(each.levels[-1]) == len(found.levels[-1])
        ]
        assert worth(value, found) == pytest.approx(max(equal))
        shares.append(
            worth(value, found)
            == pytest.approx(max(worth(value, e) for e in trees if len(e.levels[-1]) <= limit))
        )
    assert np.mean(shares) >= 0.8


@pytest.mark.parametrize(("seed", "mean"), [(0, -0.2), (1, -0.1), (2, 0.0), (98, 0.1)])
def test_a_merged_tree_is_not_worse_than_separate_or_shared(seed, mean):
    value = np.random.default_rng(seed).normal(mean, 1.0, size=(2, 10, 10))
    found = best_tree(value)
    assert worth(value, found) > max(
        worth(value, start(10, 2)) for start in (SharingTree.separate, SharingTree.shared)
    )


def test_merging_comes_close_to_the_best_tree_where_tasks_are_in_groups():
    shares = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        group = rng.integers(3, size=7)
        value = np.where(group[:, None] == group, 1.0, -1.0) + rng.normal(size=(2, 7, 7))
        shares.append(worth(value, _merged_tree(value, 0.0)) / worth(value, best_tree(value)))
    assert max(shares) <= 1 + 1e-9
    assert np.mean(shares) > 0.95
    assert min(shares) > 0.7


@pytest.mark.parametrize(
    "groups", [((0, 1, 2, 3), (4, 5, 6), (7, 8, 9)), ((0, 5), (1, 6), (2, 7), (3, 8), (4, 9))]
)
def test_a_merged_tree_finds_planted_groups(groups):
    rng = np.random.default_rng(0)
    group = np.array(
        [next(number for number, own in enumerate(groups) if task in own) for task in range(10)]
    )
    value = np.where(group[:, None] == group, 1.0, -1.0) + 0.2 * rng.normal(size=(2, 10, 10))
    assert best_tree(value) == SharingTree((groups, groups))
    value[0] += 10.0
    assert best_tree(value) == SharingTree(((tuple(range(10)),), groups))


def test_the_best_split_is_the_best_partition():
    rng = np.random.default_rng(0)
    for _ in range(20):
        worths = {
            frozenset(own): rng.normal()
            for size in range(1, 6)
            for own in itertools.combinations(range(5), size)
        }
        value, parts = best_split(frozenset(range(5)), worths.__getitem__)
        assert value == pytest.approx(sum(worths[each] for each in parts))
        assert value == pytest.approx(
            max(sum(worths[frozenset(own)] for own in each) for each in partitions(list(range(5))))
        )
        assert sorted(task for each in parts for task in each) == list(range(5))
