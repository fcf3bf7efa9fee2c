"""Metrics of numbers: how far predicted values are from the true ones."""

import math

import numpy as np
import torch
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.metrics.metric import Metric, masked_mean, masked_sum


def _rmse(labels: Array, prediction: Array) -> float:
    error = sklearn_metrics.root_mean_squared_error(labels, prediction)
    return float(error)


def _rmse_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    squares = (labels - prediction).square()
    return masked_mean(squares, labelled).sqrt()


def _mae(labels: Array, prediction: Array) -> float:
    error = sklearn_metrics.mean_absolute_error(labels, prediction)
    return float(error)


def _mae_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    errors = (labels - prediction).abs()
    return masked_mean(errors, labelled)


def _r2(labels: Array, prediction: Array) -> float:
    distinct = np.unique(labels)
    if len(distinct) < 2:
        return math.nan
    score = sklearn_metrics.r2_score(labels, prediction)
    return float(score)


def _r2_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    """Follow scikit-learn where the sum of squares underflows to 0 although the labels differ.

    The score is then 1 for exact predictions and 0 for others.
    """
    errors = labels - prediction
    residual = masked_sum(errors.square(), labelled)
    mean = masked_mean(labels, labelled)
    deviations = labels - mean[:, None]
    total = masked_sum(deviations.square(), labelled)

    exact = residual == 0
    score = torch.where(total != 0, 1 - residual / total, exact.double())
    lowest = labels.masked_fill(~labelled, math.inf).amin(1)
    highest = labels.masked_fill(~labelled, -math.inf).amax(1)
    constant = lowest == highest
    return score.masked_fill(constant, math.nan)


RMSE = Metric(
    name="rmse",
    higher_is_better=False,
    floor=1e-9,
    of_classes=False,
    function=_rmse,
    batched=_rmse_batched,
    in_target_unit=True,
)
MAE = Metric(
    name="mae",
    higher_is_better=False,
    floor=1e-9,
    of_classes=False,
    function=_mae,
    batched=_mae_batched,
    in_target_unit=True,
)
R2 = Metric(
    name="r2",
    higher_is_better=True,
    floor=0.1,
    of_classes=False,
    function=_r2,
    batched=_r2_batched,
    no_skill=0.0,  # it is a skill itself; a constant from other rows is below by their luck
)
