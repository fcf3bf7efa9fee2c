"""What ready-made models of scikit-learn reach on the same rows, task by task.

So nobody ships a network that they beat.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, TargetEncoder
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array
from mtlsearch.data import TEST, Dataset, Prepared, fold, prepare
from mtlsearch.records import Replicate
from mtlsearch.seeding import derive_seed
from mtlsearch.tasks import Task, has_label

MOST_ROWS = 20_000  # training rows that a baseline is given at most
MOST_SEEDS = 3
TREES = 100
SMALLEST_SPREAD = 1e-3  # of labels; trees take a variance below 2e-16 for none, in whatever unit
FEWEST_CLASSES = 2  # that scikit-learn fits a classifier to

# Above so many rows gradient boosting sets some aside, of each class some: each must have two.
BOOSTING_STRATIFIES_ABOVE = 10_000

Make = Callable[[float, int], Any]  # an estimator for a setting and a seed
Scores = dict[str, dict[str, list[float]]]  # by baseline and task, one per fold


@dataclass(frozen=True)
class FlatColumns:
    """How many columns of a flat table are numbers, codes of categories and shares of words."""

    numbers: int
    categories: int
    words: int

    @property
    def category_slice(self) -> slice:
        """Where the codes of categories are."""
        return slice(self.numbers, self.numbers + self.categories)

    @property
    def word_slice(self) -> slice:
        """Where the shares of words are."""
        first = self.numbers + self.categories
        return slice(first, first + self.words)


def _one_hot(seed: int) -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="ignore")


def _mean_target(seed: int) -> TargetEncoder:
    """Encode a category by the mean of its labels, cross-fitted (Micci-Barreca 2001)."""
    return TargetEncoder(cv=KFold(shuffle=True, random_state=seed))


@dataclass(frozen=True)
class SklearnBaseline:
    """A kind of model.

    Attributes:
        regressor: Makes one for numbers.
        classifier: Makes one for classes.
        settings: What the one setting that is tuned may be.
        categories: Makes what turns columns of category codes into numbers.
        words: What turns shares of words into numbers; by default they are left as they are.
        stratifies_above: The number of training rows above which a classifier needs two of each
            class; None: never.
    """

    regressor: Make
    classifier: Make
    settings: tuple[float, ...]
    categories: Callable[[int], Any]
    words: Any = "passthrough"
    stratifies_above: int | None = None

    def make(self, task: Task, setting: float, seed: int, columns: "FlatColumns") -> Any:
        """A model for a task that is not yet fitted, and takes inputs of these columns."""
        make = self.classifier if task.kind.is_classification else self.regressor
        model = task.kind.estimator_for(make(setting, seed))
        encoders = []
        if columns.categories:
            encoders.append(("categories", self.categories(seed), columns.category_slice))
        if columns.words:
            encoders.append(("words", self.words, columns.word_slice))
        if encoders:
            model = make_pipeline(ColumnTransformer(encoders, remainder="passthrough"), model)
        return task.kind.estimator_of_targets(model)

    def accepts(self, task: Task, labels: Array) -> bool:
        """Whether scikit-learn fits this model to these labels of training rows."""
        if not task.kind.is_classification:
            return task.kind.can_be_fitted(labels)
        told_apart = []
        for column in task.label_columns(labels):
            _, counts = np.unique(column.known, return_counts=True)
            if len(counts) >= FEWEST_CLASSES:
                told_apart.append(counts)
        return bool(told_apart) and all(map(self._stratifies, told_apart))

    def _stratifies(self, counts: Array) -> bool:
        """Whether scikit-learn can set rows aside where classes have so many rows [C]."""
        most = self.stratifies_above
        if most is None or counts.sum() <= most:
            return True
        return bool(counts.min() > 1)


SKLEARN_BASELINES: dict[str, SklearnBaseline] = {
    "linear": SklearnBaseline(
        regressor=lambda alpha, seed: Ridge(alpha=alpha),
        classifier=lambda alpha, seed: LogisticRegression(C=1 / alpha, max_iter=1000),
        settings=(0.1, 1.0, 10.0, 100.0),
        categories=_one_hot,
        words=TfidfTransformer(),
    ),
    "random_forest": SklearnBaseline(
        regressor=lambda leaf, seed: RandomForestRegressor(
            TREES, min_samples_leaf=int(leaf), random_state=seed
        ),
        classifier=lambda leaf, seed: RandomForestClassifier(
            TREES, min_samples_leaf=int(leaf), random_state=seed
        ),
        settings=(1, 5),
        categories=_mean_target,
    ),
    "gradient_boosting": SklearnBaseline(
        regressor=lambda rate, seed: HistGradientBoostingRegressor(
            learning_rate=rate, random_state=seed
        ),
        classifier=lambda rate, seed: HistGradientBoostingClassifier(
            learning_rate=rate, random_state=seed
        ),
        settings=(0.05, 0.2),
        categories=_mean_target,
        stratifies_above=BOOSTING_STRATIFIES_ABOVE,
    ),
}


@dataclass(frozen=True)
class _TaskRows:
    """The rows of one task on one fold of the confirmation.

    Attributes:
        task: The task.
        inputs: The flat inputs of all rows of its source, [N, F].
        columns: What the columns of the inputs are.
        labels: The labels of all rows, [N] or [N, C].
        train: The numbers of the labelled training rows, thinned out to MOST_ROWS.
        validation: The numbers of the validation rows.
        test: The numbers of the test rows.
    """

    task: Task
    inputs: Array
    columns: FlatColumns
    labels: Array
    train: Array
    validation: Array
    test: Array

    @classmethod
    def of(cls, dataset: Dataset, task: Task, prepared: Prepared) -> "_TaskRows":
        source = task.source
        labels = dataset.targets[task.name]
        train = prepared.fold.train[source]
        schema = prepared.schemas[source]
        encoded = prepared.inputs[source]
        numbers = schema.flatten(encoded, train)
        codes = schema.category_codes(encoded)
        shares = schema.word_shares(encoded, train)
        labelled = train[has_label(labels[train])]
        step = max(1, math.ceil(len(labelled) / MOST_ROWS))
        role = dataset.sources[source].splits.role
        return cls(
            task=task,
            inputs=np.concatenate([numbers, codes, shares], axis=1),
            columns=FlatColumns(numbers.shape[1], codes.shape[1], shares.shape[1]),
            labels=labels,
            train=labelled[::step],
            validation=prepared.fold.validation[source],
            test=np.flatnonzero(role == TEST),
        )

    @property
    def train_labels(self) -> Array:
        """The labels of the training rows."""
        labels: Array = self.labels[self.train]
        return labels

    def fit(self, estimator: Any) -> Any:
        """The estimator, fitted on the training rows."""
        labels = self.train_labels
        if not self.task.kind.is_classification and 0 < labels.std() < SMALLEST_SPREAD:
            estimator = _in_larger_unit(estimator, labels)
        return estimator.fit(self.inputs[self.train], labels)

    def score(self, estimator: Any, rows: Array) -> float:
        """The task's metric of a fitted estimator on some rows."""
        task = self.task
        prediction = task.kind.estimator_prediction(
            estimator,
            self.inputs[rows],
            task.classes,
        )
        return task.metric.score(self.labels[rows], prediction)


