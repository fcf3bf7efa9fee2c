"""How far predicted numbers are from the true ones."""

from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.evidence.diagnostics.predicted_rows import PredictedRows
from mtlsearch.seeding import derive_seed

MOST_POINTS = 300  # of a scatter plot; of more rows a sample is drawn
MOST_BINS = 24
FEWEST_BINS = 6
DIGITS = 5  # of a number that is only drawn
CENTRAL = (0.5, 99.5)  # percentiles that the bins of a histogram span; what is beyond is at its end


@dataclass(frozen=True)
class Deviations:
    """Predicted numbers beside the true ones.

    Attributes:
        points: True and predicted numbers, of many rows those of a sample.
        rows: How many rows there are.
        edges: The edges of bins of the residuals, predicted minus true; one more than `counts`.
        counts: How many rows are in each; the first and the last hold all that is beyond.
        mean: The mean residual.
        median_size: The median of the residuals without their sign.
    """

    points: tuple[tuple[float, float], ...]
    rows: int
    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float
    median_size: float


def deviations(predicted: PredictedRows) -> Deviations | None:
    """Return how far predictions are from numbers; None for a task of classes, or no row."""
    if predicted.task.kind.is_classification or not predicted.count:
        return None
    truth = predicted.labels
    guesses = predicted.predictions
    residuals = guesses - truth
    edges, counts = _histogram(residuals)
    rows = _sample(len(truth))
    return Deviations(
        points=tuple(zip(_rounded(truth[rows]), _rounded(guesses[rows]), strict=True)),
        rows=len(truth),
        edges=tuple(_rounded(edges)),
        counts=tuple(counts.tolist()),
        mean=float(residuals.mean()),
        median_size=float(np.median(np.abs(residuals))),
    )


def _histogram(residuals: Array) -> tuple[Array, Array]:
    low, high = np.percentile(residuals, CENTRAL)
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins = int(np.clip(np.sqrt(len(residuals)), FEWEST_BINS, MOST_BINS))
    counts, edges = np.histogram(residuals.clip(low, high), bins, (low, high))
    return edges, counts


def _sample(count: int) -> Array:
    """The places of the rows that are drawn, ascending; the same for as many rows."""
    if count <= MOST_POINTS:
        return np.arange(count)
    draw = np.random.default_rng(derive_seed(0, "scatter", count))
    return np.sort(draw.choice(count, MOST_POINTS, replace=False))


def _rounded(values: Array) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]
