"""The problems of the studies: tables of which a study sees a part, and the truth another.

A planted table has rows as one likes. An embedded one is taken for the population: its rows are
drawn at random, by themselves, so that a study's test rows and all other rows are alike; groups and
days stay together no longer.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from benchmarks.truth.experiment import grouped
from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset, load
from mtlsearch.data.card import SplitCard
from mtlsearch.data.dataset import Splits
from mtlsearch.data.planted import Teacher, planted
from mtlsearch.data.roles import label_codes, with_splits
from mtlsearch.data.splits import split_rows
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Binary, Multiclass, Regression

SIZES = (150, 400, 1500)  # rows of a study, its test rows among them
PROBLEMS = 20
SINGLE_SPLIT = 1
OUTER_FOLDS = 5
OTHER_ROWS = 5_000  # for the truth, at most
FEWEST_OTHER_ROWS = 500
PENGUINS = "penguins"

ALL = (0, 1, 2, 3)
SEPARATE = grouped(((0,), (1,), (2,), (3,)), 1)
ONE_GROUP = grouped((ALL,), 1)
ONE_ALONE = grouped(((0, 1, 2), (3,)), 1)
DEEP = SharingTree(((ALL,), ((0, 1), (2, 3))))
MIXED = (Regression(), Binary(), Multiclass(), Binary())

Population = Callable[[int], Dataset]


def _taught(teacher: Teacher, seed: int) -> Dataset:
    return planted(teacher, max(SIZES), OTHER_ROWS, seed=seed)


def _embedded(name: str, seed: int) -> Dataset:
    return load(name)


POPULATIONS: dict[str, Population] = {
    "one group": partial(_taught, Teacher(ONE_GROUP)),
    "unrelated": partial(_taught, Teacher(SEPARATE)),
    "bikeshare": partial(_embedded, "bikeshare"),
    "one group, one noise": partial(_taught, Teacher(ONE_ALONE, unrelated=(3,))),
    "one in conflict": partial(_taught, Teacher(ONE_GROUP, conflicting=(3,))),
    "mixed kinds": partial(_taught, Teacher(ONE_GROUP, kinds=MIXED)),
    "digits": partial(_embedded, "digits"),
    "parting on level 2": partial(_taught, Teacher(DEEP)),
    "unrelated, one noise": partial(_taught, Teacher(SEPARATE, unrelated=(3,))),
    "vowel": partial(_embedded, "vowel"),
}
POPULATION_ROWS = {"bikeshare": 8645, "digits": 1797, "vowel": 990}  # of those that are not planted


@dataclass(frozen=True)
class Case:
    """A study: on which problem, with how many rows, and how many sets of test rows."""

    problem: str
    seed: int
    rows: int
    outer_folds: int

    @property
    def name(self) -> str:
        """What its file is called."""
        words = self.problem.replace(",", "").replace(" ", "-")
        return f"{words}-{self.seed}-{self.rows}-rows-{self.outer_folds}-folds"

    @property
    def has_truth(self) -> bool:
        """Whether other rows of its population are known."""
        return self.problem in POPULATIONS


def cases() -> list[Case]:
    """Return all studies in the order in which they are done.

    Problem by problem, all sizes and both conditions of each, so that wherever it is stopped the
    sizes and conditions have the same problems, but for the last one. The penguins are at the end.
    """
    ordered: list[Case] = []
    names = list(POPULATIONS)
    for number in range(PROBLEMS):
        seed, place = divmod(number, len(names))
        ordered += _studies(names[place], seed)
    for outer_folds in (SINGLE_SPLIT, OUTER_FOLDS):
        ordered.append(Case(PENGUINS, 0, 342, outer_folds))
    return ordered


def _studies(problem: str, seed: int) -> Iterator[Case]:
    """Both conditions of every size that leaves enough other rows."""
    known = POPULATION_ROWS.get(problem, max(SIZES) + OTHER_ROWS)
    for rows in SIZES:
        if rows + FEWEST_OTHER_ROWS > known:
            continue
        for outer_folds in (SINGLE_SPLIT, OUTER_FOLDS):
            yield Case(problem, seed, rows, outer_folds)


@dataclass(frozen=True)
class Sample:
    """The rows of a population that a study sees, and rows that it does not.

    Attributes:
        population: The population; its roles of rows mean nothing.
        seen: The numbers [N] of the rows of the study.
        others: The numbers [M] of the rows for the truth.
        dataset: What the study is of: the seen rows in their order, some of them test rows.
    """

    population: Dataset
    seen: Array
    others: Array
    dataset: Dataset

    def for_truth(self, fold: Dataset) -> Dataset:
        """Return the training rows of an outer fold of the study, with the other rows as test rows.

        Validation folds are drawn from the training rows, as in the study.
        """
        [splits] = [source.splits for source in fold.sources.values()]
        is_trained = splits.role != TEST
        rows = np.concatenate([self.seen[is_trained], self.others])
        roles = np.full(len(rows), TEST)
        roles[: is_trained.sum()] = splits.role[is_trained]
        whole = _rows_of(self.population, rows)
        return _divided(whole, replace(splits, role=roles, strata=None))


def sample(case: Case) -> Sample:
    """Draw the rows of a study; a smaller one of a problem has some of the rows of a larger one."""
    population = POPULATIONS[case.problem](case.seed)
    [source] = population.sources.values()
    draw = np.random.default_rng(case.seed)
    order = draw.permutation(len(source.inputs))
    seen = order[: case.rows]
    others = order[case.rows :][-OTHER_ROWS:]
    dataset = _rows_of(population, seen)
    return Sample(population, seen, others, _divided_at_random(dataset, case))


def _rows_of(dataset: Dataset, rows: Array) -> Dataset:
    """Return these rows of a dataset of one table, which stand by themselves: without groups."""
    [(name, source)] = dataset.sources.items()
    splits = Splits(np.zeros(len(rows), int), given=False)
    inputs = source.inputs.iloc[rows].reset_index(drop=True)
    targets = {task: values[rows] for task, values in dataset.targets.items()}
    kept = replace(source, inputs=inputs, splits=splits)
    return replace(dataset, sources={name: kept}, targets=targets, notices=())


def _divided_at_random(dataset: Dataset, case: Case) -> Dataset:
    """Return a dataset with test rows as a card has them that says nothing of it."""
    [source] = dataset.sources.values()
    card = SplitCard(seed=case.seed)
    strata = label_codes(source.name, dataset.tasks, dataset.targets)
    splits = split_rows(source.inputs, card, strata, case.name)
    return _divided(dataset, splits)


def _divided(dataset: Dataset, splits: Splits) -> Dataset:
    [name] = dataset.sources
    return with_splits(dataset, {name: splits})
