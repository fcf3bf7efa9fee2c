"""Known architectures at equal settings, so that any other implementation of them can be checked against this one.

    python -m benchmarks.side_by_side

Nothing is searched and nothing is selected: every setting stands below, and the test rows are scored once per seed, at the epoch
with the least validation loss. README.md beside this file says how the data are split and prepared. Gains are over single-task,
paired over seeds, with intervals over seeds and test rows; intervals of scores are over seeds alone.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any

import torch

from benchmarks.machine import publish
from benchmarks.truth.trial import grouped_problem, side_by_side
from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, OptimizerSettings, TrainingSettings
from mtlsearch.data import PROBLEMS, Dataset, load
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.evidence.verdict import compare
from mtlsearch.records import TrainingJob, TrainingResult
from mtlsearch.search.architectures import ARCHITECTURES
from mtlsearch.sharing import NoSharing, Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training import Engine, TrainingData
from mtlsearch.weightings import Fixed

WIDTH, LEVELS, SEEDS = 64, 3, 5
BACKBONE, WEIGHTING = Mlp(WIDTH), Fixed()  # no dropout, no normalisation; equal weights
OPTIMIZER = OptimizerSettings(learning_rate=3e-3, weight_decay=1e-5)
SCHEDULE = TrainingSettings(epochs=60, batch_size=64, patience=10)
BASELINE, PLANTED = "single_task", "planted"
NAMES = (BASELINE, "hard_sharing", *ARCHITECTURES)
COLUMNS = [
    "problem",
    "architecture",
    "task",
    "metric",
    "mean",
    "low",
    "high",
    "parameters",
    "MACs",
    "epochs",
    "seeds",
]


def problem(name: str) -> Dataset:
    """An embedded problem, or a planted one: six regressions in groups of three, two and one, the last one noise."""
    return grouped_problem(0) if name == PLANTED else load(name)


def architecture(name: str, tasks: int) -> tuple[SharingTree, Sharing]:
    """The tree and the ties of an architecture; all but hard sharing have a branch for each task."""
    if name == "hard_sharing":
        return SharingTree.shared(tasks, LEVELS), NoSharing()
    ties = NoSharing() if name == BASELINE else ARCHITECTURES[name].sharing(LEVELS)
    return SharingTree.separate(tasks, LEVELS), ties


def train(case: tuple[str, str]) -> list[TrainingResult]:
    """One outcome per seed of an architecture on a problem."""
    dataset = problem(case[0])
    tree, ties = architecture(case[1], len(dataset.tasks))
    parts = Candidate(tree, BACKBONE, ties, WEIGHTING, OPTIMIZER).composition()
    trainings = [TrainingJob(seed, parts, seed, 0, test=True) for seed in range(SEEDS)]
    engine = Engine(TrainingData(dataset, 0, torch.device("cpu")), SCHEDULE, "forest")
    outcomes = [outcome for outcome in engine.train(trainings) if outcome]
    assert not any(outcome.failure for outcome in outcomes)
    return sorted(outcomes, key=lambda each: each.number)


def rows(name: str, outcomes: dict[str, list[TrainingResult]]) -> list[list[Any]]:
    """For each architecture the scores of each task, and the mean relative gain over single-task."""
    tasks, table = problem(name).tasks, list[list[Any]]()
    for each, own in outcomes.items():
        for task in tasks:
            found = interval([outcome.test_scores[task.name] for outcome in own])
            table.append([name, each, task.name, task.metric, *_size(found, own)])
        if each != BASELINE:
            gain = compare(each, own, outcomes[BASELINE], tasks).gain
            table.append([name, each, "all", "mean relative gain %", *_size(gain, own)])
    return table


def _size(found: Interval, own: Sequence[TrainingResult]) -> list[Any]:
    epochs = sum(max(outcome.epochs) for outcome in own) / len(own)
    return [
        found.mean,
        found.low,
        found.high,
        own[0].parameters,
        own[0].macs_per_example,
        epochs,
        len(own),
    ]


if __name__ == "__main__":
    problems = [
        "bikeshare",
        *(name for name in (*PROBLEMS, PLANTED) if name != "bikeshare"),
    ]  # the slowest first
    cases = list(product(problems, NAMES))
    found = dict(zip(cases, side_by_side(train, cases), strict=True))
    table = [
        row for name in problems for row in rows(name, {each: found[name, each] for each in NAMES})
    ]
    publish("side-by-side", COLUMNS, table)
