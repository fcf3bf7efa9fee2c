"""The metrics of `mtlsearch.data` for many models at once, in torch: the same values without a loop over models."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from mtlsearch.tasks.metrics import METRICS

Batched = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(prediction, target[H, N], labelled[H, N]) -> [H]. Where `labelled` is false the target is 0 and the prediction anything."""


@torch.no_grad()
def batched_score(metric: str, prediction: Tensor, target: Tensor) -> Tensor:
    """Return the metric of each of H models over its labelled rows, float64 [H].

    `prediction` is [H, N] (regression: values in the task's own units; binary: probability of class 1) or [H, N, C]
    (class probabilities); `target` [H, N] or [N] holds values or class codes, NaN where there is no label. A model gets
    NaN when `score` would return NaN, and when one of its labels is infinite or, of a class metric, no code of a class.
    No model changes the value of another. Raises KeyError for an unknown metric.
    """
    function = BATCHED_METRICS[metric]
    prediction, target = prediction.double(), target.double()
    if not prediction.shape[1]:
        return prediction.new_full(prediction.shape[:1], math.nan)
    labelled = ~target.isnan()
    usable = labelled & _finite(prediction) & _valid(metric, prediction, target)
    defined = usable.any(1) & (usable == labelled).all(1)
    return function(prediction, target.masked_fill(~usable, 0.0), usable).masked_fill(
        ~defined, math.nan
    )


def _finite(prediction: Tensor) -> Tensor:
    finite = prediction.isfinite()
    return finite if prediction.ndim == 2 else finite.all(2)


def _valid(metric: str, prediction: Tensor, target: Tensor) -> Tensor:
    if "regression" in METRICS[metric].kinds:
        return target.isfinite()
    return (target >= 0) & (target < _classes(prediction)) & (target.frac() == 0)


def _rmse(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    return _mean((target - prediction).square(), labelled).sqrt()


def _mae(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    return _mean((target - prediction).abs(), labelled)


def _r2(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    """Scikit-learn's rule where the sum of squares is 0 although the labels differ (underflow): 1 if exact, else 0."""
    residual = _sum((target - prediction).square(), labelled)
    total = _sum((target - _mean(target, labelled)[:, None]).square(), labelled)
    value = torch.where(total != 0, 1 - residual / total, (residual == 0).double())
    lowest, highest = (target.masked_fill(~labelled, bound) for bound in (math.inf, -math.inf))
    return value.masked_fill(lowest.amin(1) == highest.amax(1), math.nan)


def _roc_auc(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    """Area under the trapezoids between thresholds, in whole numbers until the division; 0 / 0 where a class is absent."""
    true, false = _counts_above_thresholds(prediction, target, labelled)
    doubled = (false.diff(dim=1) * (true[:, 1:] + true[:, :-1])).sum(1)
    return doubled.double() / (2 * true[:, -1] * false[:, -1])


def _average_precision(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    true, false = _counts_above_thresholds(prediction, target, labelled)
    precision = true[:, 1:].double() / (true + false)[:, 1:].clamp(min=1)
    value = (true.diff(dim=1) * precision).sum(1) / true[:, -1]
    return value.masked_fill(false[:, -1] == 0, math.nan)


def _counts_above_thresholds(
    prediction: Tensor, target: Tensor, labelled: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the numbers of true and of false positives, int64 [H, N + 1], while the threshold falls along the rows.

    Rows of one score pass together: the counts stay until the last of them. Rows without a label pass uncounted.
    """
    scores, order = prediction.sort(dim=1, descending=True)
    last = torch.ones_like(labelled)
    last[:, :-1] = scores[:, :-1] != scores[:, 1:]
    positive = target == 1
    return _passed(labelled & positive, order, last), _passed(labelled & ~positive, order, last)


def _passed(members: Tensor, order: Tensor, last: Tensor) -> Tensor:
    counts = members.gather(1, order).cumsum(1).masked_fill(~last, 0).cummax(1).values
    return torch.nn.functional.pad(counts, (1, 0))


def _log_loss(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    """Clipped as in `mtlsearch.data.metrics`, which leaves scikit-learn nothing to clip."""
    columns = prediction if prediction.ndim == 3 else torch.stack([1 - prediction, prediction], 2)
    columns = columns.clamp(1e-15, 1)
    of_truth = columns.gather(2, target.long()[..., None])[..., 0]
    return _mean(-(of_truth / columns.sum(2)).log(), labelled)


def _accuracy(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    return _mean((_codes(prediction) == target).double(), labelled)


def _balanced_accuracy(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    """Mean recall over the classes that occur among the labels."""
    hits, support, _ = _confusion(prediction, target, labelled)
    return (hits / support.clamp(min=1)).sum(1) / (support > 0).sum(1)


def _f1_macro(prediction: Tensor, target: Tensor, labelled: Tensor) -> Tensor:
    """Mean F1 over the classes that occur among the labels or are predicted."""
    hits, support, predicted = _confusion(prediction, target, labelled)
    occurrences = support + predicted
    return (2 * hits / occurrences.clamp(min=1)).sum(1) / (occurrences > 0).sum(1)


def _confusion(
    prediction: Tensor, target: Tensor, labelled: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the numbers of hits, of labels and of predictions of each class, float64 [H, C]."""
    codes, truth = _codes(prediction), target.long()
    zeros = torch.zeros(
        len(prediction), _classes(prediction), dtype=torch.long, device=prediction.device
    )
    hits = zeros.scatter_add(1, truth, (labelled & (codes == truth)).long())
    support, predicted = (
        zeros.scatter_add(1, classes, labelled.long()) for classes in (truth, codes)
    )
    return hits.double(), support.double(), predicted.double()


def _codes(prediction: Tensor) -> Tensor:
    """The predicted classes [H, N]; the first one of equal probability, but class 1 at exactly 0.5 of a binary task."""
    return prediction.argmax(2) if prediction.ndim == 3 else (prediction >= 0.5).long()


def _classes(prediction: Tensor) -> int:
    return prediction.shape[2] if prediction.ndim == 3 else 2


def _mean(values: Tensor, labelled: Tensor) -> Tensor:
    return _sum(values, labelled) / labelled.sum(1)


def _sum(values: Tensor, labelled: Tensor) -> Tensor:
    return values.masked_fill(~labelled, 0.0).sum(1)


BATCHED_METRICS: dict[str, Batched] = {
    "rmse": _rmse,
    "mae": _mae,
    "r2": _r2,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
    "log_loss": _log_loss,
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1_macro": _f1_macro,
}
