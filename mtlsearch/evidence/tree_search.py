"""The best sharing tree for estimated gains.

Never to be used on raw scores: the largest of many noisy scores is mostly noise.
"""

from collections.abc import Callable, Iterable
from functools import cache

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.structure.contract import Partition
from mtlsearch.structure.tree import SharingTree

EXACT_TASKS = 9  # up to so many tasks every tree is considered
BISECTIONS = 20  # of the price of a branch

Group = frozenset[int]
Groups = tuple[Group, ...]
Search = Callable[[Array, float], SharingTree]  # for the value of sharing and the price of a branch


def tree_of_affinity(affinity: Affinity, max_branches: int | None = None) -> SharingTree:
    """Search the tree with the largest sum of gains, each task weighted by its importance.

    Args:
        affinity: What sharing is estimated to gain, or a draw of it.
        max_branches: How many nodes the last level may have.
    """
    weights = np.array([task.options.weight for task in affinity.tasks])
    return best_tree(weights[:, None] * affinity.sharing(), max_branches)


def best_tree(value: Array, max_branches: int | None = None) -> SharingTree:
    """Search the tree with the largest value.

    The value of a tree is the sum of `value[l, t, u]` over its levels l and the ordered pairs of
    tasks (t, u) that share level l. The search is exact for few tasks, by dynamic programming over
    sets of tasks, level by level; else groups are merged greedily.

    When the best tree has too many branches, each branch costs a price, and the least price is
    found at which there are few enough. Of all trees with as many branches as the tree found, none
    is better, as far as the search is exact.

    Args:
        value: The gain of task t from sharing level l with task u, [L, T, T].
        max_branches: How many nodes the last level may have.
    """
    depth, tasks, _ = value.shape
    search: Search = _merged_tree
    if tasks <= EXACT_TASKS:
        search = _exact_tree
    tree = search(value, 0.0)
    if max_branches is None or _branches(tree) <= max_branches:
        return tree
    hosts, splits = tree.encode()
    truncated = SharingTree.decode(hosts, splits, depth, max_branches)
    priced = _priced_tree(search, value, max_branches)
    return max(
        priced,
        truncated,
        key=lambda tree: _tree_value(value, tree),
    )


def _priced_tree(
    search: Search,
    value: Array,
    max_branches: int,
) -> SharingTree:
    """The tree at the least price, found by bisection, at which it has few enough branches."""
    low = 0.0
    most_lost = 2.0 * float(np.abs(value).sum())
    high = most_lost + 1.0  # one branch is best at this price
    best = search(value, high)
    for _ in range(BISECTIONS):
        price = (low + high) / 2
        tree = search(value, price)
        if _branches(tree) > max_branches:
            low = price
        else:
            high = price
            best = tree
    return best


def _exact_tree(value: Array, price: float) -> SharingTree:
    """The best tree of all, when each branch of the last level costs a price."""
    depth, tasks, _ = value.shape

    @cache
    def node_value(level: int, group: Group) -> float:
        """The value of a node and of the best subtree below it."""
        members = sorted(group)
        pairs = value[level][np.ix_(members, members)]
        shared = pairs.sum() - pairs.trace()
        below = -price
        if level + 1 < depth:
            below, _ = split(level + 1, group)
        return float(shared) + below

    @cache
    def split(level: int, group: Group) -> tuple[float, Groups]:
        """The best nodes of a level for a group of the level above."""

        def worth(part: Group) -> float:
            return node_value(level, part)

        return best_split(group, worth)

    everyone = frozenset(range(tasks))
    _, nodes = split(0, everyone)
    levels = [nodes]
    for level in range(1, depth):
        parts: list[Group] = []
        for parent in levels[-1]:
            _, nodes = split(level, parent)
            parts.extend(nodes)
        levels.append(tuple(parts))
    return SharingTree(tuple(_as_tuples(nodes) for nodes in levels))


def best_split(
    group: Group,
    worth: Callable[[Group], float],
) -> tuple[float, Groups]:
    """Search the partition of a set of tasks with the largest sum of `worth` over its parts.

    Returns:
        The sum and the parts; of equals the first partition found.
    """

    @cache
    def best(rest: Group) -> tuple[float, Groups]:
        if not rest:
            return 0.0, ()
        largest = -np.inf
        partition: Groups = ()
        for part in _parts_with_first(rest):
            worth_of_others, others = best(rest - part)
            total = worth(part) + worth_of_others
            if total > largest:
                largest = total
                partition = (part, *others)
        return largest, partition

    return best(group)


def _parts_with_first(group: Group) -> list[Group]:
    """All subsets of a set of tasks that hold its first task."""
    first, *others = sorted(group)
    parts = []
    for bits in range(1 << len(others)):
        part = {first}
        for position, task in enumerate(others):
            if bits >> position & 1:
                part.add(task)
        parts.append(frozenset(part))
    return parts


def _merged_tree(value: Array, price: float) -> SharingTree:
    """A good tree, when each branch of the last level costs a price.

    Level by level the groups of the level above part into clusters of tasks whose pairs are worth
    something on this level or deeper. A group is one branch at least, so each merger saves a price.
    """
    depth, tasks, _ = value.shape
    pair_value = value + value.transpose(0, 2, 1)
    groups = [list(range(tasks))]
    levels = []
    for level in range(depth):
        # Of sharing this level and the best number of further ones.
        by_last_level = np.cumsum(pair_value[level:], 0)
        worth = by_last_level.max(0)
        parts: list[list[int]] = []
        for group in groups:
            pair_worth = worth[np.ix_(group, group)]
            members = np.array(group)
            clusters = _clusters(pair_worth, price)
            parts += [members[positions].tolist() for positions in clusters]
        groups = parts
        levels.append(_as_tuples(groups))
    candidates = (
        SharingTree(tuple(levels)),
        SharingTree.shared(tasks, depth),
        SharingTree.separate(tasks, depth),
    )

    def worth_less_price(tree: SharingTree) -> float:
        return _tree_value(value, tree) - price * _branches(tree)

    return max(candidates, key=worth_less_price)


def _clusters(pair_worth: Array, price: float) -> list[list[int]]:
    """Cluster greedily: the two clusters whose merger is worth most merge, while it is worth any.

    Args:
        pair_worth: What it is worth to have two in one cluster, symmetric, [T, T].
        price: What each merger saves.
    """
    worth = pair_worth.copy()
    clusters = [[position] for position in range(len(worth))]
    np.fill_diagonal(worth, -np.inf)
    while len(worth) and worth.max() + price > 0.0:
        largest = int(worth.argmax())
        row, column = divmod(largest, len(worth))
        kept = min(row, column)
        merged = max(row, column)
        clusters[kept] += clusters.pop(merged)
        worth[kept] += worth[merged]
        worth[:, kept] = worth[kept]
        worth = np.delete(worth, merged, 0)
        worth = np.delete(worth, merged, 1)
        worth[kept, kept] = -np.inf
    return clusters


def _tree_value(value: Array, tree: SharingTree) -> float:
    total = 0.0
    others = ~np.eye(tree.tasks, dtype=bool)
    for level, nodes in enumerate(tree.levels):
        label = np.empty(tree.tasks, int)
        for number, members in enumerate(nodes):
            label[list(members)] = number
        together = label[:, None] == label
        pairs = together & others
        total += float(value[level][pairs].sum())
    return total


def _branches(tree: SharingTree) -> int:
    return len(tree.levels[-1])


def _as_tuples(groups: Iterable[Iterable[int]]) -> Partition:
    return tuple(tuple(group) for group in groups)
