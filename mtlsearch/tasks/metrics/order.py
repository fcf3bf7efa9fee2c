"""Metrics of the probabilities [N, C] of ordered classes: how far the likeliest class is off."""

import math

import numpy as np
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.metrics.classes import predicted_codes, predicted_codes_batched
from mtlsearch.tasks.metrics.metric import Metric, masked_mean


def _quadratic_kappa(labels: Array, prediction: Array) -> float:
    distinct = np.unique(labels)
    if len(distinct) < 2:
        return math.nan
    codes = predicted_codes(prediction)
    classes = np.arange(prediction.shape[1])
    score = sklearn_metrics.cohen_kappa_score(labels, codes, labels=classes, weights="quadratic")
    return float(score)


def _quadratic_kappa_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    """Compute the kappa of Cohen 1968 from moments.

    The disagreement that chance would give is the mean squared distance of a label from the
    prediction for any row: both variances and the squared distance of the means. With labels of
    one class the kappa is undefined.
    """
    codes = predicted_codes_batched(prediction).double()
    disagreement = masked_mean((codes - labels).square(), labelled)
    label_mean = masked_mean(labels, labelled)
    code_mean = masked_mean(codes, labelled)
    label_squares = masked_mean((labels - label_mean[:, None]).square(), labelled)
    code_squares = masked_mean((codes - code_mean[:, None]).square(), labelled)
    by_chance = label_squares + code_squares + (label_mean - code_mean).square()
    kappa = 1 - disagreement / by_chance

    first = labels.masked_fill(~labelled, math.inf).amin(1)
    last = labels.masked_fill(~labelled, -math.inf).amax(1)
    return kappa.masked_fill(first == last, math.nan)


def _class_distance(labels: Array, prediction: Array) -> float:
    codes = predicted_codes(prediction)
    distance = sklearn_metrics.mean_absolute_error(labels, codes)
    return float(distance)


def _class_distance_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    codes = predicted_codes_batched(prediction)
    distances = (codes - labels).abs()
    return masked_mean(distances, labelled)


QUADRATIC_KAPPA = Metric(
    name="quadratic_kappa",
    higher_is_better=True,
    floor=0.1,
    of_classes=True,
    function=_quadratic_kappa,
    batched=_quadratic_kappa_batched,
)
CLASS_DISTANCE = Metric(
    name="class_distance",
    higher_is_better=False,
    floor=1e-9,
    of_classes=True,
    function=_class_distance,
    batched=_class_distance_batched,
)
