"""The test rows that a model errs on most."""

from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.evidence.diagnostics.predicted_rows import PredictedRows
from mtlsearch.tasks import Task

MOST_ROWS = 8
LARGE = 1e5  # numbers from here on are spelled without decimals
MOST_NAMES = 4  # of a set of labels


@dataclass(frozen=True)
class WorstRow:
    """A row and how the model errs on it.

    Attributes:
        row: Its number in the table of the source, from 0.
        truth: The label, in words.
        prediction: What was predicted, in words.
        error: The distance of a number; of a class how improbable it was held to be; of a set the
            mean of that over its labels.
    """

    row: int
    truth: str
    prediction: str
    error: float


def worst_rows(predicted: PredictedRows) -> list[WorstRow]:
    """Return the rows with the largest errors, the worst first; of equal ones the earlier."""
    errors = _errors(predicted)
    worst = np.argsort(-errors, kind="stable")[:MOST_ROWS]
    rows = []
    for place in worst:
        truth, prediction = _words(
            predicted.task,
            predicted.labels[place],
            predicted.predictions[place],
        )
        rows.append(WorstRow(int(predicted.rows[place]), truth, prediction, float(errors[place])))
    return rows


def _errors(predicted: PredictedRows) -> Array:
    """The error of each row [N], without a sign."""
    kind = predicted.task.kind
    if kind.labels_per_class:
        sizes: Array = np.nanmean(np.abs(predicted.labels - predicted.predictions), axis=1)
        return sizes
    if not kind.is_classification or predicted.predictions.ndim == 1:
        distances: Array = np.abs(predicted.labels - predicted.predictions)
        return distances
    codes = predicted.labels.astype(int)
    improbability: Array = 1.0 - predicted.predictions[np.arange(len(codes)), codes]
    return improbability


def _words(task: Task, label: Array, prediction: Array) -> tuple[str, str]:
    """The label and the prediction of a row, in words."""
    if task.kind.labels_per_class:
        likely = np.argsort(-prediction, kind="stable")[:MOST_NAMES]
        shares = [f"{task.classes[place]} {prediction[place]:.0%}" for place in likely]
        return _present(task, label), ", ".join(shares)
    if not task.kind.is_classification:
        return _number(float(label)), _number(float(prediction))
    if prediction.ndim == 0:
        place = int(prediction >= 0.5)
        share = prediction if place else 1.0 - prediction
    else:
        place = int(prediction.argmax())
        share = prediction[place]
    return task.classes[int(label)], f"{task.classes[place]} {share:.0%}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.5g}"


def _present(task: Task, labels: Array) -> str:
    """The labels of a set that a row has."""
    names = [task.classes[place] for place in np.flatnonzero(labels == 1)]
    if not names:
        return "none"
    more = f", {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(names[:MOST_NAMES]) + more
