"""Several labels at once as one task: of C labels a row has any number, or none."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self, cast, final

import numpy as np
import torch
from scipy.stats import entropy
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from torch import Tensor
from torch.nn import functional

from mtlsearch.arrays import Array
from mtlsearch.tasks.classes import RARE, class_probabilities
from mtlsearch.tasks.contract import Estimator, TargetColumn, TaskKind
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

    def estimator_of_targets(self, estimator: Estimator) -> Estimator:
        """Return a model that is one for each label."""
        return LabelEstimators(estimator)

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


class LabelEstimators:
    """A classifier of scikit-learn for each label, fitted on the rows where it is known.

    For a label that all of these rows have, or none, it is that constant. A label that is never
    known is taken for one that no row has.

    Attributes:
        estimator: The classifier of one label, not fitted.
        models: The fitted classifiers of C labels.
    """

    def __init__(self, estimator: Estimator) -> None:
        self.estimator = estimator
        self.models: list[Any] = []

    def fit(self, x: Array, labels: Array) -> Self:
        """Fit it on inputs [N, F] and labels [N, C], NaN where they are not known."""
        self.models = []
        for column in labels.T:
            known = ~np.isnan(column)
            self.models.append(self._fitted(x[known], column[known]))
        return self

    def _fitted(self, x: Array, labels: Array) -> Any:
        """Return a model of inputs [M, F] and the labels [M] that are known."""
        if not len(labels):
            return DummyClassifier().fit([[0.0]], [0.0])
        if len(np.unique(labels)) < 2:
            return DummyClassifier().fit(x, labels)
        model: Any = clone(self.estimator)
        return model.fit(x, labels)

    def predict(self, x: Array) -> Array:
        """Return which labels [N, C] rows have, as 0 and 1, for inputs [N, F]."""
        return np.column_stack([model.predict(x) for model in self.models])
