"""Cheap stand-ins for studies: tables of four tasks, and two procedures that search and predict.

The tasks are two regressions, scored by R2, and two of two classes, scored by the area under the
curve above one half, in points of skill. A procedure chooses the settings of ridge regressions on
a random hidden layer by validation, and predicts with an ensemble of seeds, each with a hidden
layer and a part of the rows of its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats

from mtlsearch.arrays import Array

SEEDS = 5
INPUTS = 30
HIDDEN = 16
LAYER_SCALE = 2.0
TASKS = 4
REGRESSIONS = 2  # the first of the tasks
SIGNAL = 1.6
NOISE = 1.5
OWN_RIDGES = (1.0, 10.0, 100.0, 1000.0)
MEAN_RIDGES = (3.0, 30.0, 300.0)


class Table(NamedTuple):
    """Inputs [N, INPUTS] and targets [N, TASKS] of rows."""

    inputs: Array
    targets: Array

    def part(self, rows: Array) -> "Table":
        """Some of its rows."""
        return Table(self.inputs[rows], self.targets[rows])


class Settings(NamedTuple):
    """The ridge of a task's own weights, and that of the mean of the tasks; None: no mean."""

    own: float
    mean: float | None


def separate() -> list[Settings]:
    """The settings of a procedure that fits each task by itself."""
    return [Settings(own, None) for own in OWN_RIDGES]


def together() -> list[Settings]:
    """The settings of one that draws the tasks' weights towards their mean."""
    settings = []
    for own in OWN_RIDGES:
        for mean in MEAN_RIDGES:
            settings.append(Settings(own, mean))
    return settings


def random_layer(draw: np.random.Generator) -> Array:
    """Draw a hidden layer [INPUTS, HIDDEN]."""
    layer = draw.normal(size=(INPUTS, HIDDEN))
    scale = LAYER_SCALE / math.sqrt(INPUTS)
    return np.asarray(scale * layer)


@dataclass(frozen=True)
class Teacher:
    """What targets are made of: a layer [INPUTS, HIDDEN] and weights [HIDDEN, TASKS]."""

    layer: Array
    weights: Array

    @classmethod
    def draw(cls, relatedness: float) -> "Teacher":
        """The teacher of tasks that have this share of the variance of their weights in common."""
        draw = np.random.default_rng(7)
        layer = random_layer(draw)
        common = draw.normal(size=(HIDDEN, 1))
        own = draw.normal(size=(HIDDEN, TASKS))

        common *= math.sqrt(relatedness)
        own *= math.sqrt(1 - relatedness)
        weights = common + own
        lengths = np.linalg.norm(weights, axis=0)
        weights *= SIGNAL / lengths
        return cls(layer, weights)

    def table(
        self,
        draw: np.random.Generator,
        rows: int,
    ) -> Table:
        """Draw so many rows."""
        inputs = draw.normal(size=(rows, INPUTS))
        hidden = np.tanh(inputs @ self.layer)
        signal = hidden @ self.weights
        noise = draw.normal(size=(rows, TASKS))
        targets = signal + NOISE * noise

        classes = targets[:, REGRESSIONS:]
        is_positive = classes > 0
        classes[:] = np.where(is_positive, 1.0, -1.0)
        return Table(inputs, targets)


