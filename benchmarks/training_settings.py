"""Settings of training: what each gives over the training that has none of them.

    python -m benchmarks.training_settings

On five problems (of `bikeshare` a quarter of the training rows; one of planted groups of tasks) all
tasks share everything, on two of them also nothing, for five seeds with a fold each where a problem
has no validation rows of its own. Nothing is searched: all settings are compared in one network, so
a learning rate that suits a setting better is not looked for, save three times the rate in three of
them. Changes on the test rows against the plain training are paired over seeds; on the whole they
are means over the seven cases. Intervals are of 95% over seeds.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.machine import publish
from benchmarks.truth.experiment import grouped_problem, side_by_side
from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings, TrainingSettings
from mtlsearch.data import Dataset, load
from mtlsearch.data.dataset import TRAIN
from mtlsearch.evidence.interval import interval
from mtlsearch.records import Replicate, TrainingJob, TrainingResult
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.plain.step import losses_of
from mtlsearch.training.training_data import TrainingData
from mtlsearch.training.weights import load_model

PLANTED = "planted"
SUBSAMPLED = "bikeshare"
PLANTED_ROWS = 600
EVERY = 4  # of so many training rows one is kept
TREES = {"shared": SharingTree.shared, "separate": SharingTree.separate}
SEEDS = 5
LEVELS = 3
CHUNK = 32
BACKBONE = Mlp(width=64, dropout=0.15)
RATE = 1.7e-3
OPTIMIZER = OptimizerSettings(RATE, weight_decay=1e-4)
SCHEDULE = TrainingSettings(
    epochs=60,
    batch_size=64,
    patience=10,
)
WHOLE = "all"
COLUMNS = [
    "problem",
    "tree",
    "setting",
    "loss_change_percent",
    "loss_low",
    "loss_high",
    "score_points",
    "score_low",
    "score_high",
    "epochs",
]


PLAIN = "plain"
OF_SCHEDULE = ("epochs", "patience", "averaged_epochs", "stop_on")  # others are the optimizer's

BY_METRIC = {"stop_on": "metric"}
SMOOTHED = {"label_smoothing": 0.1}
FALLING = {"schedule": "cosine"}
COSINE = {"schedule": "cosine", "warm_up": 0.1}
PATIENT = {"patience": 60}
FAST = {"learning_rate": 3 * RATE}
CLIPPED_MUCH = {"clip_norm": 0.3}
CLIPPED = {"clip_norm": 1.0}
AUTO = {"batch_size": "auto"}
LARGE = {"batch_size": 256}
OF_3 = {"averaged_epochs": 3}
OF_5 = {"averaged_epochs": 5}
OF_10 = {"averaged_epochs": 10}
LONG = {"epochs": 150}

# What a training has that the plain one has not, by name.
SETTINGS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "stop_on: metric": BY_METRIC,
    "label_smoothing: .1": SMOOTHED,
    "cosine": FALLING,
    "cosine, warm_up: .1": COSINE,
    "cosine, warm_up: .1, patience: 60": COSINE | PATIENT,
    "rate x 3": FAST,
    "rate x 3, cosine, warm_up: .1": FAST | COSINE,
    "clip_norm: .3": CLIPPED_MUCH,
    "clip_norm: 1": CLIPPED,
    "batch_size: auto": AUTO,
    "batch_size: 256": LARGE,
    "averaged_epochs: 3": OF_3,
    "averaged_epochs: 3, cosine, warm_up: .1": OF_3 | COSINE,
    "averaged_epochs: 5": OF_5,
    "averaged_epochs: 5, cosine, warm_up: .1": OF_5 | COSINE,
    "averaged_epochs: 10": OF_10,
    "averaged_epochs: 10, cosine, warm_up: .1": OF_10 | COSINE,
    "averaged_epochs: 10, batch_size: auto": OF_10 | AUTO,
    "averaged_epochs: 10, rate x 3": OF_10 | FAST,
    "averaged_epochs: 10, stop_on: metric": OF_10 | BY_METRIC,
    "epochs: 150": LONG,
    "epochs: 150, cosine, warm_up: .1": LONG | COSINE,
    "epochs: 150, averaged_epochs: 10": LONG | OF_10,
    "epochs: 150, averaged_epochs: 10, cosine, warm_up: .1": LONG | OF_10 | COSINE,
}


class Case(NamedTuple):
    """A problem and a tree."""

    problem: str
    tree: str


CASES = (
    Case("vowel", "shared"),
    Case(SUBSAMPLED, "shared"),
    Case(PLANTED, "shared"),
    Case("penguins", "shared"),
    Case("penguins", "separate"),
    Case("tecator", "shared"),
    Case("tecator", "separate"),
)


class Reading(NamedTuple):
    """What a model comes to on test rows: mean relative loss, mean metric in points; and epochs."""

    loss: float
    score: float
    epochs: float


Readings = dict[tuple[str, int], Reading]  # by setting and seed


def problem(name: str) -> Dataset:
    """Return a problem by its name."""
    if name == PLANTED:
        return grouped_problem(seed=0, rows=PLANTED_ROWS)
    dataset = load(name)
    return _subsampled(dataset) if name == SUBSAMPLED else dataset


def _subsampled(dataset: Dataset) -> Dataset:
    """Return a dataset of one source with one in EVERY training rows, and all others."""
    [source] = dataset.sources.values()
    role = source.splits.role
    kept = (role != TRAIN) | (np.arange(len(role)) % EVERY == 0)
    group = source.splits.group
    splits = dataclasses.replace(
        source.splits,
        role=role[kept],
        group=None if group is None else group[kept],
    )
    inputs = source.inputs[kept].reset_index(drop=True)
    narrowed = dataclasses.replace(source, inputs=inputs, splits=splits)
    targets = {name: values[kept] for name, values in dataset.targets.items()}
    return dataclasses.replace(dataset, sources={source.name: narrowed}, targets=targets)


def train(case: Case) -> Readings:
    """Train a case with every setting and seed, those of one schedule side by side."""
    data = TrainingData(problem(case.problem), 0, torch.device("cpu"))
    tree = TREES[case.tree](len(data.dataset.tasks), LEVELS)
    readings: Readings = {}
    schedules = dict.fromkeys(_schedule(name) for name in SETTINGS)
    for schedule in schedules:
        names = [name for name in SETTINGS if _schedule(name) == schedule]
        keys = [(name, seed) for name in names for seed in range(SEEDS)]
        jobs = [_job(number, tree, *key) for number, key in enumerate(keys)]
        for result in _results(data, schedule, jobs):
            readings[keys[result.number]] = _read(data, jobs[result.number], result)
    return readings


def _schedule(name: str) -> TrainingSettings:
    changes = {key: value for key, value in SETTINGS[name].items() if key in OF_SCHEDULE}
    return dataclasses.replace(SCHEDULE, **changes)


def _optimizer(name: str) -> OptimizerSettings:
    changes = {key: value for key, value in SETTINGS[name].items() if key not in OF_SCHEDULE}
    return dataclasses.replace(OPTIMIZER, **changes)


def _job(
    number: int,
    tree: SharingTree,
    name: str,
    seed: int,
) -> TrainingJob:
    candidate = Candidate(tree, BACKBONE, optimizer=_optimizer(name))
    replicate = Replicate("confirmation", seed)
    return TrainingJob(number, candidate.composition(), replicate, seed=0)


def _results(
    data: TrainingData, schedule: TrainingSettings, jobs: Sequence[TrainingJob]
) -> Iterator[TrainingResult]:
    for result in Engine(data, schedule, "forest", CHUNK).train(jobs):
        if result:
            assert result.failure is None, result.failure
            yield result


@torch.no_grad()
def _read(
    data: TrainingData,
    job: TrainingJob,
    result: TrainingResult,
) -> Reading:
    fold = data.fold(job.replicate)
    rows = {task.source: data.test_rows(task) for task in data.dataset.tasks}
    losses = []
    scores = []
    model = load_model(job, data, result.weights).eval()
    for number, task in enumerate(data.dataset.tasks):
        network = model.network_of(number)
        tasks = [data.dataset.tasks[other] for other in network.component.tasks]
        of_tasks = losses_of(network, tasks, fold, rows)[0].tolist()
        loss = of_tasks[tasks.index(task)]
        losses.append(loss / fold.prepared.baseline_loss[task.name])
        labels = data.dataset.targets[task.name][rows[task.source].numpy()]
        scores.append(task.metric.score(labels, result.predictions[task.name]))
    return Reading(
        loss=float(np.mean(losses)),
        score=100 * float(np.mean(scores)),
        epochs=float(np.mean(result.epochs)),
    )


def _changes(readings: Readings, name: str) -> list[Reading]:
    """Return what a setting changes, seed by seed: the loss in percent, the metric in points."""
    changes = []
    for seed in range(SEEDS):
        before = readings[PLAIN, seed]
        after = readings[name, seed]
        change = Reading(
            loss=100 * (after.loss / before.loss - 1),
            score=after.score - before.score,
            epochs=after.epochs,
        )
        changes.append(change)
    return changes


def _row(changes: Sequence[Reading]) -> list[float | None]:
    """Return the cells of changes, of which there is one for each seed."""
    loss = interval([change.loss for change in changes])
    score = interval([change.score for change in changes])
    epochs = float(np.mean([change.epochs for change in changes]))
    return [
        loss.mean,
        loss.low,
        loss.high,
        score.mean,
        score.low,
        score.high,
        epochs,
    ]


def _mean(changes: Sequence[Reading]) -> Reading:
    loss, score, epochs = np.mean(changes, axis=0)
    return Reading(float(loss), float(score), float(epochs))


def main() -> None:
    """Train every case."""
    answers = dict(zip(CASES, side_by_side(train, CASES), strict=True))

    table: list[list[object]] = []
    for name in SETTINGS:
        by_case = {case: _changes(answers[case], name) for case in CASES}
        by_seed = []
        for seed in range(SEEDS):
            by_seed.append(_mean([changes[seed] for changes in by_case.values()]))
        table.append([WHOLE, WHOLE, name, *_row(by_seed)])
        for case, changes in by_case.items():
            table.append([case.problem, case.tree, name, *_row(changes)])
    publish("training-settings", COLUMNS, table)


if __name__ == "__main__":
    main()
