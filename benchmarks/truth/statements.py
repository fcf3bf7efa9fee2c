"""Are the affinity map's statements right? Pairs of tasks of which it says, with 95%, that one helps or harms the other.

The problems are those of `gap.py`. The truth is the mean test error of a task trained alone, less that of the same task
trained together with the other one, with the settings of the pick, over fresh seeds. A statement is wrong when that has the
other sign, whatever its size.
"""

from typing import Any

import numpy as np

from benchmarks.truth.trial import (
    SEEDS,
    Budget,
    grouped,
    grouped_problem,
    picked,
    search,
    share,
    side_by_side,
    space,
    tested,
    with_tree,
)
from mtlsearch.evidence.affinity.affinity import Affinity

TASKS, LEVELS, PROBLEMS = 6, 2, 24
BUDGET = Budget()


def _problem(number: int) -> list[tuple[bool, bool, bool]]:
    """Per ordered pair: whether a statement is made, whether it is right, and whether the true effect is a gain."""
    dataset, within = grouped_problem(number), space(TASKS, LEVELS)
    trainings = search(dataset, within, BUDGET, number)
    affinity, own = Affinity.fit(trainings, dataset.tasks), picked(trainings, dataset)
    assert affinity is not None
    pairs = [(t, u) for t in range(TASKS) for u in range(t)]
    trees = [
        grouped([[t, u], *([v] for v in range(TASKS) if v not in (t, u))], LEVELS)
        for t, u in [(1, 0), *pairs]
    ]
    trees[0] = grouped([[t] for t in range(TASKS)], LEVELS)
    alone, *together = (
        _errors(each)
        for each in tested(dataset, within, [with_tree(own, tree) for tree in trees], SEEDS)
    )
    found = []
    for (t, u), errors in zip(pairs, together, strict=True):
        for task, other in ((t, u), (u, t)):
            said, gain = affinity.effects(LEVELS)[task, other], alone[task] - errors[task]
            found.append((said.sign != "spans", (said.mean > 0) == (gain > 0), bool(gain > 0)))
    return found


def _errors(scores: list[dict[str, float]]) -> np.ndarray:
    return np.asarray(np.mean([[*row.values()] for row in scores], 0))


def rows() -> list[list[Any]]:
    """How often a statement is dared, and how often it is wrong."""
    found = [each for problem in side_by_side(_problem, range(PROBLEMS)) for each in problem]
    said = [each for each in found if each[0]]
    table = [
        ("pairs with a statement", [each[0] for each in found]),
        ("wrong statements", [not right for _, right, _ in said]),
    ]
    table += [("sign of the mean is right, all pairs", [right for _, right, _ in found])]
    table += [("pairs whose true effect is a gain", [gain for _, _, gain in found])]
    return [
        ["statements", BUDGET.trainings, 400, what, *share(values), "", len(values)]
        for what, values in table
    ]
