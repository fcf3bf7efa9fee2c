"""Several labels at once as one task: of C labels a row has any number, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast, final

import numpy as np
import torch
from scipy.stats import entropy
from torch import Tensor
from torch.nn import functional

from mtlsearch.arrays import Array
from mtlsearch.tasks.classes import RARE, class_probabilities
from mtlsearch.tasks.contract import Estimator, EstimatorLoss, TargetColumn, TaskKind
from mtlsearch.tasks.metrics import (
    MACRO_AVERAGE_PRECISION,
    MACRO_F1,
    MACRO_LOG_LOSS,
    MACRO_ROC_AUC,
    Metric,
)

OUT_AND_IN = ("no", "yes")  # the classes of one label


@final
class LabelSet(TaskKind):
    """Any number of C labels, each of which the network puts out the logit of.

    The loss is the mean cross entropy over the labels that are known, whosever they are: a row of
    which fewer labels are known counts less.
    """

    name: ClassVar[str] = "label_set"
    metrics: ClassVar[tuple[Metric, ...]] = (
        MACRO_ROC_AUC,
        MACRO_AVERAGE_PRECISION,
        MACRO_LOG_LOSS,
        MACRO_F1,
    )
    is_classification: ClassVar[bool] = True
    labels_per_class: ClassVar[bool] = True
    transform: ClassVar[str] = "logistic_per_class"
    layout: ClassVar[str] = "labels"
    requirement: ClassVar[str] = "lists of labels, or several columns of two values"
    estimator_loss: ClassVar[EstimatorLoss] = "classes"

    def accepts(self, column: TargetColumn) -> bool:
        """Refuse every column of single values: labels are lists, or several columns."""
        return False

    def metric_for(self, column: TargetColumn) -> tuple[Metric, str]:
        """Return macro average precision where labels are rare, for the reason of binary tasks.

        Of the two values of the column, the second stands for the labels that rows have.
        """
        positives = column.counts[1]
        share = positives / column.labelled
        if share >= RARE:
            return self.default_metric, ""
        reason = (
            f"labels are rare, a row has one of them in {share:.1%} of the cases; "
            f"{self.default_metric.name} would hide false alarms among so many without"
        )
        return MACRO_AVERAGE_PRECISION, reason

    def output_count(self, classes: Sequence[str]) -> int:
        """Return the number of labels."""
        return len(classes)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy [*H, B, C] of each label in nats."""
        return functional.binary_cross_entropy_with_logits(output, target, reduction="none")

    def loss_of_others(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross entropy [*H, B, C] of having each label and of lacking it."""
        return self.loss(output, torch.full_like(target, 0.5))

    def best_constant(self, labels: Array, classes: Sequence[str]) -> Array:
        """Return the share [C] of the rows that have each label, 0 where it is never known."""
        known = ~np.isnan(labels)
        counts = known.sum(0)
        positives = np.nansum(labels, axis=0)
        return np.asarray(positives / counts.clip(min=1))

    def constant_loss(self, labels: Array) -> float:
        """Return the mean entropy in nats of the labels that are known."""
        shares = self.best_constant(labels, ())
        entropies = entropy([1 - shares, shares], axis=0)
        counts = (~np.isnan(labels)).sum(0)
        return float(np.average(entropies, weights=counts))

    def joined_estimator(self, estimators: Sequence[Estimator]) -> Estimator:
        """Return one model of a classifier for each label."""
        return LabelEstimators(estimators)

    def estimator_prediction(
        self,
        estimator: Estimator,
        x: Array,
        classes: Sequence[str],
    ) -> Array:
        """Return the probability [N, C] of each label."""
        models = cast("LabelEstimators", estimator).models
        columns = []
        for model in models:
            probabilities = class_probabilities(model, x, OUT_AND_IN)
            columns.append(probabilities[:, 1])
        return np.column_stack(columns)


@dataclass(frozen=True)
class LabelEstimators:
    """The fitted classifiers of C labels, each of whether a row has it."""

    models: Sequence[Estimator]

    def predict(self, x: Array) -> Array:
        """Return which labels [N, C] rows have, as 0 and 1, for inputs [N, F]."""
        return np.column_stack([model.predict(x) for model in self.models])
