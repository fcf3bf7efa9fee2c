"""How well one class is told from another: ROC, precision and recall, calibration."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_curve, roc_curve

from mtlsearch.arrays import Array
from mtlsearch.evidence.diagnostics.predicted_rows import PredictedRows

MOST_POINTS = 60  # of a curve; those between are left out
MOST_LABELS = 12  # of a set that have curves of their own
MOST_BINS = 8
FEWEST_ROWS = 10  # of a bin

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class CalibrationBin:
    """Rows of similar predicted probability.

    Attributes:
        predicted: The mean of the probabilities.
        observed: The share of the rows that are of the class.
        low: The lower end of its 95% interval (Wilson 1927).
        high: The upper end.
        rows: The number of rows.
    """

    predicted: float
    observed: float
    low: float
    high: float
    rows: int


@dataclass(frozen=True)
class Detection:
    """How well a class is detected.

    Attributes:
        name: The class, or the label of a set.
        positives: How many rows are of it.
        rows: How many rows are of either.
        roc: The share of the others that are taken for it, and the share of its own that are.
        precision_recall: The share of its own that are found, and the share that is right.
        calibration: Bins of about as many rows each, by their probability.
    """

    name: str
    positives: int
    rows: int
    roc: Points
    precision_recall: Points
    calibration: tuple[CalibrationBin, ...]


def detections(predicted: PredictedRows) -> list[Detection]:
    """Return how each class is detected that has a probability of its own.

    That is the second of two classes, or each label of a set, of many the MOST_LABELS most frequent
    ones. A class is left out that no row, or every row, is of.
    """
    task = predicted.task
    columns = task.label_columns(predicted.labels)
    probabilities = predicted.predictions
    if not task.kind.labels_per_class:
        if not task.kind.is_classification or probabilities.ndim > 1:
            return []
        probabilities = probabilities[:, None]
    order = sorted(range(len(columns)), key=lambda place: -np.nansum(columns[place].labels))
    detections = []
    for place in sorted(order[:MOST_LABELS]):
        column = columns[place]
        known = ~np.isnan(column.labels)
        truth = column.labels[known].astype(int)
        if len(set(truth.tolist())) == 2:
            detections.append(_detection(column.classes[1], truth, probabilities[known, place]))
    return detections


def _detection(name: str, truth: Array, probability: Array) -> Detection:
    false_rate, true_rate, _ = roc_curve(truth, probability)
    precision, recall, _ = precision_recall_curve(truth, probability)
    return Detection(
        name=name,
        positives=int(truth.sum()),
        rows=len(truth),
        roc=thinned(false_rate, true_rate),
        precision_recall=thinned(recall[::-1], precision[::-1]),
        calibration=_calibration(truth, probability),
    )


def _calibration(truth: Array, probability: Array) -> tuple[CalibrationBin, ...]:
    order = np.argsort(probability, kind="stable")
    count = max(1, min(MOST_BINS, len(truth) // FEWEST_ROWS))
    bins = []
    for rows in np.array_split(order, count):
        of_class = int(truth[rows].sum())
        ends = binomtest(of_class, len(rows)).proportion_ci(method="wilson")
        bins.append(
            CalibrationBin(
                predicted=float(probability[rows].mean()),
                observed=of_class / len(rows),
                low=float(ends.low),
                high=float(ends.high),
                rows=len(rows),
            )
        )
    return tuple(bins)


def thinned(x: Array, y: Array, most: int = MOST_POINTS) -> Points:
    """Return the points of a curve, of many some at even distances along it, with both ends."""
    kept = np.arange(len(x))
    if len(x) > most:
        kept = np.unique(np.linspace(0, len(x) - 1, most).round().astype(int))
    return tuple(zip(_rounded(x[kept]), _rounded(y[kept]), strict=True))


def _rounded(values: Array) -> list[float]:
    """Four decimals are more than a screen shows."""
    return [round(float(value), 4) for value in values]
