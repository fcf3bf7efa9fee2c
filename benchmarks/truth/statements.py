"""Are the affinity map's statements right?

A statement is a pair of tasks of which the map says, with 95%, that one helps or harms the other.
The problems are those of `gap.py`. The truth is the mean test error of a task trained alone, less
that of the same task trained together with the other one, with the settings of the pick, over fresh
seeds. A statement is wrong when the truth has the other sign, whatever its size.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.truth.experiment import (
    SEEDS,
    Budget,
    Scores,
    fitted,
    grouped,
    grouped_problem,
    picked,
    search,
    side_by_side,
    space,
    test_scores,
    with_tree,
)
from benchmarks.truth.finding import Finding, share_of_true
from mtlsearch.structure.tree import SharingTree

TASKS = 6
LEVELS = 2
PROBLEMS = 24
ROWS = 400
BUDGET = Budget()


@dataclass(frozen=True)
class Statement:
    """What the map says of an ordered pair of tasks, and what is true."""

    is_made: bool
    has_true_sign: bool
    is_true_gain: bool


def _statements(seed: int) -> list[Statement]:
    """Return those of one problem, for every ordered pair."""
    dataset = grouped_problem(seed)
    searched = space(TASKS, LEVELS)
    trials = search(dataset, searched, BUDGET, seed)
    effects = fitted(trials, dataset).effects(LEVELS)

    pairs = _pairs()
    trees = [_separate_but()] + [_separate_but(pair) for pair in pairs]
    pick = picked(trials, dataset)
    compositions = [with_tree(pick, tree) for tree in trees]
    tested = test_scores(dataset, searched, compositions, SEEDS)
    alone, *together = [_mean_errors(scores) for scores in tested]

    statements = []
    for (first, second), errors in zip(pairs, together, strict=True):
        for task, other in ((first, second), (second, first)):
            effect = effects[task, other]
            gain = alone[task] - errors[task]
            statements.append(
                Statement(
                    is_made=effect.sign != "spans",
                    has_true_sign=bool((effect.mean > 0) == (gain > 0)),
                    is_true_gain=bool(gain > 0),
                )
            )
    return statements


def _pairs() -> list[tuple[int, int]]:
    pairs = []
    for task in range(TASKS):
        for other in range(task):
            pairs.append((task, other))
    return pairs


def _separate_but(together: tuple[int, ...] = ()) -> SharingTree:
    """Return the tree whose tasks are all alone, but for some that are together."""
    groups = [together] if together else []
    for task in range(TASKS):
        if task not in together:
            groups.append((task,))
    return grouped(groups, LEVELS)


def _mean_errors(scores: Scores) -> np.ndarray:
    rows = [list(row.values()) for row in scores]
    return np.asarray(np.mean(rows, axis=0))


def findings() -> list[Finding]:
    """Return how often a statement is dared, and how often it is wrong."""
    statements: list[Statement] = []
    for problem in side_by_side(_statements, range(PROBLEMS)):
        statements.extend(problem)
    made = [item for item in statements if item.is_made]

    shares = {
        "pairs with a statement": [item.is_made for item in statements],
        "wrong statements": [not item.has_true_sign for item in made],
        "sign of the mean is right, all pairs": [item.has_true_sign for item in statements],
        "pairs whose true effect is a gain": [item.is_true_gain for item in statements],
    }
    table = []
    for what, values in shares.items():
        estimate = share_of_true(values)
        count = len(values)
        table.append(Finding("statements", BUDGET.trainings, what, estimate, count, ROWS))
    return table
