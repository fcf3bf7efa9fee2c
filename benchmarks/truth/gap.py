"""How much of a planted structure is recovered, by this search and by others.

Six tasks in groups {0,1,2} {3,4} {5}, the last one noise. The pick, the true grouping and
single-task are trained on the same fresh seeds, with the pick's own settings, and scored on test
rows:

    gap = (single-task - pick) / (single-task - truth)

of the mean error, summed over problems before it is divided. The pick is also taken after a part of
the trainings: how many does this search need for what another has at its end?

The part `pool` has the usual arms: the search picks by its own trainings, and by those of all arms.
Both picks are given the settings of the second, so that they differ in who shares.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.truth.experiment import (
    GROUPS,
    SEARCHED,
    SEEDS,
    Budget,
    Scores,
    best_mean_score,
    grouped,
    grouped_problem,
    has_groups,
    picked,
    request,
    search,
    searched_study,
    side_by_side,
    space,
    summarised,
    test_scores,
    tree_of,
    with_tree,
)
from benchmarks.truth.finding import Estimate, Finding, ratio_of_sums
from mtlsearch.candidate import Composition
from mtlsearch.data import Dataset
from mtlsearch.evidence.interval import interval
from mtlsearch.evidence.selection import pick, reference_scores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import Trial
from mtlsearch.search.analysis import Analysis
from mtlsearch.search.arms import BASELINE, USUAL

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


POOLED = Budget(32)  # of each arm, the command line's default
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
    error, single_task, least = [mean_error(scores) for scores in tested]
    exact = has_groups(pick, GROUPS)
    return Recovered(single_task - error, single_task - least, exact)


def mean_error(scores: Scores) -> float:
    """Return the mean over seeds and tasks."""
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


class Pooled(NamedTuple):
    """What the search recovers by its own trainings and by those of all arms.

    Then the mean errors of the models that single-task picks by either.
    """

    by_own: Recovered
    by_all: Recovered
    single_by_own: float
    single_by_all: float


def _pooled(rows: int, seed: int) -> Pooled:
    dataset = grouped_problem(seed, rows)
    searched = space(TASKS, LEVELS)
    asked = request(dataset, searched, POOLED, USUAL, seed)
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        study = searched_study(Path(folder), dataset, searched, asked)
        return compare_pools(Analysis(study, dataset))


def compare_pools(analysis: Analysis) -> Pooled:
    """Return what the picks of a study come to, by the trainings of each arm and of all."""
    dataset = analysis.dataset
    by_all = {pick.arm: pick.composition for pick in analysis.choose()}
    by_own = {SEARCHED: picked(analysis.trials[SEARCHED], dataset)}
    by_own[BASELINE] = _picked_per_task(analysis.trials[BASELINE], dataset)

    pooled = by_all[SEARCHED]
    trees = [tree_of(by_own[SEARCHED]), tree_of(pooled)]
    trees += [grouped(SEPARATE, LEVELS), grouped(GROUPS, LEVELS)]
    models = [with_tree(pooled, tree) for tree in trees]
    models += [by_own[BASELINE], by_all[BASELINE]]
    tested = test_scores(dataset, space(TASKS, LEVELS), models, SEEDS)
    own, best, alone, truth, single_own, single_all = [mean_error(scores) for scores in tested]
    possible = alone - truth
    return Pooled(
        Recovered(alone - own, possible, has_groups(models[0], GROUPS)),
        Recovered(alone - best, possible, has_groups(models[1], GROUPS)),
        single_own,
        single_all,
    )


def _picked_per_task(trials: Sequence[Trial], dataset: Dataset) -> Composition:
    """Return what single-task picks by its own trainings."""
    summaries = summarised(trials, dataset)
    reference = reference_scores(summaries, [], dataset.tasks)
    scales = SkillScales.on_search_rows(dataset)
    best = pick(BASELINE, summaries, scales, reference, per_task=True)
    assert best is not None
    return best.composition


def pooled() -> list[Finding]:
    """Let the search pick by its own trainings and by those of all arms, at the default budget."""
    problems = 20
    rows = 400
    work = partial(_pooled, rows)
    return pool_findings(side_by_side(work, range(problems)), rows)


def pool_findings(compared: Sequence[Pooled], rows: int) -> list[Finding]:
    """Return the share of the gap that is recovered either way, and what single-task gains."""
    problems = len(compared)
    table = []
    ways = {
        "searched, by its own trainings": [entry.by_own for entry in compared],
        "searched, by those of all arms": [entry.by_all for entry in compared],
    }
    for what, recovered in ways.items():
        gained, possible, exact = np.array(recovered, float).T
        share = ratio_of_sums(gained, possible)
        finding = Finding("pool", POOLED.trainings, what, share, problems, rows, exact.mean())
        table.append(finding)
    changes = []
    for entry in compared:
        change = 100.0 * (entry.single_by_all / entry.single_by_own - 1.0)
        changes.append(change)
    mean = interval(changes)
    estimate = Estimate(mean.mean, mean.low, mean.high)
    what = "single-task's pick: change of its error, percent"
    table.append(Finding("pool", POOLED.trainings, what, estimate, problems, rows))
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
