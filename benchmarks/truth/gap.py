"""How much of a planted structure is recovered, by this search and by others.

Six tasks in groups {0,1,2} {3,4} {5}, the last one noise. The pick, the true grouping and
single-task are trained on the same fresh seeds, with the pick's own settings, and scored on test
rows:

    gap = (single-task - pick) / (single-task - truth)

of the mean error, summed over problems before it is divided. The pick is also taken after a part of
the trainings: how many does this search need for what another has at its end?
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from benchmarks.truth.experiment import (
    GROUPS,
    SEEDS,
    Budget,
    Scores,
    best_mean_score,
    grouped,
    grouped_problem,
    has_groups,
    picked,
    search,
    side_by_side,
    space,
    test_scores,
    with_tree,
)
from benchmarks.truth.finding import Finding, ratio_of_sums
from mtlsearch.candidate import Composition
from mtlsearch.data import Dataset
from mtlsearch.records import Trial

Choose = Callable[[Sequence[Trial], Dataset], Composition]
TASKS = 6
LEVELS = 2
SEPARATE = [[task] for task in range(TASKS)]


@dataclass(frozen=True)
class Method:
    """A search, and how its pick is chosen. `parts` of its budget: after each a pick is taken."""

    name: str
    budget: Budget
    choose: Choose = picked
    parts: tuple[float, ...] = (1.0,)


OURS = Method("affinity", Budget(), parts=(0.25, 0.5, 1.0))
METHODS = (
    OURS,
    Method("tpe, our choice", Budget(sampler="tpe")),
    Method("tpe, best mean score", Budget(sampler="tpe"), best_mean_score),
    Method("random, our choice", Budget(sampler="random")),
    Method("random, best mean score", Budget(sampler="random"), best_mean_score),
)


class Recovered(NamedTuple):
    """What a pick gains over single-task, what the truth gains, and whether they are one."""

    gained: float
    possible: float
    exact: bool


def _recovered(
    methods: Sequence[Method],
    rows: int,
    seed: int,
) -> list[list[Recovered]]:
    """Return for one problem, per method, what its picks recover."""
    dataset = grouped_problem(seed, rows)
    searched: dict[Budget, list[Trial]] = {}
    recovered = []
    for method in methods:
        if method.budget not in searched:
            searched[method.budget] = search(dataset, space(TASKS, LEVELS), method.budget, seed)
        trials = searched[method.budget]
        picks = []
        for part in method.parts:
            known = trials[: round(part * len(trials))]
            picks.append(method.choose(known, dataset))
        recovered.append([_compared(pick, dataset) for pick in picks])
    return recovered


def _compared(pick: Composition, dataset: Dataset) -> Recovered:
    alone = with_tree(pick, grouped(SEPARATE, LEVELS))
    truth = with_tree(pick, grouped(GROUPS, LEVELS))
    tested = test_scores(dataset, space(TASKS, LEVELS), [pick, alone, truth], SEEDS)
    error, single_task, least = [_mean_error(scores) for scores in tested]
    exact = has_groups(pick, GROUPS)
    return Recovered(single_task - error, single_task - least, exact)


def _mean_error(scores: Scores) -> float:
    rows = [list(row.values()) for row in scores]
    return float(np.mean(rows))


def _findings(
    methods: Sequence[Method],
    problems: int,
    rows: int = 400,
) -> list[Finding]:
    work = partial(_recovered, methods, rows)
    per_problem = side_by_side(work, range(problems))
    table = []
    for number, method in enumerate(methods):
        for place, part in enumerate(method.parts):
            recovered = [problem[number][place] for problem in per_problem]
            gained, possible, exact = np.array(recovered, float).T
            finding = Finding(
                "gap",
                round(part * method.budget.trainings),
                method.name,
                ratio_of_sums(gained, possible),
                problems,
                rows,
                exact.mean(),
            )
            print(*finding.cells(), flush=True)
            table.append(finding)
    return table


def ablation() -> list[Finding]:
    """Compare all methods with 128 trainings and 400 rows."""
    return _findings(METHODS, problems=20)


def budgets() -> list[Finding]:
    """Give this search alone more trainings, and more rows."""
    longer = replace(OURS, budget=Budget(256))
    at_its_end = replace(OURS, parts=(1.0,))
    more_trainings = _findings([longer], problems=10)
    more_rows = _findings([at_its_end], problems=6, rows=2000)
    return more_trainings + more_rows
