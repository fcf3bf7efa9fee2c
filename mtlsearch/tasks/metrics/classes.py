"""Metrics of class probabilities: of class 1 alone [N], or of each of C classes [N, C]."""

import numpy as np
import torch
from sklearn import metrics as sklearn_metrics
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.metrics.metric import Metric, class_count, masked_mean

LEAST_PROBABILITY = 1e-15  # of the true class: with it, scikit-learn has nothing left to clip


def _log_loss(labels: Array, prediction: Array) -> float:
    columns = prediction
    if prediction.ndim == 1:
        columns = np.column_stack([1 - prediction, prediction])
    columns = np.clip(columns, LEAST_PROBABILITY, 1)
    shares = columns / columns.sum(1, keepdims=True)
    codes = np.arange(columns.shape[1])
    loss = sklearn_metrics.log_loss(labels, shares, labels=codes)
    return float(loss)


def _log_loss_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    columns = prediction
    if prediction.ndim == 2:
        columns = torch.stack([1 - prediction, prediction], 2)
    columns = columns.clamp(LEAST_PROBABILITY, 1)
    codes = labels.long()
    of_true_class = columns.gather(2, codes[..., None])
    shares = of_true_class[..., 0] / columns.sum(2)
    return masked_mean(-shares.log(), labelled)


def _accuracy(labels: Array, prediction: Array) -> float:
    codes = predicted_codes(prediction)
    score = sklearn_metrics.accuracy_score(labels, codes)
    return float(score)


def _accuracy_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    hits = predicted_codes_batched(prediction) == labels
    return masked_mean(hits.double(), labelled)


def _balanced_accuracy(labels: Array, prediction: Array) -> float:
    """Return the mean recall over the classes that occur among the labels."""
    codes = predicted_codes(prediction)
    occurring = np.unique(labels)
    score = sklearn_metrics.recall_score(
        labels,
        codes,
        labels=occurring,
        average="macro",
        zero_division=0,
    )
    return float(score)


def _balanced_accuracy_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    hits, support, _ = _confusion(prediction, labels, labelled)
    recall = hits / support.clamp(min=1)
    occurring = support > 0
    return recall.sum(1) / occurring.sum(1)


def _f1_macro(labels: Array, prediction: Array) -> float:
    """Return the mean F1 over the classes that occur among the labels or are predicted."""
    codes = predicted_codes(prediction)
    classes = prediction.shape[1] if prediction.ndim == 2 else 2
    score = sklearn_metrics.f1_score(
        labels,
        codes,
        labels=np.arange(classes),
        average="macro",
        zero_division=np.nan,
    )
    return float(score)


def _f1_macro_batched(prediction: Tensor, labels: Tensor, labelled: Tensor) -> Tensor:
    hits, support, predicted = _confusion(prediction, labels, labelled)
    occurrences = support + predicted
    f1 = 2 * hits / occurrences.clamp(min=1)
    counted = occurrences > 0
    return f1.sum(1) / counted.sum(1)


def _confusion(
    prediction: Tensor, labels: Tensor, labelled: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the numbers of hits, of labels and of predictions of each class, float64 [H, C]."""
    codes = predicted_codes_batched(prediction)
    true_codes = labels.long()
    zeros = true_codes.new_zeros(len(prediction), class_count(prediction))
    counted = labelled.long()
    hit = labelled & (codes == true_codes)

    hits = zeros.scatter_add(1, true_codes, hit.long())
    support = zeros.scatter_add(1, true_codes, counted)
    predicted = zeros.scatter_add(1, codes, counted)
    return hits.double(), support.double(), predicted.double()


def predicted_codes(prediction: Array) -> Array:
    """Return the predicted class codes [N]: of equals the first, of two class 1 from 0.5 on."""
    codes = prediction.argmax(1) if prediction.ndim == 2 else prediction >= 0.5
    return np.asarray(codes, np.float64)


def predicted_codes_batched(prediction: Tensor) -> Tensor:
    """Return the predicted class codes, int64 [H, N]; see `predicted_codes`."""
    if prediction.ndim == 3:
        return prediction.argmax(2)
    likely = prediction >= 0.5
    return likely.long()


LOG_LOSS = Metric(
    name="log_loss",
    higher_is_better=False,
    floor=1e-9,
    of_classes=True,
    function=_log_loss,
    batched=_log_loss_batched,
)
ACCURACY = Metric(
    name="accuracy",
    higher_is_better=True,
    floor=0.1,
    of_classes=True,
    function=_accuracy,
    batched=_accuracy_batched,
)
BALANCED_ACCURACY = Metric(
    name="balanced_accuracy",
    higher_is_better=True,
    floor=0.1,
    of_classes=True,
    function=_balanced_accuracy,
    batched=_balanced_accuracy_batched,
)
F1_MACRO = Metric(
    name="f1_macro",
    higher_is_better=True,
    floor=0.1,
    of_classes=True,
    function=_f1_macro,
    batched=_f1_macro_batched,
)
