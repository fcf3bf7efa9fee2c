"""What the kinds of task whose labels are class codes have in common."""

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
from scipy.stats import entropy

from mtlsearch.arrays import Array
from mtlsearch.tasks.contract import Estimator

RARE = 0.1
"""The share of the labels below which those of a class are rare: then ROC AUC says too little."""


class Classifier(Estimator, Protocol):
    """A fitted classifier of scikit-learn, whose classes are codes."""

    classes_: Array

    def predict_proba(self, x: Array) -> Array:
        """Return the probabilities [N, len(classes_)] for inputs [N, F]."""
        ...


def class_shares(labels: Array, classes: int) -> Array:
    """Return the share [C] of each class among the codes [N]: the best constant prediction."""
    codes = labels.astype(int)
    counts = np.bincount(codes, minlength=classes)
    return np.asarray(counts / counts.sum())


def balanced_weights(labels: Array, classes: int) -> Array:
    """Return a weight of each class [C], with which all that occur among codes [N] count alike.

    The mean weight of the codes is 1. Of a class that does not occur the weight is 1.
    """
    codes = labels.astype(int)
    counts = np.bincount(codes, minlength=classes)
    occurring = np.count_nonzero(counts)
    weights = len(codes) / (occurring * counts.clip(min=1))
    return np.where(counts, weights, 1.0)


def class_entropy(labels: Array) -> float:
    """Return the entropy of the codes [N] in nats: the cross entropy of the best constant."""
    codes = labels.astype(int)
    counts = np.bincount(codes)
    return float(entropy(counts))


def class_probabilities(estimator: Estimator, x: Array, classes: Sequence[str]) -> Array:
    """Return a classifier's probabilities [N, C]; 0 for a class that it never saw."""
    classifier = cast("Classifier", estimator)
    shape = (len(x), len(classes))
    probabilities = np.zeros(shape)
    codes = classifier.classes_.astype(int)
    probabilities[:, codes] = classifier.predict_proba(x)
    return probabilities
