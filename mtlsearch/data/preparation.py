"""Making a dataset ready for one fold and undoing it for predictions. Everything is fitted on the fold's training rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, softmax
from scipy.stats import entropy
from sklearn.preprocessing import StandardScaler

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, Dataset, Fold, Prepared
from mtlsearch.inputs.array_encoding import WholeInput, fit_whole
from mtlsearch.inputs.column_encoding import EncodedColumn, fit_columns
from mtlsearch.inputs.schema import Features
from mtlsearch.tasks.task import Kind, Task

SMALLEST_BASELINE_LOSS = 1e-3


@dataclass(frozen=True)
class Preparation:
    """The fitted preparation of a dataset: input columns per table, `whole` other sources, `center` and `scale` per task.

    The layout is the same for every fold of a dataset; only the fitted numbers differ.
    """

    columns: dict[str, tuple[EncodedColumn, ...]]
    whole: dict[str, WholeInput]
    tasks: tuple[Task, ...]
    center: dict[str, float]
    scale: dict[str, float]

    @classmethod
    def fit(cls, dataset: Dataset, fold: Fold) -> Self:
        """Return the preparation fitted on the training rows of `fold`; test rows are not read."""
        sources = {
            name: (source, np.flatnonzero(source.splits.role != TEST))
            for name, source in dataset.sources.items()
        }
        columns = {
            name: fit_columns(source.inputs, known, fold.train[name])
            for name, (source, known) in sources.items()
            if source.kind == "table"
        }
        whole = {
            n: fit_whole(source, known, fold.train[n])
            for n, (source, known) in sources.items()
            if source.kind != "table"
        }
        spans = {
            task.name: _center_and_scale(task, _labels(dataset, fold, task))
            for task in dataset.tasks
        }
        center = {name: span[0] for name, span in spans.items()}
        return cls(
            columns, whole, dataset.tasks, center, {name: span[1] for name, span in spans.items()}
        )

    def features(self, source: str) -> Features:
        """Return what the network inputs of `source` are; of a table their number F."""
        return (
            self.whole[source].features
            if source in self.whole
            else sum(column.width for column in self.columns[source])
        )

    def encode(self, source: str, inputs: pd.DataFrame) -> Array:
        """Return the network inputs, float32 [N, F] of a table, of `inputs[N, columns]` with the columns of `Source.inputs`."""
        if source in self.whole:
            return self.whole[source].encode(inputs)
        parts = [column.encode(inputs[column.name].to_numpy()) for column in self.columns[source]]
        return np.concatenate(parts, axis=1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers, booleans and text from which a program reproduces inputs and predictions exactly.

        `sources[name]` lists the columns in the order in which their network inputs are concatenated; compute in float64
        and cast the result to float32. Booleans are 0/1; empty fields, infinite numbers and those of 1e30 and more in magnitude
        are missing.

        - `{name, type: "numeric", median, mean, scale, constant, indicator, indicator_seen}`: one input, 0 if `constant`,
          else `((median if missing else x) - mean) / scale`; then, if `indicator`, one more: 1 if missing and
          `indicator_seen`, else 0.
        - `{name, type: "categorical", categories, seen}`: one input per category: 1 if it equals the value and is `seen`.

        What is no table has one record, with the `names` of its arrays or columns and the name of its `lengths` or null:

        - `{type: "images" or "sequences", shape, mean, scale}`: see `ImageColumn` and `SequenceColumn`.
        - `{type: "tokens", ids, seen}`: see `TokenColumns`.

        `targets[task]` is `{source, target, kind, classes, center, scale}`: a regression is `output * scale + center`.
        """
        sources = {
            name: [column.to_json() for column in columns] for name, columns in self.columns.items()
        }
        sources |= {name: [each.to_json()] for name, each in self.whole.items()}
        return {
            "sources": sources,
            "targets": {task.name: self._target(task) for task in self.tasks},
        }

    def _target(self, task: Task) -> dict[str, Any]:
        kept = {
            "source": task.source,
            "target": task.target,
            "kind": task.kind,
            "classes": list(task.classes),
        }
        return kept | {"center": self.center[task.name], "scale": self.scale[task.name]}


def prepare(dataset: Dataset, fold: Fold) -> Prepared:
    """Return `dataset` ready for training on `fold`; see `Preparation` for how to keep and export the fitted numbers."""
    fitted = Preparation.fit(dataset, fold)
    inputs = {name: fitted.encode(name, source.inputs) for name, source in dataset.sources.items()}
    features = {name: fitted.features(name) for name in inputs}
    targets = {
        name: ((values - fitted.center[name]) / fitted.scale[name]).astype(np.float32)
        for name, values in dataset.targets.items()
    }
    losses = {
        task.name: _baseline_loss(task, _labels(dataset, fold, task)) for task in dataset.tasks
    }
    return Prepared(inputs, targets, fitted.center, fitted.scale, losses, fold, features)


def restore(task: Task, raw_logits: Array, prepared: Prepared | Preparation) -> Array:
    """Return the prediction of `raw_logits[N, outputs]` (or [N] for one output) in the user's units, float64.

    Regression: values [N]; binary: probability of class 1 [N]; multiclass: class probabilities [N, C].
    """
    logits = np.asarray(raw_logits, np.float64).reshape(-1, task.outputs)
    return _RESTORE[task.kind](logits, prepared.center[task.name], prepared.scale[task.name])


def _values(logits: Array, center: float, scale: float) -> Array:
    return logits[:, 0] * scale + center


def _probability(logits: Array, center: float, scale: float) -> Array:
    return np.asarray(expit(logits[:, 0]))


def _probabilities(logits: Array, center: float, scale: float) -> Array:
    return np.asarray(softmax(logits, axis=1))


_RESTORE: dict[Kind, Callable[[Array, float, float], Array]] = {
    "regression": _values,
    "binary": _probability,
    "multiclass": _probabilities,
}


def _labels(dataset: Dataset, fold: Fold, task: Task) -> Array:
    values: Array = dataset.targets[task.name][fold.train[task.source]]
    return np.asarray(values[~np.isnan(values)])


def _center_and_scale(task: Task, labels: Array) -> tuple[float, float]:
    if task.kind != "regression":
        return 0.0, 1.0
    scaler = StandardScaler().fit(labels[:, None])
    return float(scaler.mean_[0]), float(scaler.scale_[0])


def _baseline_loss(task: Task, labels: Array) -> float:
    """Return the loss of the best constant: the variance of a standardised target, or the entropy of the classes (nats)."""
    if task.kind == "regression":
        return 1.0
    return max(float(entropy(np.bincount(labels.astype(int)))), SMALLEST_BASELINE_LOSS)
