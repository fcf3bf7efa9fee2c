"""What a metric is: one score of predictions, for one model and for many at once."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.labels import has_label

ScoreFunction = Callable[[Array, Array], float]
"""(labels[N], prediction) to the score; no NaN goes in, NaN comes out where it is undefined.

Labels of a metric `per_class` are [N, C]; one at least of each row is no NaN.
"""

BatchedFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(prediction, labels[H, N], labelled[H, N]) to the scores [H] of H models, all float64.

Labels of a metric `per_class` are [H, N, C], and so is `labelled`. Where `labelled` is false, the
label is 0 and the prediction is anything.
"""


@dataclass(frozen=True, repr=False)
class Metric:
    """A score of predictions, in its own unit and direction.

    A prediction holds for N rows the values [N], the probabilities of class 1 [N], or the
    probabilities of C classes [N, C]. Predictions of H models have one dimension more: [H, N] or
    [H, N, C].

    Attributes:
        name: How users spell it.
        higher_is_better: The direction.
        floor: The smallest denominator that a gain may be divided by, in units of `Task.unit`.
        of_classes: Whether labels are class codes 0, 1, ... rather than any numbers.
        function: The score of one model.
        batched: The scores of many models, equal to those of `function`.
        in_target_unit: Whether a score has the unit of the target, and so no size of its own.
        per_class: Whether a row has a label, 0 or 1, for each class, [N, C] rather than [N].
        no_skill: The score of no skill, where the metric itself says so; None: that of the best
            constant.
    """

    name: str
    higher_is_better: bool
    floor: float
    of_classes: bool
    function: ScoreFunction
    batched: BatchedFunction
    in_target_unit: bool = False
    per_class: bool = False
    no_skill: float | None = None

    def __repr__(self) -> str:
        """Show the name alone, so that the text of a task is short and the same in every run."""
        return repr(self.name)

    @property
    def sign(self) -> float:
        """The factor that makes scores higher where they are better: 1 or -1."""
        return 1.0 if self.higher_is_better else -1.0

    @property
    def perfect(self) -> float:
        """The best score there is: 1 where higher is better and 0 elsewhere."""
        return 1.0 if self.higher_is_better else 0.0

    def possible(self, value: float) -> float:
        """Return `value`, or the best score there is where an estimate went beyond it."""
        if self.higher_is_better:
            return min(value, self.perfect)
        return max(value, self.perfect)

    def score(self, labels: Array, prediction: Array) -> float:
        """Return the score of one model over the rows that have a label.

        `labels`, [N] or [N, C], hold values or class codes, NaN where there is none. The score is
        NaN when no row has a label, when the metric is undefined on the labelled rows, or when a
        prediction for a label is not finite.
        """
        labelled = ~np.isnan(labels)
        if not labelled.any():
            return math.nan
        if not np.isfinite(prediction[labelled]).all():
            return math.nan
        rows = has_label(labels)
        truth = np.asarray(labels[rows], np.float64)
        predicted = np.asarray(prediction[rows], np.float64)
        return self.function(truth, predicted)

    @torch.no_grad()
    def score_batch(self, prediction: Tensor, labels: Tensor) -> Tensor:
        """Return the score of each of H models over its labelled rows, float64 [H].

        `prediction` is [H, N] or [H, N, C]; `labels` are [H, N] or [H, N, C], or without H for all
        models, NaN where there is none. A model gets NaN where `score` returns NaN, and where one
        of its labels is infinite or is to be a class code and is none. No model changes the score
        of another.
        """
        prediction = prediction.double()
        labels = labels.double()
        models, rows = prediction.shape[:2]
        if rows == 0:
            return prediction.new_full((models,), math.nan)

        of_model = labels.shape[-2:] if self.per_class else labels.shape[-1:]
        labels = labels.expand(models, *of_model)
        labelled = ~labels.isnan()
        finite = _finite(prediction, labels)
        usable = labelled & finite & self._valid(labels, prediction)
        all_usable = (usable == labelled).flatten(1).all(1)
        defined = usable.flatten(1).any(1) & all_usable

        filled = labels.masked_fill(~usable, 0.0)
        scores = self.batched(prediction, filled, usable)
        return scores.masked_fill(~defined, math.nan)

    def _valid(self, labels: Tensor, prediction: Tensor) -> Tensor:
        if not self.of_classes:
            return labels.isfinite()
        whole = labels.frac() == 0
        classes = 2 if self.per_class else class_count(prediction)
        known = (labels >= 0) & (labels < classes)
        return whole & known


def class_count(prediction: Tensor) -> int:
    """Return the number of classes that predictions [H, N] or [H, N, C] tell apart."""
    if prediction.ndim == 2:
        return 2
    return prediction.shape[2]


def masked_sum(values: Tensor, labelled: Tensor) -> Tensor:
    """Return the sum [H] of values [H, N] over the labelled rows."""
    kept = values.masked_fill(~labelled, 0.0)
    return kept.sum(1)


def masked_mean(values: Tensor, labelled: Tensor) -> Tensor:
    """Return the mean [H] of values [H, N] over the labelled rows."""
    total = masked_sum(values, labelled)
    return total / labelled.sum(1)


def _finite(prediction: Tensor, labels: Tensor) -> Tensor:
    """Return whether the predictions for each of the labels are finite, in their shape."""
    finite = prediction.isfinite()
    if prediction.ndim == labels.ndim:
        return finite
    return finite.all(2)
