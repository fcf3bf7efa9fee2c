"""What ready-made models of scikit-learn reach on the same rows, task by task, so that nobody ships a network they beat."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset, Prepared, fold, prepare
from mtlsearch.inputs.flatten import flattened
from mtlsearch.search.work_queue import CONFIRMATION_REPLICATE
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks.metrics import METRICS, score
from mtlsearch.tasks.task import Task

MOST_ROWS = 20_000  # training rows that a reference is given at most
MOST_SEEDS = 3

Make = Callable[[float, int], Any]  # a setting and a seed to an estimator


REFERENCES: dict[
    str, tuple[Make, Make, Sequence[float]]
] = {  # for a regression, for classes, the settings to choose from
    "linear": (
        lambda alpha, seed: Ridge(alpha=alpha),
        lambda alpha, seed: LogisticRegression(C=1 / alpha, max_iter=1000),
        (0.1, 1.0, 10.0, 100.0),
    ),
    "random_forest": (
        lambda leaf, seed: RandomForestRegressor(
            100, min_samples_leaf=int(leaf), random_state=seed
        ),
        lambda leaf, seed: RandomForestClassifier(
            100, min_samples_leaf=int(leaf), random_state=seed
        ),
        (1, 5),
    ),
    "gradient_boosting": (
        lambda rate, seed: HistGradientBoostingRegressor(learning_rate=rate, random_state=seed),
        lambda rate, seed: HistGradientBoostingClassifier(learning_rate=rate, random_state=seed),
        (0.05, 0.2),
    ),
}


def score_sklearn_baselines(
    dataset: Dataset, seed: int, seeds: int
) -> dict[str, dict[str, list[float]]]:
    """Test scores per reference, task and fold of the confirmation, of which the first MOST_SEEDS are used.

    The setting is chosen on the first fold's validation rows. Not in the result: what scikit-learn refuses.
    """
    with threadpool_limits(
        1
    ):  # their threads wait for each other by spinning: on busy cores that takes minutes
        return _score_references(dataset, seed, seeds)


def _score_references(dataset: Dataset, seed: int, seeds: int) -> dict[str, dict[str, list[float]]]:
    folds = [
        prepare(dataset, fold(dataset, CONFIRMATION_REPLICATE + number, seed))
        for number in range(min(seeds, MOST_SEEDS))
    ]
    found: dict[str, dict[str, list[float]]] = {name: {} for name in REFERENCES}
    for name, (regression, classes, settings) in REFERENCES.items():
        for task in dataset.tasks:
            make = regression if task.kind == "regression" else classes
            try:
                found[name][task.name] = _scores(
                    dataset, task, folds, make, settings, derive_seed(seed, name, task.name) % 2**31
                )
            except ValueError:  # such as one class among a fold's labels
                continue
    return found


def _scores(
    dataset: Dataset,
    task: Task,
    folds: Sequence[Prepared],
    make: Make,
    settings: Sequence[float],
    seed: int,
) -> list[float]:
    sign = METRICS[task.metric].sign
    validation = folds[0].fold.validation[task.source]
    chosen = max(
        settings,
        key=lambda each: sign * _fitted(dataset, task, folds[0], make(each, seed))(validation),
    )
    test = np.flatnonzero(dataset.sources[task.source].splits.role == TEST)
    return [
        _fitted(dataset, task, each, make(chosen, seed + number))(test)
        for number, each in enumerate(folds)
    ]


def _fitted(
    dataset: Dataset, task: Task, prepared: Prepared, estimator: Any
) -> Callable[[Array], float]:
    """The score of the estimator, fitted on the fold's training rows, as a function of rows."""
    rows, y = prepared.fold.train[task.source], dataset.targets[task.name]
    x = flattened(prepared.inputs[task.source], prepared.features[task.source], rows)
    rows = rows[~np.isnan(y[rows])]
    rows = rows[:: max(1, -(-len(rows) // MOST_ROWS))]
    estimator.fit(x[rows], y[rows])

    def found(where: Array) -> float:
        if task.kind == "regression":
            return score(task, y[where], estimator.predict(x[where]))
        columns = np.zeros((len(where), max(2, len(task.classes))))
        columns[:, estimator.classes_.astype(int)] = estimator.predict_proba(x[where])
        return score(task, y[where], columns[:, 1] if task.kind == "binary" else columns)

    return found
