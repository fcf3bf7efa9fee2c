"""What a kind of task is: everything that depends on what a target holds."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import numpy as np
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.tasks.metrics import Metric
from mtlsearch.tasks.text import looks_like_files, looks_like_sentences

SHOWN_VALUES = 5

EstimatorLoss = Literal["squared_error", "poisson", "classes"]
"""What a ready-made model of a task minimises."""


@dataclass(frozen=True)
class TargetScale:
    """How labels become the targets of training: (label - mean) / scale."""

    mean: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class TargetColumn:
    """What the labelled rows of a target column hold; test rows are not looked at.

    Attributes:
        numeric: Whether the column holds numbers or booleans rather than text.
        distinct: The distinct values, ascending unless `ordered`; two or more.
        names: The same values as text.
        counts: The number of labelled rows of each of them.
        ordered: Whether the user gave the order of the values, in which they are then.
    """

    numeric: bool
    distinct: tuple[float, ...] | tuple[str, ...]
    names: tuple[str, ...]
    counts: tuple[int, ...]
    ordered: bool = False

    @property
    def labelled(self) -> int:
        """The number of labelled rows."""
        return sum(self.counts)

    @property
    def whole_numbers(self) -> bool:
        """Whether every value is a whole number."""
        if not self.numeric:
            return False
        return all(float(value).is_integer() for value in self.distinct)

    @property
    def gapless(self) -> bool:
        """Whether the values are the whole numbers from 0 or 1 on without a gap.

        So are codes of classes spelled; years, percentages and coordinates are not.
        """
        if not self.whole_numbers:
            return False
        lowest = min(self.distinct)
        highest = max(self.distinct)
        return lowest in (0, 1) and float(highest) - float(lowest) == len(self.distinct) - 1

    @property
    def repeats(self) -> bool:
        """Whether a value occurs twice or more on average."""
        return 2 * len(self.distinct) <= self.labelled

    @property
    def content(self) -> Literal["numbers", "paths of files", "sentences", "text"]:
        """What the values are to a reader; paths and sentences are no classes by themselves."""
        if self.numeric:
            return "numbers"
        if looks_like_files(self.names):
            return "paths of files"
        if looks_like_sentences(self.names, self.labelled):
            return "sentences"
        return "text"

    @property
    def summary(self) -> str:
        """The number of distinct values and of rows, as text."""
        counts = f"{len(self.distinct)} distinct values in {self.labelled} rows"
        return counts if self.numeric else f"{self.content} with {counts}"

    @property
    def description(self) -> str:
        """The summary and the first values, as text."""
        shown = list(self.names[:SHOWN_VALUES])
        if len(self.names) > SHOWN_VALUES:
            shown.append("...")
        values = ", ".join(shown)
        return f"{self.summary}: {values}"


class Estimator(Protocol):
    """A fitted model with the interface of scikit-learn."""

    def predict(self, x: Array) -> Array:
        """Return predictions [N] of inputs [N, F]."""
        ...


class TaskKind(ABC):
    """A kind of task: what its targets hold, how it is trained, predicted, scored and shown.

    A kind has no settings and no state, so that any two instances of one class are equal. To add
    a kind, derive from this class in a file of its own and name it in `TASK_KINDS`. For N rows,
    predictions are values [N], probabilities of class 1 [N] or class probabilities [N, C]. Labels
    are [N], or [N, C] where a row has one for each class; of these some may be NaN.

    Attributes:
        name: How users spell it.
        metrics: The metrics that fit it; the first is taken where none is named.
        is_classification: Whether labels are codes of classes rather than numbers.
        labels_per_class: Whether a row has a label, 0 or 1, for each class, rather than one label.
        transform: What makes predictions of network outputs: one of `runtime.decoding.TRANSFORMS`.
        layout: The columns that spell a prediction: one of `runtime.decoding.LAYOUTS`.
        requirement: What a target column must hold, to be read after "needs".
        estimator_loss: What a ready-made model of the kind minimises.
    """

    name: ClassVar[str]
    metrics: ClassVar[tuple[Metric, ...]]
    is_classification: ClassVar[bool]
    labels_per_class: ClassVar[bool] = False
    transform: ClassVar[str]
    layout: ClassVar[str]
    requirement: ClassVar[str]
    estimator_loss: ClassVar[EstimatorLoss] = "squared_error"

    def __eq__(self, other: object) -> bool:
        """Tell whether the other is of the same kind, though it may have been unpickled."""
        return type(self) is type(other)

    def __hash__(self) -> int:
        """Return a number that is the same for all instances of the kind."""
        return hash(self.name)

    def __repr__(self) -> str:
        """Show the name alone, so that the text of a task is short and the same in every run."""
        return repr(self.name)

    @property
    def default_metric(self) -> Metric:
        """The metric that is taken where none is named and the column has no say in it."""
        return self.metrics[0]

    def metric_for(self, column: TargetColumn) -> tuple[Metric, str]:
        """Return the metric that is taken for a column where none is named, and why.

        The reason is empty for the default metric.
        """
        return self.default_metric, ""

    def possible(self, labels: Array) -> Array:
        """Return which labels [N] of a column can be labels of this kind; NaN always can."""
        return np.ones(len(labels), bool)

    @abstractmethod
    def accepts(self, column: TargetColumn) -> bool:
        """Tell whether a column can be the target where the user says that it is of this kind."""

    def claims(self, column: TargetColumn) -> bool:
        """Tell whether an accepted column is taken for this kind where the user says nothing."""
        return False

    def output_count(self, classes: Sequence[str]) -> int:
        """Return the number C of network outputs of a task."""
        return 1

    @abstractmethod
    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each target, in the shape of the targets, for outputs [*H, B, C].

        Targets are [*H, B], or [*H, B, C] where a row has one for each class; none is NaN.
        """

    def loss_of_others(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the mean loss of the labels that label smoothing goes to, as `loss` does.

        Needed of classifications alone.
        """
        raise NotImplementedError(f"labels of {self.name} are not smoothed")

    def target_scale(self, labels: Array) -> TargetScale:
        """Return how labels are scaled for training, fitted on the labels [N] of training rows."""
        return TargetScale()

    @abstractmethod
    def best_constant(self, labels: Array, classes: Sequence[str]) -> Array:
        """Return the prediction for one row, [] or [C], that fits labels [N] best in this loss."""

    @abstractmethod
    def constant_loss(self, labels: Array) -> float:
        """Return the mean loss of the best constant on labels [N] after they are scaled."""

    def joined_estimator(self, estimators: Sequence[Estimator]) -> Estimator:
        """Return one model of what was fitted to the columns of the labels: there is but one."""
        [estimator] = estimators
        return estimator

    def can_be_fitted(self, labels: Array) -> bool:
        """Tell whether ready-made models for numbers can be fitted to labels [N]."""
        return len(labels) > 0

    @abstractmethod
    def estimator_prediction(
        self,
        estimator: Estimator,
        x: Array,
        classes: Sequence[str],
    ) -> Array:
        """Return the prediction of a ready-made model for inputs [N, F].

        The model was fitted on labels; it is a classifier if the kind is a classification.
        """
