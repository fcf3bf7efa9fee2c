"""Known architectures at equal settings: figures to check any other implementation against.

    python -m benchmarks.side_by_side

Nothing is searched and nothing is selected: every setting stands below, and the test rows are
scored once per seed, at the epoch with the least validation loss. README.md beside this file says
how the data are split and prepared. Gains are over single-task, paired over seeds, with intervals
over seeds and test rows; intervals of scores are over seeds alone.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import torch

from benchmarks.machine import publish
from benchmarks.truth.experiment import grouped_problem, side_by_side
from mtlsearch.backbones import Mlp
from mtlsearch.candidate import Candidate, Composition, OptimizerSettings, TrainingSettings
from mtlsearch.data import PROBLEMS, Dataset, load
from mtlsearch.evidence.comparison import compare
from mtlsearch.evidence.interval import Interval, interval
from mtlsearch.evidence.scoring import TestScorer, TestScores
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import Replicate, TrainingJob, TrainingResult
from mtlsearch.search.architectures import ARCHITECTURES
from mtlsearch.sharing import NoSharing, Sharing
from mtlsearch.structure.tree import SharingTree
from mtlsearch.training.engine import Engine
from mtlsearch.training.training_data import TrainingData
from mtlsearch.weightings import Fixed

LEVELS = 3
SEEDS = 5
BACKBONE = Mlp(width=64)  # no dropout, no normalisation
WEIGHTING = Fixed()  # equal weights
OPTIMIZER = OptimizerSettings(learning_rate=3e-3, weight_decay=1e-5)
SCHEDULE = TrainingSettings(
    epochs=60,
    batch_size=64,
    patience=10,
)
BASELINE = "single_task"
HARD_SHARING = "hard_sharing"
NAMES = (BASELINE, HARD_SHARING, *ARCHITECTURES)
PLANTED = "planted"
SLOWEST = "bikeshare"
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


class Case(NamedTuple):
    """An architecture on a problem."""

    problem: str
    architecture: str


def problem(name: str) -> Dataset:
    """Return an embedded problem, or the planted one.

    That has six regressions in groups of three, two and one, the last one noise.
    """
    if name == PLANTED:
        return grouped_problem(0)
    return load(name)


def model(architecture: str, tasks: int) -> Composition:
    """Return an architecture; all but hard sharing have a branch for each task."""
    tree = SharingTree.separate(tasks, LEVELS)
    sharing: Sharing = NoSharing()
    if architecture == HARD_SHARING:
        tree = SharingTree.shared(tasks, LEVELS)
    elif architecture != BASELINE:
        sharing = ARCHITECTURES[architecture].sharing(LEVELS)
    return Candidate(tree, BACKBONE, sharing, WEIGHTING, OPTIMIZER).composition()


def train(case: Case) -> list[TrainingResult]:
    """Train a case once per seed."""
    dataset = problem(case.problem)
    composition = model(case.architecture, len(dataset.tasks))
    trainings = []
    for seed in range(SEEDS):
        trainings.append(TrainingJob(seed, composition, Replicate("confirmation", seed), 0))

    data = TrainingData(dataset, 0, torch.device("cpu"))
    engine = Engine(data, SCHEDULE, "forest")
    results = [result for result in engine.train(trainings) if result]
    assert not any(result.failure for result in results)
    return sorted(results, key=lambda result: result.number)


def rows(
    name: str,
    results: dict[str, list[TrainingResult]],
) -> list[list[Any]]:
    """Return for each architecture the scores of each task, and the gain over single-task."""
    tasks = problem(name).tasks
    scales = SkillScales.on_test_rows(problem(name))
    scorer = TestScorer(problem(name), 0)
    baseline = _test_scores(scorer, results[BASELINE])
    table = []
    for architecture, trained in results.items():
        scores = _test_scores(scorer, trained)
        cost = _cost(trained)
        for task in tasks:
            values = [item.scores[task.name] for item in scores]
            identity = [name, architecture, task.name, task.metric.name]
            table.append([*identity, *_cells(interval(values)), *cost])
        if architecture != BASELINE:
            gain = compare(architecture, scores, baseline, scales).gain
            identity = [name, architecture, "all", "mean skill, points"]
            table.append([*identity, *_cells(gain), *cost])
    return table


def _test_scores(scorer: TestScorer, results: Sequence[TrainingResult]) -> list[TestScores]:
    return [scorer.score(result.predictions) for result in results]


def _cells(estimate: Interval) -> list[Any]:
    return [estimate.mean, estimate.low, estimate.high]


def _cost(results: Sequence[TrainingResult]) -> list[Any]:
    longest = [max(result.epochs) for result in results]
    epochs = sum(longest) / len(results)
    first = results[0]
    return [first.parameters, first.macs_per_example, epochs, len(results)]


def main() -> None:
    """Train every architecture on every problem."""
    others = [name for name in (*PROBLEMS, PLANTED) if name != SLOWEST]
    problems = [SLOWEST, *others]
    cases = [Case(*names) for names in product(problems, NAMES)]
    trained = dict(zip(cases, side_by_side(train, cases), strict=True))

    table = []
    for name in problems:
        results = {architecture: trained[Case(name, architecture)] for architecture in NAMES}
        table.extend(rows(name, results))
    publish("side-by-side", COLUMNS, table)


if __name__ == "__main__":
    main()
