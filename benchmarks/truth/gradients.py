"""Do gradients of one trunk for all tasks tell who should share, so that fewer trainings do?

Fifty's TAG and its successors read from the training of one shared trunk who helps whom. Here it is
the cosine between the gradient of a task on validation rows and that of another on training rows:
on the same rows it is mostly the noise that tasks have in common. Times a weight it is added to the
gains of sharing that the trainings of all arms say (the prior mean of the gains, were it part of
their regression), and the best tree is taken. The weight that a problem has is the one that
recovers most of the gap on all other problems.

As in `gap`, six tasks in groups; the trees are given the same settings and are trained anew. Fewer
trainings are the first ones of every arm.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from benchmarks.truth.experiment import (
    GROUPS,
    SEARCHED,
    Budget,
    fitted,
    grouped,
    grouped_problem,
    picked,
    request,
    searched_study,
    side_by_side,
    space,
    test_scores,
    with_tree,
)
from benchmarks.truth.finding import Finding, ratio_of_sums
from benchmarks.truth.gap import LEVELS, SEPARATE, TASKS, mean_error
from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset
from mtlsearch.evidence.tree_search import best_tree
from mtlsearch.records import Trial
from mtlsearch.search.arms import USUAL
from mtlsearch.structure.tree import SharingTree

BUDGETS = (8, 16, 32)  # trainings of each arm
WEIGHTS = (0.0, 10.0, 20.0, 40.0)  # points of skill for a cosine of one
PROBLEMS = 18
ROWS = 400
SEEDS = 8  # fresh ones
TRUNKS = 4
EPOCHS = 25
BATCH = 64
WIDTH = 32
TRAINED_PART = 0.8
LEARNING_RATE = 3e-3

Trees = Mapping[tuple[int, float], SharingTree]  # by trainings of each arm, and weight


class Compared(NamedTuple):
    """What trees gain over single-task on a problem, as mean errors.

    Attributes:
        possible: The gain of the true groups.
        by_cosines: That of the tree that is best by cosines alone.
        gained: That of the tree of so many trainings of each arm with a weight of the cosines.
    """

    possible: float
    by_cosines: float
    gained: Mapping[tuple[int, float], float]


def cosines(dataset: Dataset, trunks: int = TRUNKS) -> Array:
    """Return the mean cosines [T, T] along the training of some trunks; the diagonal is 0.

    Of a pair it is the mean of both ways round. Inputs and targets must be numbers.
    """
    [source] = dataset.sources.values()
    is_known = source.splits.role != TEST
    inputs = _standardised(source.inputs.to_numpy(float)[is_known])
    labels = [dataset.targets[task.name][is_known] for task in dataset.tasks]
    targets = _standardised(np.column_stack(labels))
    total = np.zeros((len(labels), len(labels)))
    for seed in range(trunks):
        total += _cosines_of_trunk(inputs, targets, seed)
    mean = total / trunks
    symmetric = (mean + mean.T) / 2
    np.fill_diagonal(symmetric, 0.0)
    return symmetric


def _standardised(columns: Array) -> torch.Tensor:
    scaled = (columns - columns.mean(0)) / columns.std(0)
    return torch.tensor(scaled, dtype=torch.float32)


class _Trunk:
    """A trunk with a linear head for each task."""

    def __init__(
        self,
        inputs: torch.Tensor,
        targets: torch.Tensor,
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.body = nn.Sequential(
            nn.Linear(inputs.shape[1], WIDTH),
            nn.ReLU(),
            nn.Linear(WIDTH, WIDTH),
            nn.ReLU(),
        )
        self.head = nn.Linear(WIDTH, targets.shape[1])

    def losses(self, rows: torch.Tensor) -> torch.Tensor:
        """The mean squared error of each task, [T]."""
        hidden = self.body(self.inputs[rows])
        errors = self.head(hidden) - self.targets[rows]
        squares: torch.Tensor = errors**2
        return squares.mean(0)

    def directions(self, rows: torch.Tensor) -> torch.Tensor:
        """The gradient of each task's error by the weights of the body, of length 1, [T, D]."""
        gradients = []
        for loss in self.losses(rows):
            parts = torch.autograd.grad(loss, list(self.body.parameters()), retain_graph=True)
            gradients.append(torch.cat([part.ravel() for part in parts]))
        return nn.functional.normalize(torch.stack(gradients), dim=1)


