"""Is the level found at which tasks part?

Teachers of four levels whose groups {0,1} {2,3} share the first 1, 2 or 3 levels. The answer is the
tree that is best for the affinities' means. Counted are the levels that tasks of different groups
share in it, as a mean over the pairs.
"""

import numpy as np

from benchmarks.truth.experiment import Budget, fitted, search, side_by_side, space
from benchmarks.truth.finding import Estimate, Finding, share_of_true
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.tree_search import best_tree
from mtlsearch.structure.tree import SharingTree

LEVELS = 4
PROBLEMS = 8
BUDGET = Budget()
ROWS = 1000
Level = tuple[tuple[int, ...], ...]
TOGETHER: Level = ((0, 1, 2, 3),)
PARTED: Level = ((0, 1), (2, 3))


def _tree(shared: int) -> SharingTree:
    levels: list[Level] = [TOGETHER] * shared
    levels += [PARTED] * (LEVELS - shared)
    return SharingTree(tuple(levels))


def _depth_found(case: tuple[int, int]) -> float:
    shared, seed = case
    dataset = planted(Teacher(_tree(shared), width=4), rows=ROWS, seed=seed)
    trials = search(dataset, space(4, LEVELS), BUDGET, seed)
    affinity = fitted(trials, dataset)
    tree = best_tree(affinity.sharing())

    depths = []
    for task in PARTED[0]:
        for other in PARTED[1]:
            depths.append(_levels_in_common(tree, task, other))
    return float(np.mean(depths))


def _levels_in_common(
    tree: SharingTree,
    task: int,
    other: int,
) -> int:
    shared = 0
    for level in range(LEVELS):
        if tree.node(level, task) == tree.node(level, other):
            shared += 1
    return shared


def findings() -> list[Finding]:
    """Return per planted depth the mean depth found, and the share within one level."""
    cases = []
    for shared in range(1, LEVELS):
        for seed in range(PROBLEMS):
            cases.append((shared, seed))
    depths = np.array(side_by_side(_depth_found, cases))
    depths = depths.reshape(LEVELS - 1, PROBLEMS)

    table = []
    for shared, row in enumerate(depths, start=1):
        mean = float(row.mean())
        deviation = float(row.std(ddof=1))
        half_width = 1.96 * deviation / PROBLEMS**0.5
        estimate = Estimate(mean, mean - half_width, mean + half_width)
        exactly = float((row.round() == shared).mean())
        what = f"levels shared, {shared} planted"
        table.append(_finding(what, estimate, PROBLEMS, exactly))

    planted_depths = np.arange(1, LEVELS)[:, None]
    near = np.abs(depths - planted_depths) <= 1.0
    estimate = share_of_true(near.ravel().tolist())
    table.append(_finding("within one level", estimate, near.size))
    return table


def _finding(
    what: str,
    estimate: Estimate,
    problems: int,
    exact: object = "",
) -> Finding:
    return Finding(
        "depth",
        BUDGET.trainings,
        what,
        estimate,
        problems,
        ROWS,
        exact,
    )
