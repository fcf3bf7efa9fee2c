"""Numbers of tables: what scalings and periodic embeddings give over standardised numbers.

    python -m benchmarks.inputs

All tasks of a problem share everything, for five seeds with a fold each. Nothing is searched. Each
way to read numbers is trained once per seed with a perceptron, some with TabM as well, and scored
on the test rows. Gains over standardised numbers, in percent and a mean over tasks, are paired over
seeds, with 95% intervals. What is chosen is, for each seed, the way whose mean gain on validation
rows over the other seeds is largest: what a search over these ways may hope for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_diabetes

from benchmarks.machine import publish
from benchmarks.truth.experiment import side_by_side
from mtlsearch.backbones import Backbone, Mlp, TabM
from mtlsearch.backbones.numbers import Numbers, Periodic, Plain
from mtlsearch.candidate import Candidate, OptimizerSettings, TrainingSettings
from mtlsearch.columns import RawTable
from mtlsearch.data import Card, Dataset, load
from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import SourceCard, SplitCard, TaskCard
from mtlsearch.data.planted import Teacher
from mtlsearch.evidence.interval import interval
from mtlsearch.evidence.relative_gain import mean_relative_gain
from mtlsearch.evidence.scoring import TestScorer
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.training_data import TrainingData

SEEDS = 5
LEVELS = 3
TASKS = 3
ROWS = 600
TEST_ROWS = 1_000
NOISE = 0.3
SKEW = 2.0
BACKBONES: Mapping[str, Backbone] = {
    "mlp": Mlp(width=64, dropout=0.1),
    "tabm": TabM(width=64, members=4, dropout=0.1),
}
OPTIMIZER = OptimizerSettings(learning_rate=1.7e-3, weight_decay=1e-4)
SCHEDULE = TrainingSettings(
    epochs=40,
    batch_size=64,
    patience=10,
)
SUBSAMPLE = 1_600  # rows of bikeshare
STANDARD = "standard"
WAYS: Mapping[str, Numbers] = {
    STANDARD: Plain(),
    "robust": Plain("robust"),
    "quantile": Plain("quantile"),
    "periodic .1": Periodic(sigma=0.1),
    "periodic .01": Periodic(sigma=0.01),
    "periodic .3": Periodic(sigma=0.3),
    "lite .1": Periodic(sigma=0.1, lite=True),
    "quantile, periodic .1": Periodic("quantile", sigma=0.1),
}
CHOICES: Mapping[str, Sequence[str]] = {
    "chosen of all": tuple(WAYS),
    "chosen of three": (STANDARD, "quantile", "periodic .1"),
}
WITH_TABM = ("diabetes", "penguins", "bikeshare", "planted, skewed", "vowel")
FEWER_WAYS = tuple(WAYS)[:4]
COLUMNS = [
    "problem",
    "backbone",
    "numbers",
    "gain_percent",
    "low",
    "high",
    "seeds_ahead",
    "epochs",
]


class Case(NamedTuple):
    """A problem and a backbone."""

    problem: str
    backbone: str


class Reading(NamedTuple):
    """What one training comes to: the scores of its tasks, and its epochs."""

    validation: Mapping[str, float]
    test: Mapping[str, float]
    epochs: int


Readings = Mapping[str, Sequence[Reading]]  # by the way to read numbers, a reading for each seed


def _embedded(name: str) -> Dataset:
    return load(name)


def _bikeshare(name: str) -> Dataset:
    """Some of its rows, at random."""
    whole = load(name)
    [source] = whole.sources.values()
    table = source.inputs.assign(**whole.targets)
    some = table.sample(SUBSAMPLE, random_state=0).reset_index(drop=True)
    return _dataset(name, some, list(whole.targets), SplitCard(test=0.25))


def _diabetes(name: str) -> Dataset:
    """The progress of the disease, and the sugar in the blood."""
    table = load_diabetes(as_frame=True, scaled=False).frame
    return _dataset(name, table, ["target", "s6"], SplitCard(test=0.25))


def _planted(name: str) -> Dataset:
    """A problem of normally distributed inputs, which nothing should help."""
    return _taught(name, _unchanged)


def _skewed(name: str) -> Dataset:
    """The same with inputs of which a network sees the exponential function."""
    return _taught(name, _exponential)


def _unchanged(inputs: pd.DataFrame) -> pd.DataFrame:
    return inputs


def _exponential(inputs: pd.DataFrame) -> pd.DataFrame:
    return inputs.map(lambda number: math.exp(SKEW * number))


def _taught(
    name: str,
    shown: Callable[[pd.DataFrame], pd.DataFrame],
) -> Dataset:
    teacher = Teacher(SharingTree.shared(TASKS, 1))
    table = teacher.table(ROWS + TEST_ROWS, NOISE, 0)
    names = [str(column) for column in table]
    inputs = [name for name in names if name.startswith("x")]
    targets = [name for name in names if name not in inputs]
    table[inputs] = shown(table[inputs])
    table["split"] = np.where(np.arange(len(table)) < ROWS, "train", "test")
    return _dataset(name, table, targets, SplitCard(column="split", validation=0.25))


def _dataset(
    name: str,
    table: pd.DataFrame,
    targets: Sequence[str],
    split: SplitCard,
) -> Dataset:
    """A dataset of one table whose targets are numbers."""
    card = Card(
        name=name,
        sources={name: SourceCard(path=name)},
        tasks={target: TaskCard(kind="regression", metric="rmse") for target in targets},
        split=split,
    )
    return assemble(card.checked(name), {name: RawTable(table)}, name)


PROBLEMS: Mapping[str, Callable[[str], Dataset]] = {
    "diabetes": _diabetes,
    "penguins": _embedded,
    "bikeshare": _bikeshare,
    "tecator": _embedded,
    "planted": _planted,
    "planted, skewed": _skewed,
    "vowel": _embedded,
}


def ways(case: Case) -> Sequence[str]:
    """Return the ways to read numbers that are tried in a case."""
    return FEWER_WAYS if case.backbone == "tabm" else tuple(WAYS)


def train(case: Case) -> Readings:
    """Train every way to read numbers on every seed of a case."""
    dataset = PROBLEMS[case.problem](case.problem)
    tree = SharingTree.shared(len(dataset.tasks), LEVELS)
    jobs: list[TrainingJob] = []
    names = []
    for name in ways(case):
        candidate = Candidate(
            tree,
            BACKBONES[case.backbone],
            optimizer=OPTIMIZER,
            numbers=WAYS[name],
        )
        for seed in range(SEEDS):
            replicate = Replicate("confirmation", seed)
            job = TrainingJob(len(jobs), candidate.composition(), replicate, seed=0)
            jobs.append(job)
            names.append(name)
    data = TrainingData(dataset, 0, torch.device("cpu"))
    scorer = TestScorer(dataset, 0)
    by_job: dict[int, Reading] = {}
    for result in Engine(data, SCHEDULE, "forest").train(jobs):
        if result:
            assert not result.failure
            scores = scorer.score(result.predictions).scores
            by_job[result.number] = Reading(result.scores, scores, sum(result.epochs))
    readings: dict[str, list[Reading]] = {name: [] for name in ways(case)}
    for number, name in enumerate(names):
        readings[name].append(by_job[number])
    return readings


def _gains(
    dataset: Dataset,
    readings: Readings,
    name: str,
) -> list[tuple[float, float]]:
    """The gains over standardised numbers on validation and test rows, seed by seed."""
    gains = []
    for reading, standard in zip(readings[name], readings[STANDARD], strict=True):
        gains.append(
            (
                mean_relative_gain(dataset.tasks, reading.validation, standard.validation),
                mean_relative_gain(dataset.tasks, reading.test, standard.test),
            )
        )
    return gains


def rows(case: Case, readings: Readings) -> list[list[object]]:
    """Return what each way to read numbers gains in a case."""
    dataset = PROBLEMS[case.problem](case.problem)
    gains = {name: _gains(dataset, readings, name) for name in readings}
    table: list[list[object]] = []
    for name in readings:
        on_test = [test for _, test in gains[name]]
        epochs = float(np.mean([reading.epochs for reading in readings[name]]))
        table.append([*case, name, *_summary(on_test), epochs])
    for choice, names in CHOICES.items():
        tried = {name: gains[name] for name in names if name in gains}
        table.append([*case, choice, *_summary(_chosen(tried)), ""])
    return table


def _chosen(
    gains: Mapping[str, Sequence[tuple[float, float]]],
) -> list[float]:
    """The gains on test rows of what is best on the validation rows of the other seeds."""
    chosen = []
    for seed in range(SEEDS):
        by_validation = {}
        for name, of_seeds in gains.items():
            others = [pair[0] for other, pair in enumerate(of_seeds) if other != seed]
            by_validation[name] = np.mean(others)
        best = max(by_validation, key=by_validation.__getitem__)
        chosen.append(gains[best][seed][1])
    return chosen


def _summary(gains: Sequence[float]) -> list[object]:
    gain = interval(gains)
    ahead = sum(value > 0 for value in gains)
    return [gain.mean, gain.low, gain.high, ahead]


def main() -> None:
    """Train every case."""
    cases = []
    for problem in PROBLEMS:
        cases.append(Case(problem, "mlp"))
    for problem in WITH_TABM:
        cases.append(Case(problem, "tabm"))
    table = []
    for case, readings in zip(cases, side_by_side(train, cases), strict=True):
        table.extend(rows(case, readings))
    publish("inputs", COLUMNS, table)


if __name__ == "__main__":
    main()
