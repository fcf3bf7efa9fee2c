"""Counts: whole numbers from 0 on, predicted as the rate of a Poisson distribution."""

from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np
import torch
from scipy.special import xlogy
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.contract import Estimator, EstimatorLoss, TargetColumn, TargetScale, TaskKind
from mtlsearch.tasks.metrics import MAE, POISSON_DEVIANCE, R2, RMSE, Metric


@final
class Count(TaskKind):
    """A number of events; the network puts out the logarithm of its rate over the mean rate.

    The loss is the Poisson deviance (McCullagh & Nelder 1989, section 2.3), which is the negative
    log likelihood up to what does not depend on the network: least for the conditional mean.
    """

    name: ClassVar[str] = "count"
    metrics: ClassVar[tuple[Metric, ...]] = (POISSON_DEVIANCE, RMSE, MAE, R2)
    is_classification: ClassVar[bool] = False
    transform: ClassVar[str] = "exponential"
    layout: ClassVar[str] = "value"
    requirement: ClassVar[str] = "whole numbers from 0 on"
    estimator_loss: ClassVar[EstimatorLoss] = "poisson"

    def accepts(self, column: TargetColumn) -> bool:
        """Tell whether the column holds whole numbers of which none is negative."""
        if not column.whole_numbers:
            return False
        return all(float(value) >= 0 for value in column.distinct)

    def possible(self, labels: Array) -> Array:
        """Return which labels [N] are whole and not negative, or NaN."""
        whole = labels == np.floor(labels)
        return np.asarray(np.isnan(labels) | (whole & (labels >= 0)))

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the Poisson deviance [*H, B] of rates exp(output)."""
        log_rate = output[..., 0]
        of_target = torch.xlogy(target, target) - target
        of_rate = log_rate.exp() - target * log_rate
        return 2 * (of_target + of_rate)

    def target_scale(self, labels: Array) -> TargetScale:
        """Return the mean as the scale, so that an output of 0 stands for it; of zeros it is 1."""
        mean = float(labels.mean())
        return TargetScale(scale=mean or 1.0)

    def best_constant(self, labels: Array, classes: Sequence[str]) -> Array:
        """Return the mean."""
        return np.asarray(labels.mean())

    def constant_loss(self, labels: Array) -> float:
        """Return the mean deviance of labels over their mean from 1."""
        scale = self.target_scale(labels).scale
        scaled = labels / scale
        return float(2 * xlogy(scaled, scaled).mean())

    def can_be_fitted(self, labels: Array) -> bool:
        """Tell whether there is any event, without which no rate is positive."""
        return bool(labels.any())

    def estimator_prediction(
        self,
        estimator: Estimator,
        x: Array,
        classes: Sequence[str],
    ) -> Array:
        """Return the predicted rates [N]; a negative prediction is a rate of 0."""
        return np.maximum(estimator.predict(x), 0.0)