def _in_larger_unit(regressor: Any, labels: Array) -> TransformedTargetRegressor:
    """The regressor, fitted on labels [N] times a power of two: an exact change of their unit."""
    exponent = math.ceil(-math.log2(labels.std()))
    return TransformedTargetRegressor(
        regressor,
        func=partial(np.multiply, 2.0**exponent),
        inverse_func=partial(np.multiply, 2.0**-exponent),
        check_inverse=False,
    )


def score_sklearn_baselines(dataset: Dataset, seed: int, seeds: int) -> Scores:
    """Train every baseline for every task on the first folds of the confirmation.

    Its setting is chosen on the first fold's validation rows.

    Args:
        dataset: What is trained on.
        seed: The seed of the study.
        seeds: The number of folds of the confirmation, of which the first MOST_SEEDS are used.

    Returns:
        By baseline and task the test score on each fold. A task is left out where scikit-learn
        fits no such model, and where a score is undefined.
    """
    prepared_folds = []
    for index in range(min(seeds, MOST_SEEDS)):
        replicate = Replicate("confirmation", index)
        rows = fold(dataset, replicate.number, seed)
        prepared_folds.append(prepare(dataset, rows))
    scores: Scores = {name: {} for name in SKLEARN_BASELINES}
    # several threads wait for each other by spinning: on busy cores that takes minutes
    with threadpool_limits(1):
        for task in dataset.tasks:
            folds = [_TaskRows.of(dataset, task, prepared) for prepared in prepared_folds]
            for name, baseline in SKLEARN_BASELINES.items():
                model_seed = derive_seed(seed, name, task.name) % 2**31
                values = _test_scores(baseline, folds, model_seed)
                if values is not None:
                    scores[name][task.name] = values
    return scores


def _test_scores(
    baseline: SklearnBaseline,
    folds: Sequence[_TaskRows],
    seed: int,
) -> list[float] | None:
    """The test score on each fold, with the best setting on the first one's validation rows.

    None where scikit-learn fits no such model, or a score is undefined.
    """
    first = folds[0]
    task = first.task
    for rows in folds:
        if not baseline.accepts(task, rows.train_labels):
            return None

    def validation_score(setting: float) -> float:
        estimator = first.fit(baseline.make(task, setting, seed, first.columns))
        return task.metric.sign * first.score(estimator, first.validation)

    setting = max(baseline.settings, key=validation_score)
    scores = []
    for number, rows in enumerate(folds):
        estimator = rows.fit(baseline.make(task, setting, seed + number, rows.columns))
        score = rows.score(estimator, rows.test)
        if not math.isfinite(score):
            return None
        scores.append(score)
    return scores
