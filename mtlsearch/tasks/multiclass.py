"""Multiclass classification: one of several classes, predicted as the probabilities of all."""

from collections.abc import Sequence
from typing import ClassVar, final

from torch import Tensor
from torch.nn import functional

from mtlsearch.arrays import Array
from mtlsearch.tasks.classes import class_entropy, class_probabilities, class_shares
from mtlsearch.tasks.contract import Estimator, EstimatorLoss, TargetColumn, TaskKind
from mtlsearch.tasks.metrics import ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS, Metric

MOST_NUMERIC_CLASSES = 20
MOST_TEXT_CLASSES = 50


@final
class Multiclass(TaskKind):
    """One of C classes; the network puts out C logits, the loss is cross entropy."""

    name: ClassVar[str] = "multiclass"
    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, BALANCED_ACCURACY, F1_MACRO, LOG_LOSS)
    is_classification: ClassVar[bool] = True
    transform: ClassVar[str] = "softmax"
    layout: ClassVar[str] = "probabilities"
    requirement: ClassVar[str] = "classes that repeat"
    estimator_loss: ClassVar[EstimatorLoss] = "classes"

    def accepts(self, column: TargetColumn) -> bool:
        """Tell whether values repeat, so that there is something to learn of each class."""
        return len(column.distinct) == 2 or column.repeats

    def claims(self, column: TargetColumn) -> bool:
        """Take words, and whole numbers from 0 or 1 on without a gap, if they are not too many.

        Other numbers, paths of files and sentences are classes only when the user says so.
        """
        count = len(column.distinct)
        if column.ordered:
            return False
        if column.numeric:
            return column.gapless and count <= MOST_NUMERIC_CLASSES
        return column.content == "text" and count <= MOST_TEXT_CLASSES

    def output_count(self, classes: Sequence[str]) -> int:
        """Return the number of classes."""
        return len(classes)

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy [*H, B] in nats."""
        # Torch wants the classes second, and is far quicker so than with the classes last.
        logits = output.movedim(-1, 1)
        return functional.cross_entropy(logits, target.long(), reduction="none")

    def loss_of_others(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross entropy [*H, B] of all classes."""
        # As torch lays out the gradient of `loss`, so that one of no weight changes no bit of it.
        logits = output.movedim(-1, 1)
        return -functional.log_softmax(logits, 1).mean(1)

    def best_constant(self, labels: Array, classes: Sequence[str]) -> Array:
        """Return the share of each class, [C]."""
        return class_shares(labels, len(classes))

    def constant_loss(self, labels: Array) -> float:
        """Return the entropy of the classes in nats."""
        return class_entropy(labels)

    def estimator_prediction(
        self,
        estimator: Estimator,
        x: Array,
        classes: Sequence[str],
    ) -> Array:
        """Return the probabilities [N, C]."""
        return class_probabilities(estimator, x, classes)
