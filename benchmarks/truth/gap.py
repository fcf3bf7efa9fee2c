"""How much of a planted structure is recovered, by this search, by others, and by it without one of its parts.

Six tasks in groups {0,1,2} {3,4} {5}, the last one noise. The pick, the true grouping and single-task are trained on the same
fresh seeds, with the pick's own settings, and scored on test rows. Gap = (single-task - pick) / (single-task - truth) of the
mean error, summed over problems before it is divided. The pick is also taken after a part of the trainings: how many does this
search need for what another has at its end?
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.truth.trial import (
    GROUPS,
    SEEDS,
    Budget,
    grouped,
    grouped_problem,
    naive,
    picked,
    ratio,
    same_groups,
    search,
    side_by_side,
    space,
    tested,
    with_tree,
)
from mtlsearch.candidate import Composition
from mtlsearch.data import Dataset
from mtlsearch.records import Trial
from mtlsearch.search import schedules as line
from mtlsearch.space import SearchSpace

Choose = Callable[[Sequence[Trial], Dataset], Composition]


@dataclass(frozen=True)
class Way:
    """A search, and how its pick is chosen."""

    name: str
    budget: Budget
    choose: Choose = picked
    constants: tuple[tuple[str, int], ...] = ()  # of `mtlsearch.search.line`
    parts: tuple[float, ...] = (1.0,)  # of the budget after which its pick is taken


WAYS = (
    Way("affinity", Budget(), parts=(0.25, 0.5, 1.0)),
    Way("tpe, our choice", Budget(sampler="tpe")),
    Way("tpe, best mean score", Budget(sampler="tpe"), naive),
    Way("random, our choice", Budget(sampler="random")),
    Way("random, best mean score", Budget(sampler="random"), naive),
)
WIDTHS = {"choice": [8, 16, 32, 64]}
SHAPES = (
    Way("four in a row of one width", Budget()),
    Way("each of a width of its own", Budget(), constants=(("KIN", 1),)),
)


def _gaps(
    ways: Sequence[Way], rows: int, width: object, problem: int
) -> list[list[tuple[float, float, bool]]]:
    """Per way and part of the budget: what the pick gains over single-task, what the truth gains, and whether they are one."""
    dataset, within = grouped_problem(problem, rows), space(6, 2, width)
    done, found = dict[tuple[Any, ...], list[Trial]](), []
    for way in ways:
        if (key := (way.budget, way.constants)) not in done:
            done[key] = _searched(dataset, within, way, problem)
        trainings = done[key]
        picks = [
            way.choose(trainings[: round(part * len(trainings))], dataset) for part in way.parts
        ]
        trees = [grouped([[t] for t in range(6)], 2), grouped(GROUPS, 2)]
        compared = [
            each for own in picks for each in (own, *(with_tree(own, tree) for tree in trees))
        ]
        errors = [
            float(np.mean([[*row.values()] for row in each]))
            for each in tested(dataset, within, compared, SEEDS)
        ]
        triples = zip(picks, errors[::3], errors[1::3], errors[2::3], strict=True)
        found.append(
            [
                (single - own, single - truth, same_groups(each, GROUPS))
                for each, own, single, truth in triples
            ]
        )
    return found


def _searched(dataset: Dataset, within: SearchSpace, way: Way, seed: int) -> list[Trial]:
    usual = {name: getattr(line, name) for name, _ in way.constants}
    vars(line).update(way.constants)
    try:
        return search(dataset, within, way.budget, seed)
    finally:
        vars(line).update(usual)


def _rows(
    ways: Sequence[Way], problems: int, rows: int = 400, width: object = 32
) -> list[list[Any]]:
    found = side_by_side(partial(_gaps, ways, rows, width), range(problems))
    table: list[list[Any]] = []
    for number, way in enumerate(ways):
        own = np.array([problem[number] for problem in found], float).transpose(1, 2, 0)
        for part, (gained, possible, exact) in zip(way.parts, own, strict=True):
            table.append(
                [
                    "gap",
                    round(part * way.budget.trainings),
                    rows,
                    way.name,
                    *ratio(gained, possible),
                    exact.mean(),
                    problems,
                ]
            )
            print(*table[-1], flush=True)
    return table


def ablation() -> list[list[Any]]:
    """All ways with 128 trainings and 400 rows."""
    return _rows(WAYS, 20)


def shapes() -> list[list[Any]]:
    """What it costs the search that candidates of a cohort share their width, so that they train as one stack."""
    return _rows(SHAPES, 10, width=WIDTHS)


def budgets() -> list[list[Any]]:
    """More trainings, and more rows, for this search alone."""
    ours = WAYS[0]
    return _rows([replace(ours, budget=Budget(256))], 10) + _rows(
        [replace(ours, parts=(1.0,))], 6, rows=2000
    )
