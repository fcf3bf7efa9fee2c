"""Averaged weights: what the mean of a training's best epochs gives over the best epoch alone.

    python -m benchmarks.averaging

On four embedded problems all tasks share everything, or nothing, for ten seeds with a fold each.
Nothing is searched. Each network is trained once, and read at its best epoch, as the mean of its
3, 5 and 10 best epochs, and as that mean unless its validation loss is above the best epoch's.
Changes on the test rows against the best epoch are paired over seeds; on the whole they are means
over the eight cases. Intervals are of 95%.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine import publish
from benchmarks.truth.experiment import side_by_side
from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, Component, OptimizerSettings, TrainingSettings
from mtlsearch.data import load
from mtlsearch.evidence.interval import interval
from mtlsearch.records import Replicate
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.history import EpochRank
from mtlsearch.training.plain.best_weights import BestWeights
from mtlsearch.training.plain.network import Network
from mtlsearch.training.plain.step import Fitting, losses_of
from mtlsearch.training.prediction import score_network
from mtlsearch.training.training_data import TrainingData

PROBLEMS = ("vowel", "iris+breast_cancer", "penguins", "digits")
TREES = {"shared": SharingTree.shared, "separate": SharingTree.separate}
SEEDS = 10
LEVELS = 3
BACKBONE = Mlp(width=64, dropout=0.15)
OPTIMIZER = OptimizerSettings(learning_rate=1.7e-3, weight_decay=1e-4)
SCHEDULE = TrainingSettings(
    epochs=60,
    batch_size=64,
    patience=10,
)
SINGLE = 1
COUNTS = (3, 5, 10)
ALWAYS = "always"
GUARDED = "unless worse"
WHOLE = "all"
COLUMNS = [
    "problem",
    "tree",
    "epochs",
    "kept",
    "loss_change_percent",
    "loss_low",
    "loss_high",
    "score_points",
    "score_low",
    "score_high",
    "worse_on_validation",
]


class Case(NamedTuple):
    """A problem, a tree and a seed."""

    problem: str
    tree: str
    seed: int


class Reading(NamedTuple):
    """What a network, or several with their tasks together, come to.

    Attributes:
        tasks: The number of tasks.
        validation: The mean relative loss on the validation rows.
        test: That on the test rows.
        score: The mean of the tasks' metrics on the test rows.
    """

    tasks: int
    validation: float
    test: float
    score: float


Readings = dict[int, Reading]  # by the number of epochs averaged


def train(case: Case) -> list[Readings]:
    """Train the networks of a case once each, and read them in every way."""
    data = TrainingData(load(case.problem), 0, torch.device("cpu"))
    tree = TREES[case.tree](len(data.dataset.tasks), LEVELS)
    candidate = Candidate(tree, BACKBONE, optimizer=OPTIMIZER)
    replicate = Replicate("confirmation", case.seed)
    return [_train(component, data, replicate) for component in candidate.composition()]


def _train(
    component: Component,
    data: TrainingData,
    replicate: Replicate,
) -> Readings:
    network = Network(component, data.signature(replicate), replicate.index)
    tasks = [data.dataset.tasks[task] for task in component.tasks]
    fitting = Fitting(network, tasks, data.fold(replicate), SCHEDULE)
    weights = {count: BestWeights(network, count) for count in (SINGLE, *COUNTS)}
    while not fitting.history.ended:
        fitting.advance(len(fitting.history.losses) + 1)
        for best in weights.values():
            rank = EpochRank.by_loss(fitting.history.losses[-1])
            best.add_epoch(network, rank)
    readings = {}
    for count, best in weights.items():
        network.load_state_dict(best.mean())
        readings[count] = _read(network.eval(), data, replicate)
    return readings


def _read(
    network: Network,
    data: TrainingData,
    replicate: Replicate,
) -> Reading:
    test_rows = {}
    for number in network.component.tasks:
        task = data.dataset.tasks[number]
        test_rows[task.source] = data.test_rows(task)
    scores = score_network(network, data, replicate, test_rows)
    return Reading(
        tasks=len(scores),
        validation=_loss(network, data, replicate, data.fold(replicate).validation),
        test=_loss(network, data, replicate, test_rows),
        score=100 * float(np.mean(list(scores.values()))),
    )


@torch.no_grad()
def _loss(
    network: Network,
    data: TrainingData,
    replicate: Replicate,
    rows: Mapping[str, Tensor],
) -> float:
    """The mean over tasks of the loss relative to that of the best constant."""
    fold = data.fold(replicate)
    tasks = [data.dataset.tasks[task] for task in network.component.tasks]
    losses = losses_of(network, tasks, fold, dict(rows))[0]
    baselines = [fold.prepared.baseline_loss[task.name] for task in tasks]
    return float((losses / losses.new_tensor(baselines)).mean())


def _together(readings: Sequence[Reading]) -> Reading:
    """The readings of all networks of a case as one."""
    tasks = [reading.tasks for reading in readings]
    return Reading(
        tasks=sum(tasks),
        validation=float(np.average([reading.validation for reading in readings], weights=tasks)),
        test=float(np.average([reading.test for reading in readings], weights=tasks)),
        score=float(np.average([reading.score for reading in readings], weights=tasks)),
    )


class Change(NamedTuple):
    """What a way of reading changes: the loss in percent, the metric in points.

    `worse` is the share of networks whose mean has the higher validation loss.
    """

    loss: float
    score: float
    worse: float


def change(
    networks: Sequence[Readings],
    count: int,
    kept: str,
) -> Change:
    """Return what the mean of so many epochs changes in a case."""
    before = _together([readings[SINGLE] for readings in networks])
    chosen = []
    worse = []
    for readings in networks:
        is_worse = readings[count].validation > readings[SINGLE].validation
        worse.append(is_worse)
        is_single = is_worse and kept == GUARDED
        chosen.append(readings[SINGLE if is_single else count])
    after = _together(chosen)
    return Change(
        loss=100 * (after.test / before.test - 1),
        score=after.score - before.score,
        worse=float(np.mean(worse)),
    )


def _mean(changes: Sequence[Change]) -> Change:
    loss, score, worse = np.mean(changes, axis=0)
    return Change(float(loss), float(score), float(worse))


def _row(changes: Sequence[Change]) -> list[float | None]:
    """The cells of changes, of which there is one for each seed."""
    loss = interval([change.loss for change in changes])
    score = interval([change.score for change in changes])
    worse = _mean(changes).worse
    return [
        loss.mean,
        loss.low,
        loss.high,
        score.mean,
        score.low,
        score.high,
        worse,
    ]


def main() -> None:
    """Train every case."""
    cases = []
    for problem in PROBLEMS:
        for tree in TREES:
            for seed in range(SEEDS):
                cases.append(Case(problem, tree, seed))
    answers = dict(zip(cases, side_by_side(train, cases), strict=True))

    table: list[list[object]] = []
    for count in COUNTS:
        for kept in (ALWAYS, GUARDED):
            changes = {case: change(answers[case], count, kept) for case in cases}
            by_seed = []
            for seed in range(SEEDS):
                by_seed.append(_mean([changes[case] for case in cases if case.seed == seed]))
            table.append([WHOLE, WHOLE, count, kept, *_row(by_seed)])
            for problem in PROBLEMS:
                for tree in TREES:
                    of_seeds = [changes[Case(problem, tree, seed)] for seed in range(SEEDS)]
                    table.append([problem, tree, count, kept, *_row(of_seeds)])
    publish("averaging", COLUMNS, table)


if __name__ == "__main__":
    main()
