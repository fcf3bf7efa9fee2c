"""Is the level found at which tasks part? Teachers of four levels whose groups {0,1} {2,3} share the first 1, 2 or 3 levels.

The answer is the tree that is best for the affinities' means; counted are the levels that tasks of different groups share in
it, as a mean over the pairs.
"""

from typing import Any

import numpy as np

from benchmarks.truth.trial import Budget, search, share, side_by_side, space
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.affinity.affinity import Affinity
from mtlsearch.evidence.tree_search import best_tree
from mtlsearch.structure.tree import SharingTree

LEVELS, PROBLEMS = 4, 8
BUDGET, ROWS = Budget(), 1000


def _tree(shared: int) -> SharingTree:
    return SharingTree((((0, 1, 2, 3),),) * shared + (((0, 1), (2, 3)),) * (LEVELS - shared))


def _problem(case: tuple[int, int]) -> float:
    shared, number = case
    dataset = planted(Teacher(_tree(shared), width=4), rows=ROWS, seed=number)
    affinity = Affinity.fit(search(dataset, space(4, LEVELS), BUDGET, number), dataset.tasks)
    assert affinity is not None
    tree = best_tree(affinity.sharing())
    pairs = [(t, u) for t in (0, 1) for u in (2, 3)]
    return float(
        np.mean(
            [
                sum(tree.node(level, t) == tree.node(level, u) for level in range(LEVELS))
                for t, u in pairs
            ]
        )
    )


def rows() -> list[list[Any]]:
    """Per planted depth the mean depth found, and the share within one level."""
    cases = [(shared, number) for shared in range(1, LEVELS) for number in range(PROBLEMS)]
    found = np.array(side_by_side(_problem, cases)).reshape(LEVELS - 1, PROBLEMS)
    table: list[list[Any]] = []
    for shared, own in enumerate(found, 1):
        error = 1.96 * own.std(ddof=1) / np.sqrt(PROBLEMS)
        mean = float(own.mean())
        table.append(
            [
                f"levels shared, {shared} planted",
                mean,
                mean - error,
                mean + error,
                float((own.round() == shared).mean()),
                PROBLEMS,
            ]
        )
    near = np.abs(found - np.arange(1, LEVELS)[:, None]) <= 1.0
    table.append(["within one level", *share(near.ravel().tolist()), "", near.size])
    return [["depth", BUDGET.trainings, ROWS, *row] for row in table]
