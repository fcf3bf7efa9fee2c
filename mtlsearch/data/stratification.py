"""Strata: rows divided so that every part has its share of the classes of every task.

Several tasks are stratified iteratively (Sechidis, Tsoumakas and Vlahavas 2011, "On the
Stratification of Multi-Label Data"): the rarest class is dealt out first, each of its rows to the
part that lacks the class most. What goes evenly into the parts is dealt out before that, class
combination by class combination, so that combinations are spread as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mtlsearch.arrays import Array

NO_LABEL = -1
POOLED = -2  # the code of rare classes together
ROUNDING = 1e-9  # a smaller difference between lacks is none

Index = int | np.signedinteger[Any]


def common_strata(strata: Array, minimum: int) -> Array | None:
    """Return codes `strata` [N] in which no class has fewer than `minimum` rows.

    Rare classes are pooled; a pool that is still too small joins the largest class. The result is
    None where fewer than two classes are left.
    """
    codes, counts = np.unique(strata, return_counts=True)
    rare = codes[counts < minimum]
    in_pool = np.isin(strata, rare)
    result = np.where(in_pool, POOLED, strata)
    if 0 < in_pool.sum() < minimum:
        largest = codes[counts.argmax()]
        result = np.where(in_pool, largest, result)
    if len(np.unique(result)) < 2:
        return None
    return result


def divide(
    strata: Array,
    shares: Sequence[float],
    seed: int,
    group: Array | None = None,
) -> Array:
    """Return the part [N] of each row: a number in 0..P-1, of which part p has `shares[p]`.

    Args:
        strata: The class codes [N, S] of S tasks, NO_LABEL where there is no label.
        shares: The share [P] of the rows that each part is to have; they add up to 1.
        seed: What decides between equals; the same arguments give the same parts.
        group: Codes [N] of groups, whose rows stay in one part; None: rows are divided one by one.
    """
    random = np.random.default_rng(seed)
    bundles = _Bundles.of(strata, group)
    dealer = _Dealer(bundles, np.asarray(shares), random)
    dealer.deal_evenly()
    dealer.deal_by_class()
    dealer.deal_the_rest()
    part = np.empty(len(strata), np.int64)
    numbers = np.arange(len(shares))
    for members, dealt in zip(bundles.members, dealer.dealt, strict=True):
        parts = np.repeat(numbers, dealt)
        if len(parts) > 1:
            parts = random.permutation(parts)
        part[members] = parts
    return part


@dataclass(frozen=True)
class _Bundles:
    """Units that are alike: rows of one combination of classes, or a single group.

    Attributes:
        members: The numbers of the rows of each of M bundles, ascending.
        count: The number of units of each bundle, [M]: its rows, or 1 for a group.
        classes: How many rows of each of C classes, over all tasks, a unit has, [M, C].
        rows: How many rows a unit has, [M].
    """

    members: list[Array]
    count: Array
    classes: Array
    rows: Array

    @classmethod
    def of(cls, strata: Array, group: Array | None) -> Self:
        """Bundle the rows of codes [N, S], or the groups [N]."""
        if group is None:
            combinations, bundle = np.unique(strata, axis=0, return_inverse=True)
            members = _members(bundle)
            count = np.array([len(rows) for rows in members])
            return cls(members, count, _indicators(combinations, strata), np.ones_like(count))
        _, bundle = np.unique(group, return_inverse=True)
        members = _members(bundle)
        rows = np.array([len(rows) for rows in members])
        indicators = _indicators(strata, strata)
        classes = np.add.reduceat(indicators[np.concatenate(members)], np.cumsum(rows) - rows)
        return cls(members, np.ones_like(rows), classes, rows)


def _members(codes: Array) -> list[Array]:
    """Return the row numbers of each code 0, 1, ... among the codes [N], ascending."""
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))
    return np.split(order, ends[:-1])


def _indicators(rows: Array, strata: Array) -> Array:
    """Return 1 where rows [R, S] have one of the C classes that codes [N, S] have, [R, C]."""
    columns = [np.zeros((len(rows), 0))]
    for task in range(strata.shape[1]):
        codes = np.unique(strata[:, task])
        classes = codes[codes != NO_LABEL]
        columns.append(rows[:, task, None] == classes)
    return np.hstack(columns)


class _Dealer:
    """Deals the units of bundles out to parts.

    Attributes:
        dealt: How many units of each bundle each part has, [M, P].
    """

    def __init__(self, bundles: _Bundles, shares: Array, random: np.random.Generator) -> None:
        self._bundles = bundles
        self._shares = shares
        self._random = random
        self._left = bundles.count.copy()
        self.dealt = np.zeros((len(bundles.count), len(shares)), np.int64)
        self._class_lack = np.outer(shares, bundles.count @ bundles.classes)
        self._row_lack = shares * (bundles.count @ bundles.rows)

    def deal_evenly(self) -> None:
        """Give every part its share of each bundle, rounded down."""
        exact = np.outer(self._bundles.count, self._shares)
        even = np.floor(exact + ROUNDING).astype(np.int64)
        self.dealt += even
        self._left -= even.sum(1)
        self._class_lack -= even.T @ self._bundles.classes
        self._row_lack -= even.T @ self._bundles.rows

    def deal_by_class(self) -> None:
        """Deal what has a class: the rarest class first, to the part that lacks it most."""
        while True:
            remaining = self._left @ self._bundles.classes
            [open_classes] = remaining.nonzero()
            if not len(open_classes):
                return
            rarest = open_classes[remaining[open_classes].argmin()]
            size = self._bundles.classes[:, rarest]
            [members] = ((size > 0) & (self._left > 0)).nonzero()
            largest_first = np.argsort(-size[members], kind="stable")
            for bundle in members[largest_first]:
                while self._left[bundle]:
                    self._give(bundle, self._class_lack[:, rarest])

    def deal_the_rest(self) -> None:
        """Deal what has no class, to the part that lacks rows most."""
        for bundle in self._left.nonzero()[0]:
            while self._left[bundle]:
                self._give(bundle, self._row_lack)

    def _give(self, bundle: Index, lack: Array) -> None:
        """Give a unit of a bundle to the part that lacks most [P]; of equals that with fewest rows.

        Chance decides between parts that are equal in both.
        """
        needs_most = lack > lack.max() - ROUNDING
        row_lack = np.where(needs_most, self._row_lack, -np.inf)
        [equals] = (row_lack > row_lack.max() - ROUNDING).nonzero()
        part = equals[0]
        if len(equals) > 1:
            part = self._random.choice(equals)
        self.dealt[bundle, part] += 1
        self._left[bundle] -= 1
        self._class_lack[part] -= self._bundles.classes[bundle]
        self._row_lack[part] -= self._bundles.rows[bundle]
