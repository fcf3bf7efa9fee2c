"""Metrics of sets of labels: the mean over C labels of a metric of two classes.

Labels on which that metric is undefined are left out of the mean, such as, for ranking metrics,
those that every scored row has. Labels and predictions are [N, C]; labels may be NaN.
"""

import math
from dataclasses import dataclass

import numpy as np
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.metrics.classes import (
    LOG_LOSS,
    predicted_codes,
    predicted_codes_batched,
)
from mtlsearch.tasks.metrics.metric import Metric, masked_sum
from mtlsearch.tasks.metrics.ranking import AVERAGE_PRECISION, ROC_AUC


@dataclass(frozen=True)
class MeanScore:
    """The mean over labels of the score of one model."""

    metric: Metric

    def __call__(self, labels: Array, prediction: Array) -> float:
        """Return the mean score of labels and predictions [N, C]."""
        scores = []
        for label, column in zip(labels.T, prediction.T, strict=True):
            score = self.metric.score(label, column)
            if not math.isnan(score):
                scores.append(score)
        return float(np.mean(scores)) if scores else math.nan


@dataclass(frozen=True)
class BatchedMeanScore:
    """The mean over labels of the scores of many models."""

    metric: Metric

    def __call__(self, prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
        """Return the mean scores [H] of labels and predictions [H, N, C]."""
        models, rows, classes = prediction.shape
        apart = (models * classes, rows)  # every label of every model is scored as a model
        scores = self.metric.batched(
            prediction.transpose(1, 2).reshape(apart),
            labels.transpose(1, 2).reshape(apart),
            labelled.transpose(1, 2).reshape(apart),
        )
        return scores.reshape(models, classes).nanmean(1)


def mean_over_labels(name: str, metric: Metric) -> Metric:
    """Return the metric of sets of labels that is the mean of a metric of two classes."""
    return Metric(
        name=name,
        higher_is_better=metric.higher_is_better,
        floor=metric.floor,
        of_classes=True,
        function=MeanScore(metric),
        batched=BatchedMeanScore(metric),
        per_class=True,
    )


def _f1(labels: Array, prediction: Array) -> float:
    codes = predicted_codes(prediction)
    score = sklearn_metrics.f1_score(labels, codes, zero_division=np.nan)
    return float(score)


def _f1_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    """Return 0 / 0 for a label that no row has and none is predicted to have."""
    codes = predicted_codes_batched(prediction).double()
    hits = masked_sum(codes * labels, labelled)
    occurrences = masked_sum(codes + labels, labelled)
    return 2 * hits / occurrences


F1 = Metric(
    name="f1",
    higher_is_better=True,
    floor=0.1,
    of_classes=True,
    function=_f1,
    batched=_f1_batched,
)

MACRO_ROC_AUC = mean_over_labels("macro_roc_auc", ROC_AUC)
MACRO_AVERAGE_PRECISION = mean_over_labels("macro_average_precision", AVERAGE_PRECISION)
MACRO_LOG_LOSS = mean_over_labels("macro_log_loss", LOG_LOSS)
MACRO_F1 = mean_over_labels("macro_f1", F1)
