"""Metrics of two classes that read the order of the predicted probabilities only."""

import math

import numpy as np
import torch
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.metrics.metric import Metric


def _roc_auc(labels: Array, prediction: Array) -> float:
    if not _both_classes(labels):
        return math.nan
    score = sklearn_metrics.roc_auc_score(labels, prediction)
    return float(score)


def _roc_auc_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    """Add up the trapezoids between thresholds, in whole numbers until the division.

    The area is 0 / 0 where a class is absent.
    """
    true, false = _counts_above_thresholds(prediction, labels, labelled)
    widths = false.diff(dim=1)
    doubled_heights = true[:, 1:] + true[:, :-1]
    doubled_areas = widths * doubled_heights
    doubled_area = doubled_areas.sum(1).double()
    pairs = true[:, -1] * false[:, -1]
    return doubled_area / (2 * pairs)


def _average_precision(labels: Array, prediction: Array) -> float:
    if not _both_classes(labels):
        return math.nan
    score = sklearn_metrics.average_precision_score(labels, prediction)
    return float(score)


def _average_precision_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    true, false = _counts_above_thresholds(prediction, labels, labelled)
    predicted = true + false
    precision = true[:, 1:].double() / predicted[:, 1:].clamp(min=1)
    gained = true.diff(dim=1) * precision
    score = gained.sum(1) / true[:, -1]
    without_negatives = false[:, -1] == 0
    return score.masked_fill(without_negatives, math.nan)


def _both_classes(labels: Array) -> bool:
    distinct = np.unique(labels)
    return len(distinct) == 2


def _counts_above_thresholds(
    prediction: Tensor, labels: Tensor, labelled: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the numbers of true and of false positives as the threshold falls, int64 [H, N + 1].

    Rows of one probability pass together: the counts stay until the last of them. Rows without a
    label pass uncounted.
    """
    descending, order = prediction.sort(dim=1, descending=True)
    last = torch.ones_like(labelled)
    last[:, :-1] = descending[:, :-1] != descending[:, 1:]
    positive = labels == 1
    true = _counts(labelled & positive, order, last)
    false = _counts(labelled & ~positive, order, last)
    return true, false


def _counts(members: Tensor, order: Tensor, last: Tensor) -> Tensor:
    in_order = members.gather(1, order)
    counts = in_order.cumsum(1)
    settled = counts.masked_fill(~last, 0).cummax(1).values
    return torch.nn.functional.pad(settled, (1, 0))


ROC_AUC = Metric(
    name="roc_auc",
    higher_is_better=True,
    floor=0.1,
    of_classes=True,
    function=_roc_auc,
    batched=_roc_auc_batched,
)
AVERAGE_PRECISION = Metric(
    name="average_precision",
    higher_is_better=True,
    floor=0.1,
    of_classes=True,
    function=_average_precision,
    batched=_average_precision_batched,
)