class Fit(NamedTuple):
    """What ridge regressions on one hidden layer read of their training rows."""

    gram: Array
    moments: Array
    centre: Array
    layer: Array

    @classmethod
    def of(
        cls,
        table: Table,
        layer: Array,
    ) -> "Fit":
        """Read the rows of a table."""
        features = _features(table.inputs, layer)
        transposed = features.T
        centre = table.targets.mean(0)
        centred = table.targets - centre
        return cls(
            gram=transposed @ features,
            moments=transposed @ centred,
            centre=centre,
            layer=layer,
        )

    def predict(
        self,
        inputs: Array,
        settings: Settings,
    ) -> Array:
        """Predictions [N, TASKS] with these settings."""
        weights = self._weights(settings)
        features = _features(inputs, self.layer)
        centred = features @ weights
        return np.asarray(centred + self.centre)

    def _weights(self, settings: Settings) -> Array:
        """The weights [F, TASKS]: those of the mean of the tasks, and what is left to each."""
        if settings.mean is None:
            return self._solve(self.moments, settings.own)
        moments = self.moments.mean(1, keepdims=True)
        mean = self._solve(moments, settings.mean)
        rest = self.moments - self.gram @ mean
        own = self._solve(rest, settings.own)
        return np.asarray(mean + own)

    def _solve(
        self,
        moments: Array,
        ridge: float,
    ) -> Array:
        features = len(self.gram)
        penalty = ridge * np.eye(features)
        regular = self.gram + penalty
        return np.linalg.solve(regular, moments)


def _features(inputs: Array, layer: Array) -> Array:
    hidden = np.tanh(inputs @ layer)
    return np.hstack([inputs, hidden])


@dataclass(frozen=True)
class Procedure:
    """The chosen settings with the fits of all seeds."""

    fits: Sequence[Fit]
    settings: Settings

    def predictions(self, inputs: Array) -> list[Array]:
        """The predictions [N, TASKS] of each seed."""
        return [fit.predict(inputs, self.settings) for fit in self.fits]


def search(
    table: Table,
    known: Sequence[Settings],
    draw: np.random.Generator,
) -> Procedure:
    """Choose settings by validation, and fit fresh seeds with them."""
    scores = dict.fromkeys(known, 0.0)
    for _ in range(SEEDS):
        fit, validation = _fit_part(table, draw)
        for settings in known:
            predicted = fit.predict(validation.inputs, settings)
            scores[settings] += skill(predicted, validation.targets)
    best = max(known, key=scores.__getitem__)
    fits = []
    for _ in range(SEEDS):
        fit, _ = _fit_part(table, draw)
        fits.append(fit)
    return Procedure(fits, best)


def _fit_part(table: Table, draw: np.random.Generator) -> tuple[Fit, Table]:
    """A fit to four fifths of the rows with a new hidden layer, and the other rows."""
    rows = len(table.inputs)
    order = draw.permutation(rows)
    cut = rows // SEEDS
    layer = random_layer(draw)
    validation = table.part(order[:cut])
    train = table.part(order[cut:])
    fit = Fit.of(train, layer)
    return fit, validation


def skill(predictions: Array, targets: Array) -> float:
    """Mean skill in points of predictions [N, TASKS] of targets [N, TASKS]."""
    rows = np.arange(len(targets))
    samples = rows[None]
    [score] = resampled_skill(predictions, targets, samples)
    return float(score)


def resampled_skill(
    predictions: Array,
    targets: Array,
    samples: Array,
) -> Array:
    """Mean skill in points on each sample of the rows [M, N]; NaN where a class is absent."""
    total = np.zeros(len(samples))
    for task in range(TASKS):
        predicted = predictions[:, task]
        truth = targets[:, task]
        score = _area
        if task < REGRESSIONS:
            score = _r2
        total += score(predicted[samples], truth[samples])
    return 100 * total / TASKS


def _r2(predicted: Array, truth: Array) -> Array:
    means = truth.mean(1, keepdims=True)
    deviations = truth - means
    errors = truth - predicted
    squares = (deviations**2).sum(1)
    left = (errors**2).sum(1)
    return np.asarray(1 - left / squares)


def _area(predicted: Array, truth: Array) -> Array:
    """The area under the curve, from ranks; 0 for chance and 1 for a perfect order."""
    is_positive = truth > 0
    positives = is_positive.sum(1)
    negatives = truth.shape[1] - positives
    ranks = stats.rankdata(predicted, axis=1)
    ranks *= is_positive
    total = ranks.sum(1)
    lowest = positives * (positives + 1) / 2
    above = total - lowest
    with np.errstate(invalid="ignore"):
        share = above / (positives * negatives)
    return np.asarray(2 * share - 1)
