"""The metric of counts: how unlikely they are under predicted rates."""

import numpy as np
import torch
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.metrics.metric import Metric, masked_mean

LEAST_RATE = 1e-12  # scikit-learn takes positive predictions only


def _poisson_deviance(labels: Array, prediction: Array) -> float:
    rates = np.maximum(prediction, LEAST_RATE)
    deviance = sklearn_metrics.mean_poisson_deviance(labels, rates)
    return float(deviance)


def _poisson_deviance_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    rates = prediction.masked_fill(~labelled, 1.0).clamp(min=LEAST_RATE)
    deviances = torch.xlogy(labels, labels / rates) - labels + rates
    return 2 * masked_mean(deviances, labelled)


POISSON_DEVIANCE = Metric(
    name="poisson_deviance",
    higher_is_better=False,
    floor=1e-9,
    of_classes=False,
    function=_poisson_deviance,
    batched=_poisson_deviance_batched,
)
