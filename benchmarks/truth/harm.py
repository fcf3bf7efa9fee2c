"""Does it ever harm? The model recommended for export against tuned single-task, on embedded and on planted problems.

The embedded problems are searched in the space `default`, 20 planted ones in that of `trial.py`: groups, chains, unrelated and
conflicting tasks, few labels, other kinds. The true gain is that of 30 fresh seeds; for the planted ones on 5,000 other test
rows, for the embedded ones on the test rows they have. Recommended is single-task itself, with a gain of 0, unless the verdict
claims a gain; so the table also shows what would have been lost had the best sharing structure been exported always.
"""

from typing import Any

import numpy as np

from benchmarks.truth.trial import grouped, share, side_by_side, space
from benchmarks.truth.verdicts import BUDGET, TEST_ROWS, Answered, answer, with_test_rows
from mtlsearch.data import Dataset, load
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.space import SearchSpace, load_space
from mtlsearch.structure.tree import SharingTree

EMBEDDED = ("iris+breast_cancer", "penguins", "tecator", "vowel", "digits", "bikeshare")
ROWS, COPIES = 400, 4
DEEP = SharingTree((((0, 1, 2, 3),), ((0, 1), (2, 3))))
TEACHERS: dict[str, tuple[Teacher, dict[int, float]]] = {
    "one group, one noise": (Teacher(grouped(((0, 1, 2), (3,)), 1), unrelated=(3,)), {}),
    "parting on level 2": (Teacher(DEEP), {}),
    "one in conflict": (Teacher(grouped(((0, 1, 2, 3),), 1), conflicting=(3,)), {}),
    "few labels": (Teacher(grouped(((0, 1), (2, 3)), 1)), {1: 0.15, 3: 0.15}),
    "mixed kinds": (
        Teacher(
            grouped(((0, 1, 2, 3),), 1), kinds=("regression", "binary", "multiclass", "binary")
        ),
        {},
    ),
}


def _case(case: tuple[str, int]) -> Answered:
    name, number = case
    dataset, other, within = _embedded(name) if name in EMBEDDED else _planted(name, number)
    return answer(dataset, other, within, number)


def _embedded(name: str) -> tuple[Dataset, Dataset, SearchSpace]:
    dataset = load(name)
    return dataset, dataset, load_space("default", len(dataset.tasks))


def _planted(name: str, number: int) -> tuple[Dataset, Dataset, SearchSpace]:
    teacher, labelled = TEACHERS[name]
    whole = planted(teacher, ROWS, TEST_ROWS + 5000, labelled=labelled, seed=number)
    return *with_test_rows(whole, ROWS), space(4, 2)


def rows() -> list[list[Any]]:
    """Per problem the true gain of the best sharing structure, and what was recommended; then the sums."""
    cases = [(name, number) for name in TEACHERS for number in range(COPIES)] + [
        (name, 0) for name in EMBEDDED
    ]
    found, table = side_by_side(_case, cases), list[list[Any]]()
    for (name, number), each in zip(cases, found, strict=True):
        true = each.true
        what = f"{name} {number}: true gain of sharing, {each.decision}"
        table.append(
            [
                "harm",
                BUDGET.trainings,
                "",
                what,
                true.mean,
                true.low,
                true.high,
                each.recommended,
                1,
            ]
        )
        print(*table[-1], flush=True)
    exported = [
        each.true if each.recommended != "single_task" else Interval(0.0, 0.0, 0.0)
        for each in found
    ]
    for what, gains in (
        ("recommended", exported),
        ("sharing always", [each.true for each in found]),
    ):
        mean = interval([gain.mean for gain in gains])
        worse = [gain.sign == "below" for gain in gains]
        table.append(
            [
                "harm",
                BUDGET.trainings,
                "",
                f"{what}: mean true gain",
                mean.mean,
                mean.low,
                mean.high,
                "",
                len(gains),
            ]
        )
        table.append(
            [
                "harm",
                BUDGET.trainings,
                "",
                f"{what}: significantly worse",
                *share(worse),
                int(np.sum(worse)),
                len(gains),
            ]
        )
    return table
