"""The metrics: how a prediction is scored, which kinds of task each fits, and its direction. Scikit-learn computes them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn import metrics as sk

from mtlsearch.arrays import Array
from mtlsearch.tasks.task import Kind, Task


@dataclass(frozen=True)
class Metric:
    """A score of predictions.

    `function(y_true[N], prediction)` takes values [N] (regression), the probability of class 1 [N] (binary) or class
    probabilities [N, C] (multiclass), no NaN, and returns NaN where the metric is undefined on these rows. `floor` is
    the smallest denominator that a relative gain may be divided by.
    """

    name: str
    kinds: tuple[Kind, ...]
    higher_is_better: bool
    floor: float
    function: Callable[[Array, Array], float]

    @property
    def sign(self) -> float:
        """Scores times this are higher where they are better."""
        return 1.0 if self.higher_is_better else -1.0

    def possible(self, value: float) -> float:
        """The value, or the best there is where an estimate went beyond it: 1, or 0 where lower is better."""
        return min(value, 1.0) if self.higher_is_better else max(value, 0.0)


def score(task: Task, y: Array, prediction: Array) -> float:
    """Return the task's metric over the rows with a label.

    `y[N]` are values or class codes, NaN = no label; `prediction` as in `Metric`. NaN when no row has a label, when the
    metric is undefined on them or when a prediction is not finite.
    """
    labelled = ~np.isnan(y)
    truth, predicted = (
        np.asarray(y[labelled], np.float64),
        np.asarray(prediction[labelled], np.float64),
    )
    if not len(truth) or not np.isfinite(predicted).all():
        return float("nan")
    return METRICS[task.metric].function(truth, predicted)


def _rmse(y: Array, prediction: Array) -> float:
    return float(sk.root_mean_squared_error(y, prediction))


def _mae(y: Array, prediction: Array) -> float:
    return float(sk.mean_absolute_error(y, prediction))


def _r2(y: Array, prediction: Array) -> float:
    return float(sk.r2_score(y, prediction)) if len(np.unique(y)) > 1 else float("nan")


def _roc_auc(y: Array, prediction: Array) -> float:
    return float(sk.roc_auc_score(y, prediction)) if len(np.unique(y)) == 2 else float("nan")


def _average_precision(y: Array, prediction: Array) -> float:
    return (
        float(sk.average_precision_score(y, prediction)) if len(np.unique(y)) == 2 else float("nan")
    )


def _log_loss(y: Array, prediction: Array) -> float:
    columns = prediction if prediction.ndim == 2 else np.column_stack([1 - prediction, prediction])
    columns = np.clip(columns, 1e-15, 1)
    return float(
        sk.log_loss(y, columns / columns.sum(1, keepdims=True), labels=np.arange(columns.shape[1]))
    )


def _accuracy(y: Array, prediction: Array) -> float:
    return float(sk.accuracy_score(y, _codes(prediction)))


def _balanced_accuracy(y: Array, prediction: Array) -> float:
    """Mean recall over the classes that occur in `y`."""
    return float(
        sk.recall_score(
            y, _codes(prediction), labels=np.unique(y), average="macro", zero_division=0
        )
    )


def _f1_macro(y: Array, prediction: Array) -> float:
    """Mean F1 over the classes that occur in `y` or are predicted."""
    labels = np.arange(prediction.shape[1] if prediction.ndim == 2 else 2)
    return float(
        sk.f1_score(y, _codes(prediction), labels=labels, average="macro", zero_division=np.nan)
    )


def _codes(prediction: Array) -> Array:
    codes = prediction.argmax(1) if prediction.ndim == 2 else prediction >= 0.5
    return codes.astype(np.float64)


_CLASSES: tuple[Kind, ...] = ("binary", "multiclass")

METRICS: dict[str, Metric] = {
    "rmse": Metric("rmse", ("regression",), False, 1e-9, _rmse),
    "mae": Metric("mae", ("regression",), False, 1e-9, _mae),
    "r2": Metric("r2", ("regression",), True, 0.1, _r2),
    "roc_auc": Metric("roc_auc", ("binary",), True, 0.1, _roc_auc),
    "average_precision": Metric("average_precision", ("binary",), True, 0.1, _average_precision),
    "log_loss": Metric("log_loss", _CLASSES, False, 1e-9, _log_loss),
    "accuracy": Metric("accuracy", _CLASSES, True, 0.1, _accuracy),
    "balanced_accuracy": Metric("balanced_accuracy", _CLASSES, True, 0.1, _balanced_accuracy),
    "f1_macro": Metric("f1_macro", _CLASSES, True, 0.1, _f1_macro),
}

DEFAULT_METRIC: dict[Kind, str] = {
    "regression": "r2",
    "binary": "roc_auc",
    "multiclass": "accuracy",
}
