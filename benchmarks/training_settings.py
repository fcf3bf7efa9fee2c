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


class Setting(NamedTuple):
    """What a training has that the plain one has not: changes of settings by name."""

    optimizer: dict[str, Any]
    schedule: dict[str, Any]


NOTHING: dict[str, Any] = {}
COSINE = {"schedule": "cosine", "warm_up": 0.1}
FAST = {"learning_rate": 3 * RATE}
AVERAGED = {"averaged_epochs": 10}
LONG = {"epochs": 150}
PLAIN = "plain"
SETTINGS = {
    PLAIN: Setting(NOTHING, NOTHING),
    "stop_on: metric": Setting(NOTHING, {"stop_on": "metric"}),
    "label_smoothing: .1": Setting({"label_smoothing": 0.1}, NOTHING),
    "cosine": Setting({"schedule": "cosine"}, NOTHING),
    "cosine, warm_up: .1": Setting(COSINE, NOTHING),
    "cosine, warm_up: .1, patience: 60": Setting(COSINE, {"patience": 60}),
    "rate x 3": Setting(FAST, NOTHING),
    "rate x 3, cosine, warm_up: .1": Setting(FAST | COSINE, NOTHING),
    "clip_norm: .3": Setting({"clip_norm": 0.3}, NOTHING),
    "clip_norm: 1": Setting({"clip_norm": 1.0}, NOTHING),
    "batch_size: auto": Setting({"batch_size": "auto"}, NOTHING),
    "batch_size: 256": Setting({"batch_size": 256}, NOTHING),
    "averaged_epochs: 3": Setting(NOTHING, {"averaged_epochs": 3}),
    "averaged_epochs: 3, cosine, warm_up: .1": Setting(COSINE, {"averaged_epochs": 3}),
    "averaged_epochs: 5": Setting(NOTHING, {"averaged_epochs": 5}),
    "averaged_epochs: 5, cosine, warm_up: .1": Setting(COSINE, {"averaged_epochs": 5}),
    "averaged_epochs: 10": Setting(NOTHING, AVERAGED),
    "averaged_epochs: 10, cosine, warm_up: .1": Setting(COSINE, AVERAGED),
    "averaged_epochs: 10, batch_size: auto": Setting({"batch_size": "auto"}, AVERAGED),
    "averaged_epochs: 10, rate x 3": Setting(FAST, AVERAGED),
    "averaged_epochs: 10, stop_on: metric": Setting(NOTHING, AVERAGED | {"stop_on": "metric"}),
    "epochs: 150": Setting(NOTHING, LONG),
    "epochs: 150, cosine, warm_up: .1": Setting(COSINE, LONG),
    "epochs: 150, averaged_epochs: 10": Setting(NOTHING, LONG | AVERAGED),
    "epochs: 150, averaged_epochs: 10, cosine, warm_up: .1": Setting(COSINE, LONG | AVERAGED),
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
    schedules = dict.fromkeys(_schedule(setting) for setting in SETTINGS.values())
    for schedule in schedules:
        names = [name for name in SETTINGS if _schedule(SETTINGS[name]) == schedule]
        keys = [(name, seed) for name in names for seed in range(SEEDS)]
        jobs = [_job(number, tree, *key) for number, key in enumerate(keys)]
        for result in _results(data, schedule, jobs):
            readings[keys[result.number]] = _read(data, jobs[result.number], result)
    return readings


def _schedule(setting: Setting) -> TrainingSettings:
    return dataclasses.replace(SCHEDULE, **setting.schedule)


def _job(
    number: int,
    tree: SharingTree,
    name: str,
    seed: int,
) -> TrainingJob:
    optimizer = dataclasses.replace(OPTIMIZER, **SETTINGS[name].optimizer)
    candidate = Candidate(tree, BACKBONE, optimizer=optimizer)
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
def _read(data: TrainingData, job: TrainingJob, result: TrainingResult) -> Reading:
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
