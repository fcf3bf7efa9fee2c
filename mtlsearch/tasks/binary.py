"""Binary classification: one of two classes, predicted as the probability of the second."""

from collections.abc import Sequence
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mtlsearch.arrays import Array
from mtlsearch.tasks.classes import RARE, class_entropy, class_probabilities, class_shares
from mtlsearch.tasks.contract import Estimator, EstimatorLoss, TargetColumn, TaskKind
from mtlsearch.tasks.metrics import (
    ACCURACY,
    AVERAGE_PRECISION,
    BALANCED_ACCURACY,
    F1_MACRO,
    LOG_LOSS,
    ROC_AUC,
    Metric,
)


@final
class Binary(TaskKind):
    """One of two classes; the network puts out the logit of class 1, the loss is cross entropy."""

    name: ClassVar[str] = "binary"
    metrics: ClassVar[tuple[Metric, ...]] = (
        ROC_AUC,
        AVERAGE_PRECISION,
        LOG_LOSS,
        ACCURACY,
        BALANCED_ACCURACY,
        F1_MACRO,
    )
    is_classification: ClassVar[bool] = True
    transform: ClassVar[str] = "logistic"
    layout: ClassVar[str] = "probability"
    requirement: ClassVar[str] = "exactly two classes"
    estimator_loss: ClassVar[EstimatorLoss] = "classes"

    def accepts(self, column: TargetColumn) -> bool:
        """Tell whether there are two distinct values."""
        return len(column.distinct) == 2

    def claims(self, column: TargetColumn) -> bool:
        """Take every column of two distinct values but paths of files and sentences."""
        return column.content in ("numbers", "text")

    def metric_for(self, column: TargetColumn) -> tuple[Metric, str]:
        """Return average precision where fewer than RARE of the labels are of class 1.

        With that few positives the ROC curve is good at no cost: it counts false alarms as a
        share of the many negatives (Davis & Goadrich 2006, Saito & Rehmsmeier 2015).
        """
        positives = column.counts[1]
        share = positives / column.labelled
        if share >= RARE:
            return self.default_metric, ""
        reason = (
            f"{column.names[1]} is rare, {positives} of {column.labelled} labels; "
            f"{self.default_metric.name} would hide false alarms among so many {column.names[0]}"
        )
        return AVERAGE_PRECISION, reason

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy [*H, B] in nats."""
        logits = output[..., 0]
        return functional.binary_cross_entropy_with_logits(logits, target, reduction="none")

    def loss_of_others(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross entropy [*H, B] of both classes."""
        return self.loss(output, torch.full_like(target, 0.5))

    def best_constant(self, labels: Array, classes: Sequence[str]) -> Array:
        """Return the share of class 1."""
        shares = class_shares(labels, 2)
        return np.asarray(shares[1])

    def constant_loss(self, labels: Array) -> float:
        """Return the entropy of the classes in nats."""
        return class_entropy(labels)

    def estimator_prediction(
        self,
        estimator: Estimator,
        x: Array,
        classes: Sequence[str],
    ) -> Array:
        """Return the probability [N] of class 1."""
        probabilities = class_probabilities(estimator, x, classes)
        return probabilities[:, 1]
