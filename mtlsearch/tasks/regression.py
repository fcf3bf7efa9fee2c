"""Regression: a number, predicted with the least squared error."""

from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.contract import Estimator, TargetColumn, TargetScale, TaskKind
from mtlsearch.tasks.metrics import MAE, R2, RMSE, Metric


@final
class Regression(TaskKind):
    """A number, standardised for training; the loss is the squared error."""

    name: ClassVar[str] = "regression"
    metrics: ClassVar[tuple[Metric, ...]] = (R2, RMSE, MAE)
    is_classification: ClassVar[bool] = False
    transform: ClassVar[str] = "affine"
    layout: ClassVar[str] = "value"
    requirement: ClassVar[str] = "numbers"

    def accepts(self, column: TargetColumn) -> bool:
        """Tell whether the column holds numbers."""
        return column.numeric

    def claims(self, column: TargetColumn) -> bool:
        """Take all numbers that no kind earlier in the table takes for classes."""
        return True

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the squared error [*H, B]."""
        error = output[..., 0] - target
        return error.square()

    def target_scale(self, labels: Array) -> TargetScale:
        """Return mean and standard deviation of the labels; the scale of a constant is 1."""
        scaler = StandardScaler().fit(labels[:, None])
        [mean] = scaler.mean_
        [deviation] = scaler.scale_
        return TargetScale(float(mean), float(deviation))

    def best_constant(self, labels: Array, classes: Sequence[str]) -> Array:
        """Return the mean."""
        return np.asarray(labels.mean())

    def constant_loss(self, labels: Array) -> float:
        """Return 1, the variance of standardised labels."""
        return 1.0

    def estimator_prediction(
        self,
        estimator: Estimator,
        x: Array,
        classes: Sequence[str],
    ) -> Array:
        """Return the predicted values [N]."""
        return estimator.predict(x)
