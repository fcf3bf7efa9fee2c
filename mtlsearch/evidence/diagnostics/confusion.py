"""Which class is taken for which: the confusion matrix."""

from dataclasses import dataclass

import numpy as np

from mtlsearch.evidence.diagnostics.predicted_rows import PredictedRows

MOST_CLASSES = 12  # of which a matrix is still read; the rarer ones are counted together
OTHERS = "others"


@dataclass(frozen=True)
class Confusion:
    """How many rows of each class were taken for which.

    Attributes:
        classes: The classes in their order; of many the most frequent, then OTHERS.
        counts: Of each class by row, how many rows were predicted to be of each class by column.
        merged: How many classes OTHERS stands for.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    merged: int


def confusion(predicted: PredictedRows) -> Confusion | None:
    """Return the confusion matrix of a task that has one class a row; None for any other.

    The most probable class is the predicted one; of two classes the second from a probability of
    one half on.
    """
    task = predicted.task
    if not task.kind.is_classification or task.kind.labels_per_class:
        return None
    probabilities = predicted.predictions
    if probabilities.ndim == 1:
        guesses = (probabilities >= 0.5).astype(int)
    else:
        guesses = probabilities.argmax(axis=1)
    size = len(task.classes)
    counts = np.zeros((size, size), int)
    np.add.at(counts, (predicted.labels.astype(int), guesses), 1)
    if size <= MOST_CLASSES:
        return Confusion(task.classes, _tuples(counts), 0)
    return _merged(task.classes, counts)


def _merged(classes: tuple[str, ...], counts: np.ndarray) -> Confusion:
    """The matrix of the most frequent classes, the others as one."""
    kept = MOST_CLASSES - 1
    frequent = np.argsort(-counts.sum(axis=1), kind="stable")[:kept]
    place = np.full(len(classes), kept)
    place[np.sort(frequent)] = np.arange(kept)
    merged = np.zeros((MOST_CLASSES, MOST_CLASSES), int)
    np.add.at(merged, (place[:, None], place[None, :]), counts)
    names = [classes[number] for number in np.sort(frequent)]
    return Confusion((*names, OTHERS), _tuples(merged), len(classes) - kept)


def _tuples(counts: np.ndarray) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in counts.tolist())