def _cosines_of_trunk(
    inputs: torch.Tensor,
    targets: torch.Tensor,
    seed: int,
) -> Array:
    """The cosines [T, T] of validation with training gradients, a mean over epochs."""
    torch.manual_seed(seed)
    order = torch.randperm(len(inputs))
    count = int(TRAINED_PART * len(inputs))
    trained, validation = order[:count], order[count:]
    trunk = _Trunk(inputs, targets)
    weights = [*trunk.body.parameters(), *trunk.head.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=LEARNING_RATE)
    total = torch.zeros(targets.shape[1], targets.shape[1])
    for _ in range(EPOCHS):
        shuffled = trained[torch.randperm(count)]
        for first in range(0, count, BATCH):
            optimizer.zero_grad()
            loss = trunk.losses(shuffled[first : first + BATCH]).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        total += trunk.directions(validation) @ trunk.directions(trained).T
    return np.asarray(total / EPOCHS, float)


def with_prior(
    gains: Array,
    cosine: Array,
    weight: float,
) -> Array:
    """Return the gains [L, T, T] of sharing with weighted cosines [T, T], over all levels alike."""
    levels = len(gains)
    return gains + weight * cosine / levels


def trees(
    arms: Mapping[str, Sequence[Trial]],
    dataset: Dataset,
    cosine: Array,
) -> Trees:
    """Return the best trees by the trainings of all arms, for all budgets and weights."""
    best = {}
    for trainings in BUDGETS:
        pool = []
        for trials in arms.values():
            pool += [trial for trial in trials if trial.number < trainings]
        gains = fitted(pool, dataset).sharing()
        for weight in WEIGHTS:
            best[trainings, weight] = best_tree(with_prior(gains, cosine, weight))
    return best


def compare(
    arms: Mapping[str, Sequence[Trial]],
    dataset: Dataset,
) -> Compared:
    """Return what the trees gain that the trainings of all arms and the cosines lead to."""
    cosine = cosines(dataset)
    by_budget = trees(arms, dataset, cosine)
    alone = grouped(SEPARATE, LEVELS)
    truth = grouped(GROUPS, LEVELS)
    nothing = np.zeros((LEVELS, TASKS, TASKS))
    by_cosines = best_tree(with_prior(nothing, cosine, 1.0))
    distinct = list(dict.fromkeys([alone, truth, by_cosines, *by_budget.values()]))
    settings = picked(arms[SEARCHED], dataset)
    models = [with_tree(settings, tree) for tree in distinct]
    tested = test_scores(dataset, space(TASKS, LEVELS), models, SEEDS)
    errors = {}
    for tree, scores in zip(distinct, tested, strict=True):
        errors[tree] = mean_error(scores)
    single_task = errors[alone]
    gained = {}
    for key, tree in by_budget.items():
        gained[key] = single_task - errors[tree]
    return Compared(
        possible=single_task - errors[truth],
        by_cosines=single_task - errors[by_cosines],
        gained=gained,
    )


def _case(seed: int) -> Compared:
    dataset = grouped_problem(seed, ROWS)
    asked = request(dataset, space(TASKS, LEVELS), Budget(max(BUDGETS)), USUAL, seed)
    with tempfile.TemporaryDirectory(prefix="mtl-") as folder:
        study = searched_study(Path(folder), dataset, space(TASKS, LEVELS), asked)
        arms = {arm: study.trials(arm) for arm in USUAL}
    return compare(arms, dataset)


def findings() -> list[Finding]:
    """Return the shares of the gap that are recovered with and without the cosines."""
    return summarise(side_by_side(_case, range(PROBLEMS)))


def summarise(compared: Sequence[Compared]) -> list[Finding]:
    """Return the same of problems that were compared; a weight needs two of them."""
    possible = np.array([problem.possible for problem in compared])
    by_cosines = np.array([problem.by_cosines for problem in compared])
    rows: dict[tuple[int, str], Array] = {(0, "cosines alone"): by_cosines}
    for trainings in BUDGETS:
        without = np.array([problem.gained[trainings, 0.0] for problem in compared])
        added = _with_chosen_weights(compared, trainings)
        rows[trainings, "trainings alone"] = without
        rows[trainings, "trainings and cosines"] = added
        rows[trainings, "what the cosines add"] = added - without
    table = []
    for (trainings, what), gained in rows.items():
        share = ratio_of_sums(gained, possible)
        finding = Finding("gradients", trainings, what, share, len(compared), ROWS)
        table.append(finding)
    return table


def _with_chosen_weights(compared: Sequence[Compared], trainings: int) -> Array:
    """The gains of all problems, of each with the weight that is best on the others."""
    gained = np.array(
        [[problem.gained[trainings, weight] for weight in WEIGHTS] for problem in compared]
    )
    others = gained.sum(axis=0) - gained
    best = others.argmax(axis=1)
    return np.asarray(gained[np.arange(len(compared)), best])
