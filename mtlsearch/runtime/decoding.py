"""From network outputs to predictions, and from predictions to columns of a table.

Needs numpy only: exported folders hold a copy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LABEL_SEPARATORS = (";", "|")  # of which one is between several labels in text


@dataclass(frozen=True)
class OutputDecoder:
    """Turns the outputs of a network for one task into predictions in the task's own units.

    Attributes:
        transform: A name in TRANSFORMS: what makes predictions of outputs.
        layout: A name in LAYOUTS: which columns spell a prediction.
        classes: The labels in the order of their codes or of the outputs; empty where predictions
            are values.
        mean: What an output of 0 stands for, where predictions are values.
        scale: What a difference of 1 between outputs stands for, where predictions are values.

    Example:
        >>> decoder = OutputDecoder("logistic", "probability", ("no", "yes"))
        >>> decoder.to_columns("ill", decoder.to_predictions(np.array([[0.0], [-800.0]])))
        {'ill': ['yes', 'no'], 'ill_probability': [0.5, 0.0]}
    """

    transform: str
    layout: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "OutputDecoder":
        """Return the decoder that a record describes; its other keys are ignored."""
        return cls(
            record["transform"],
            record["layout"],
            tuple(record["classes"]),
            record["mean"],
            record["scale"],
        )

    def to_json(self) -> dict[str, Any]:
        """Return the attributes as plain text and numbers."""
        return {
            "transform": self.transform,
            "layout": self.layout,
            "classes": list(self.classes),
            "mean": self.mean,
            "scale": self.scale,
        }

    def to_predictions(self, outputs: Array) -> Array:
        """Return the predictions of outputs [*, C]: float64 [*], or [*, C] if one per class."""
        transform = TRANSFORMS[self.transform]
        exact = np.asarray(outputs, np.float64)
        return transform(self, exact)

    def rows_to_predictions(self, outputs: Array) -> Array:
        """Return the predictions of a network for N rows: float64 [N], or [N, C] if one per class.

        Its outputs are [N, C]; or [N, k, C] if it is an ensemble, of which each of the k members
        predicts: then the mean of their values or probabilities counts.
        """
        predictions = self.to_predictions(outputs)
        if outputs.ndim == 2:
            return predictions
        return np.asarray(predictions.mean(axis=1))

    def column_names(self, name: str) -> list[str]:
        """Return the names of the columns that spell a prediction of the task `name`."""
        layout = LAYOUTS[self.layout]
        number_names = layout.number_names(name, self.classes)
        if layout.spell is None:
            return number_names
        return [name, *number_names]

    def to_columns(self, name: str, predictions: Array) -> dict[str, list[Any]]:
        """Return predictions for N rows as named columns: labels of classes, and numbers."""
        layout = LAYOUTS[self.layout]
        columns: dict[str, list[Any]] = {}
        if layout.spell is not None:
            columns[name] = layout.spell(self.classes, predictions)

        number_names = layout.number_names(name, self.classes)
        numbers = predictions if layout.per_class else predictions[:, None]
        for column, values in zip(number_names, numbers.T, strict=True):
            columns[column] = values.tolist()
        return columns

    def from_columns(self, columns: Sequence[Sequence[str]]) -> Array:
        """Return the predictions that `to_columns` spelled, from the text in its columns."""
        layout = LAYOUTS[self.layout]
        number_columns = columns
        if layout.spell is not None:
            number_columns = columns[1:]
        numbers = np.array(number_columns, np.float64)
        return numbers.T if layout.per_class else numbers[0]


def _affine(decoder: OutputDecoder, outputs: Array) -> Array:
    values = outputs[..., 0] * decoder.scale + decoder.mean
    return np.asarray(values)


def _logistic(decoder: OutputDecoder, outputs: Array) -> Array:
    return _logistic_per_class(decoder, outputs[..., 0])


def _logistic_per_class(decoder: OutputDecoder, outputs: Array) -> Array:
    # 1 / (1 + exp(-x)), which does not overflow in this form.
    log_probabilities = -np.logaddexp(0.0, -outputs)
    return np.asarray(np.exp(log_probabilities))


def _softmax(decoder: OutputDecoder, outputs: Array) -> Array:
    largest = outputs.max(axis=-1, keepdims=True)
    powers = np.exp(outputs - largest)
    total = powers.sum(axis=-1, keepdims=True)
    return np.asarray(powers / total)


def _exponential(decoder: OutputDecoder, outputs: Array) -> Array:
    rates = np.exp(outputs[..., 0])
    return np.asarray(rates * decoder.scale)


def _cumulative(decoder: OutputDecoder, outputs: Array) -> Array:
    """Return the probabilities [*, C] of ordered classes for outputs [*, C - 1].

    The first output is the logit of being above class 0. The logit of being above class k is
    lower than that before it by softplus(output k), so that no probability is negative.
    """
    falls = np.logaddexp(0.0, outputs[..., 1:])
    fallen = np.cumsum(falls, axis=-1)
    first = outputs[..., :1]
    logits = np.concatenate([first, first - fallen], axis=-1)
    log_above = -np.logaddexp(0.0, -logits)
    log_below = -np.logaddexp(0.0, logits)
    # sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) sigmoid(x), where a - b = softplus(x)
    log_between = -np.logaddexp(0.0, -outputs[..., 1:])
    log_middle = log_above[..., :-1] + log_below[..., 1:] + log_between
    parts = [log_below[..., :1], log_middle, log_above[..., -1:]]
    return np.asarray(np.exp(np.concatenate(parts, axis=-1)))


TRANSFORMS: dict[str, Callable[[OutputDecoder, Array], Array]] = {
    "affine": _affine,
    "exponential": _exponential,
    "cumulative": _cumulative,
    "logistic": _logistic,
    "logistic_per_class": _logistic_per_class,
    "softmax": _softmax,
}


@dataclass(frozen=True)
class ColumnLayout:
    """Which columns spell a prediction: a label where there are classes, then numbers.

    Attributes:
        number_names: From the task's name and classes to the names of the columns of numbers.
        spell: From classes and predictions to the label of each of N rows, as text; None where
            predictions are values.
        per_class: Whether a prediction is one number per class, [N, C] rather than [N].
    """

    number_names: Callable[[str, Sequence[str]], list[str]]
    spell: Callable[[Sequence[str], Array], list[str]] | None
    per_class: bool


def _own_name(name: str, classes: Sequence[str]) -> list[str]:
    return [name]


def _probability_name(name: str, classes: Sequence[str]) -> list[str]:
    return [f"{name}_probability"]


def _name_per_class(name: str, classes: Sequence[str]) -> list[str]:
    return [f"{name}={label}" for label in classes]


def _name_per_label(name: str, classes: Sequence[str]) -> list[str]:
    return [f"{name}.{label}" for label in classes]


def _likelier_of_two(classes: Sequence[str], predictions: Array) -> list[str]:
    likelier = predictions >= 0.5
    return [classes[code] for code in likelier.astype(int)]


def _likeliest(classes: Sequence[str], predictions: Array) -> list[str]:
    return [classes[code] for code in predictions.argmax(axis=1)]


def _likely_labels(classes: Sequence[str], predictions: Array) -> list[str]:
    """Return the labels of a probability of 0.5 or more, with a mark between that none of them has.

    A row that is likely to have none of them gets empty text.
    """
    unused = [mark for mark in LABEL_SEPARATORS if not any(mark in label for label in classes)]
    separator = (unused or LABEL_SEPARATORS)[0]
    cells = []
    for row in predictions >= 0.5:
        labels = [label for label, is_likely in zip(classes, row, strict=True) if is_likely]
        cells.append(separator.join(labels))
    return cells


LAYOUTS: dict[str, ColumnLayout] = {
    "value": ColumnLayout(
        number_names=_own_name,
        spell=None,
        per_class=False,
    ),
    "probability": ColumnLayout(
        number_names=_probability_name,
        spell=_likelier_of_two,
        per_class=False,
    ),
    "probabilities": ColumnLayout(
        number_names=_name_per_class,
        spell=_likeliest,
        per_class=True,
    ),
    "labels": ColumnLayout(
        number_names=_name_per_label,
        spell=_likely_labels,
        per_class=True,
    ),
}
