"""Rare classes and scarce tasks: what class weights, balanced sampling and a temperature give.

    python -m benchmarks.sampling

Two tasks share everything and depend on the same three features of 16 inputs, in 20 problems of
each family. In `rare` one row in 50 is positive in the first task, one in 5 in the second. In
`scarce` both tasks are numbers, and a share of the rows has a label of the first. Nothing is
searched. A model is trained once per problem, and scored on 10,000 test rows at the epoch with the
least validation loss. Differences to the training without any of it are paired over problems, with
95% intervals over these.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch

from benchmarks.machine import publish
from benchmarks.truth.experiment import grouped, side_by_side
from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings, TrainingSettings
from mtlsearch.columns import RawTable
from mtlsearch.data import Card, Dataset
from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import SourceCard, SplitCard, TaskCard
from mtlsearch.data.planted import Teacher
from mtlsearch.evidence.interval import interval
from mtlsearch.records import Replicate, TrainingJob, TrainingResult
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.training_data import TrainingData

PROBLEMS = 20
ROWS = 4_000
TEST_ROWS = 10_000
NOISE = 0.5
TEACHER = Teacher(grouped([(0, 1)], 1))
TREE = SharingTree.shared(2, 2)
BACKBONE = Mlp(width=32)
RATE = 3e-3
SCHEDULE = TrainingSettings(
    epochs=60,
    batch_size=64,
    patience=10,
)
RARE = "rare"
POSITIVE = {"y0": 0.02, "y1": 0.2}  # shares of the rows
LABELLED = {"scarce, 5%": 0.05, "scarce, 1%": 0.01}  # shares of the rows, for y0
RANKED = ("average_precision", "roc_auc", "balanced_accuracy", "log_loss")
PLAIN = "nothing"
EVENED = {
    PLAIN: OptimizerSettings(RATE),
    "class_weight: balanced": OptimizerSettings(RATE, class_weight="balanced"),
    "sampling: balanced": OptimizerSettings(RATE, sampling="balanced"),
    "both": OptimizerSettings(RATE, class_weight="balanced", sampling="balanced"),
}
HEATED = {
    PLAIN: OptimizerSettings(RATE),
    "temperature 2": OptimizerSettings(RATE, sampling_temperature=2.0),
    "temperature 5": OptimizerSettings(RATE, sampling_temperature=5.0),
    "temperature 100": OptimizerSettings(RATE, sampling_temperature=100.0),
}
FAMILIES = (RARE, *LABELLED)
COLUMNS = [
    "problems",
    "setting",
    "task",
    "metric",
    "mean",
    "difference",
    "low",
    "high",
    "epochs",
]


class Case(NamedTuple):
    """A problem of a family."""

    family: str
    seed: int


class Answer(NamedTuple):
    """What the trainings of a case came to, by setting: scores by task and metric, and epochs."""

    scores: dict[str, dict[tuple[str, str], float]]
    epochs: dict[str, int]


def problem(case: Case) -> Dataset:
    """Return the dataset of a case."""
    table = TEACHER.table(ROWS + TEST_ROWS, NOISE, case.seed)
    kind = "regression"
    if case.family == RARE:
        kind = "binary"
        for task, share in POSITIVE.items():
            threshold = table[task].quantile(1 - share)
            is_positive = table[task] > threshold
            table[task] = is_positive.astype(int)
    else:
        _hide_labels(table, LABELLED[case.family], case.seed)
    is_test = np.arange(len(table)) >= ROWS
    table["split"] = np.where(is_test, "test", "train")
    card = Card(
        name=case.family,
        sources={case.family: SourceCard(path=case.family)},
        tasks={task: TaskCard(kind=kind) for task in POSITIVE},
        split=SplitCard(column="split", validation=0.25),
    )
    raw = {case.family: RawTable(table)}
    return assemble(card.checked(case.family), raw, case.family)


def _hide_labels(
    table: pd.DataFrame,
    share: float,
    seed: int,
) -> None:
    draw = np.random.default_rng([seed, 1])
    is_hidden = draw.random(ROWS) > share
    rows = np.flatnonzero(is_hidden)
    table.loc[rows, "y0"] = np.nan


def settings_of(family: str) -> dict[str, OptimizerSettings]:
    """Return what is compared on a family, by name."""
    return EVENED if family == RARE else HEATED


def train(case: Case) -> Answer:
    """Train every setting once on a problem."""
    dataset = problem(case)
    settings = settings_of(case.family)
    trainings = []
    for number, optimizer in enumerate(settings.values()):
        candidate = Candidate(TREE, BACKBONE, optimizer=optimizer)
        replicate = Replicate("confirmation", 0)
        trainings.append(
            TrainingJob(
                number,
                candidate.composition(),
                replicate,
                case.seed,
            )
        )

    data = TrainingData(dataset, case.seed, torch.device("cpu"))
    engine = Engine(data, SCHEDULE, "forest")
    names = list(settings)
    answer = Answer({}, {})
    for result in engine.train(trainings):
        if result:
            assert not result.failure
            name = names[result.number]
            answer.scores[name] = _scores(dataset, result)
            [answer.epochs[name]] = result.epochs
    return answer


def _scores(
    dataset: Dataset,
    result: TrainingResult,
) -> dict[tuple[str, str], float]:
    scores = {}
    for task in dataset.tasks:
        target = dataset.targets[task.name][ROWS:]
        predictions = result.predictions[task.name]
        metrics = [metric for metric in task.kind.metrics if metric.name in RANKED]
        for metric in metrics or [task.metric]:
            value = metric.score(target, predictions)
            scores[task.name, metric.name] = float(value)
    return scores


def rows(family: str, answers: Sequence[Answer]) -> list[list[Any]]:
    """Return for each setting the scores, and their differences to those without it."""
    table = []
    measures = answers[0].scores[PLAIN]
    for setting, (task, metric) in product(settings_of(family), measures):
        scores = []
        changes = []
        epochs = []
        for answer in answers:
            score = answer.scores[setting][task, metric]
            plain = answer.scores[PLAIN][task, metric]
            scores.append(score)
            changes.append(score - plain)
            epochs.append(answer.epochs[setting])
        change = interval(changes)
        table.append(
            [
                family,
                setting,
                task,
                metric,
                float(np.mean(scores)),
                change.mean,
                change.low,
                change.high,
                float(np.mean(epochs)),
            ]
        )
    return table


def main() -> None:
    """Train every setting on every problem."""
    cases = []
    for family in FAMILIES:
        for seed in range(PROBLEMS):
            cases.append(Case(family, seed))
    answers = dict(zip(cases, side_by_side(train, cases), strict=True))

    table = []
    for family in FAMILIES:
        of_family = [answers[Case(family, seed)] for seed in range(PROBLEMS)]
        table.extend(rows(family, of_family))
    publish("sampling", COLUMNS, table)


if __name__ == "__main__":
    main()
