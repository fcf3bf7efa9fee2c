"""The best sharing tree for estimated gains. Never for raw scores: the largest of many noisy scores is mostly noise."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.structure.tree import SharingTree

EXACT_TREES = 9  # tasks up to which every tree is considered
BISECTIONS = 20  # of the price of a branch
Group = frozenset[int]


def best_tree(value: Array, max_branches: int | None = None) -> SharingTree:
    """The tree with the largest sum of `value[L, T, T]` over levels and pairs (t, u) that share the level.

    Exact for few tasks (dynamic programming over sets of tasks, level by level), else by merging groups greedily. Where that has
    more than `max_branches` branches, each costs the least price at which there are no more than that: of all trees with as many
    branches as are found so, none is better.
    """
    search = partial(_exact_tree if value.shape[1] <= EXACT_TREES else _merged_tree, value)
    tree = search(0.0)
    if max_branches is None or len(tree.levels[-1]) <= max_branches:
        return tree
    truncated = SharingTree.decode(*tree.encode(), tree.depth, max_branches)
    low, high = 0.0, 2.0 * float(np.abs(value).sum()) + 1.0  # at which one branch is best
    found = search(high)
    for _ in range(BISECTIONS):
        price = (low + high) / 2
        tree = search(price)
        if len(tree.levels[-1]) > max_branches:
            low = price
        else:
            high, found = price, tree
    return max(found, truncated, key=partial(_worth, value))


def _exact_tree(value: Array, price: float) -> SharingTree:
    """`price` is what each branch of the last level costs."""
    depth, tasks, _ = value.shape

    @cache
    def node(level: int, group: Group) -> float:
        own = sorted(group)
        pairs = value[level][np.ix_(own, own)]
        below = split(level + 1, group)[0] if level + 1 < depth else -price
        return float(pairs.sum() - pairs.trace()) + below

    @cache
    def split(level: int, group: Group) -> tuple[float, tuple[Group, ...]]:
        return best_split(group, lambda part: node(level, part))

    levels = [split(0, frozenset(range(tasks)))[1]]
    for level in range(1, depth):
        levels.append(tuple(part for parent in levels[-1] for part in split(level, parent)[1]))
    return SharingTree(tuple(tuple(tuple(part) for part in parts) for parts in levels))


def best_split(group: Group, worth: Callable[[Group], float]) -> tuple[float, tuple[Group, ...]]:
    """The partition of a set of tasks with the largest sum of `worth`, and that sum."""

    @cache
    def best(rest: Group) -> tuple[float, tuple[Group, ...]]:
        if not rest:
            return 0.0, ()
        first, *others = sorted(rest)
        found: tuple[float, tuple[Group, ...]] = (-np.inf, ())
        for bits in range(1 << len(others)):
            part = frozenset(
                [first, *(task for place, task in enumerate(others) if bits >> place & 1)]
            )
            after, parts = best(rest - part)
            total = worth(part) + after
            if total > found[0]:
                found = total, (part, *parts)
        return found

    return best(group)


def _merged_tree(value: Array, price: float) -> SharingTree:
    """Level by level: the groups above part into clusters of pairs that are worth something now or deeper down.

    A group is one branch at least, so each merger saves one `price`.
    """
    depth, tasks, _ = value.shape
    pairs, groups, levels = value + value.transpose(0, 2, 1), [list(range(tasks))], []
    for level in range(depth):
        worth = np.cumsum(pairs[level:], 0).max(
            0
        )  # of sharing this level and the best number of further ones
        groups = [
            [group[place] for place in own]
            for group in groups
            for own in _clusters(worth[np.ix_(group, group)], price)
        ]
        levels.append(tuple(map(tuple, groups)))
    found = (
        SharingTree(tuple(levels)),
        SharingTree.shared(tasks, depth),
        SharingTree.separate(tasks, depth),
    )
    return max(found, key=lambda tree: _worth(value, tree) - price * len(tree.levels[-1]))


def _clusters(worth: Array, price: float) -> list[list[int]]:
    """From single ones on, the two clusters whose merger is worth most are merged, while it is worth anything."""
    worth, clusters = worth.copy(), [[place] for place in range(len(worth))]
    np.fill_diagonal(worth, -np.inf)
    while len(worth) and worth.max() + price > 0.0:
        a, b = sorted(divmod(int(worth.argmax()), len(worth)))
        clusters[a] += clusters.pop(b)
        worth[a] += worth[b]
        worth[:, a] = worth[a]
        worth = np.delete(np.delete(worth, b, 0), b, 1)
        worth[a, a] = -np.inf
    return clusters


def _worth(value: Array, tree: SharingTree) -> float:
    total = 0.0
    for level, nodes in enumerate(tree.levels):
        label = np.empty(tree.tasks, int)
        for number, own in enumerate(nodes):
            label[list(own)] = number
        total += float(
            value[level][(label[:, None] == label) & ~np.eye(tree.tasks, dtype=bool)].sum()
        )
    return total
