"""Ordinal regression: one of several classes that have an order, such as low, mid and high."""

from collections.abc import Sequence
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from mtlsearch.arrays import Array
from mtlsearch.tasks.classes import class_entropy, class_probabilities, class_shares
from mtlsearch.tasks.contract import Estimator, EstimatorLoss, TargetColumn, TaskKind
from mtlsearch.tasks.metrics import ACCURACY, CLASS_DISTANCE, QUADRATIC_KAPPA, Metric


@final
class Ordinal(TaskKind):
    """One of C ordered classes, by the logits of being above each class but the last.

    The model of these cumulative logits is that of McCullagh 1980 ("Regression models for ordinal
    data"), whose slopes may differ between classes (Peterson & Harrell 1990, "Partial proportional
    odds models"). The first output is the first logit; further ones say by how much the next logit
    is lower: softplus(output). So the logits never cross, and the loss, the negative log
    likelihood of the class, is always finite.
    """

    name: ClassVar[str] = "ordinal"
    metrics: ClassVar[tuple[Metric, ...]] = (QUADRATIC_KAPPA, CLASS_DISTANCE, ACCURACY)
    is_classification: ClassVar[bool] = True
    transform: ClassVar[str] = "cumulative"
    layout: ClassVar[str] = "probabilities"
    requirement: ClassVar[str] = "numbers that repeat, or text with its order in the card"
    estimator_loss: ClassVar[EstimatorLoss] = "classes"

    def accepts(self, column: TargetColumn) -> bool:
        """Tell whether the order of the classes is known and each has rows to learn from."""
        is_ordered = column.ordered or column.numeric
        return is_ordered and (len(column.distinct) == 2 or column.repeats)

    def claims(self, column: TargetColumn) -> bool:
        """Take what the user gave an order of."""
        return column.ordered

    def output_count(self, classes: Sequence[str]) -> int:
        """Return the number of classes but one."""
        return len(classes) - 1

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the negative log likelihood of the class [*H, B] in nats."""
        of_class = _log_likelihoods(output).gather(-1, target.long()[..., None])
        return -of_class[..., 0]

    def loss_of_others(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean negative log likelihood [*H, B] of the classes next to the label's.

        All classes alike, as where they have no order, would blur it.
        """
        codes = target.long()
        lower = (codes - 1).abs()  # the first class has one neighbour, above it
        last = output.shape[-1]
        upper = last - (last - codes - 1).abs()  # and the last one below it
        neighbours = torch.stack([lower, upper], -1)
        return -_log_likelihoods(output).gather(-1, neighbours).mean(-1)

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
        """Return the probabilities [N, C] of a classifier that knows of no order."""
        return class_probabilities(estimator, x, classes)


def _log_likelihoods(output: Tensor) -> Tensor:
    """Return the log likelihood of each class, [*H, B, C], for outputs [*H, B, C - 1]."""
    fallen = functional.softplus(output[..., 1:]).cumsum(-1)
    first = output[..., :1]
    logits = torch.cat([first, first - fallen], -1)
    above = functional.logsigmoid(logits)
    below = functional.logsigmoid(-logits)
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) sigmoid(x), where a - b = softplus(x)
    between = functional.logsigmoid(output[..., 1:])
    middle = above[..., :-1] + below[..., 1:] + between
    return torch.cat([below[..., :1], middle, above[..., -1:]], -1)
