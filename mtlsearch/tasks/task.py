"""One thing to predict."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.runtime.decoding import OutputDecoder
from mtlsearch.tasks.contract import TargetScale, TaskKind
from mtlsearch.tasks.labels import LabelColumn
from mtlsearch.tasks.metrics import Metric
from mtlsearch.tasks.options import NO_OPTIONS, TaskOptions

SMALLEST_BASELINE_LOSS = 1e-3


@dataclass(frozen=True)
class Task:
    """One thing to predict.

    Attributes:
        name: How the user calls it.
        kind: What its target holds.
        metric: How its predictions are scored.
        source: The name of its input source.
        target: The name of its target column.
        classes: The labels in the order of their codes, or of a set of labels in that of the
            outputs, as text; empty where labels are numbers.
        unit: What size a score of the metric has: the spread of the labels that are not test labels
            where the metric has the unit of the target, else 1.
        options: How much it counts, and what it may cost.
    """

    name: str
    kind: TaskKind
    metric: Metric
    source: str
    target: str
    classes: tuple[str, ...] = ()
    unit: float = field(default=1.0, repr=False)
    options: TaskOptions = field(default=NO_OPTIONS, repr=False)

    @property
    def outputs(self) -> int:
        """The number of network outputs."""
        return self.kind.output_count(self.classes)

    def decoder(self, scale: TargetScale) -> OutputDecoder:
        """Return what turns network outputs, trained on targets of this scale, into predictions."""
        return OutputDecoder(
            self.kind.transform, self.kind.layout, self.classes, scale.mean, scale.scale
        )

    def baseline_loss(self, labels: Array) -> float:
        """Return the loss of the best constant on labels, at least SMALLEST_BASELINE_LOSS.

        Losses are divided by it, so that tasks can be added up.
        """
        return max(self.kind.constant_loss(labels), SMALLEST_BASELINE_LOSS)

    def constant_score(self, labels: Array, scored_labels: Array | None = None) -> float:
        """Return the score of the constant that fits labels best.

        It is NaN where the metric is not defined on the labels that are scored.

        Args:
            labels: The labels that the constant fits, [N] or [N, C], each row with one.
            scored_labels: The labels that it is scored on, likewise; None: the same.
        """
        if scored_labels is None:
            scored_labels = labels
        constant = self.kind.best_constant(labels, self.classes)
        prediction = np.broadcast_to(constant, (len(scored_labels), *constant.shape))
        return self.metric.score(scored_labels, prediction)

    def label_columns(self, labels: Array) -> list[LabelColumn]:
        """Return labels [N] as one column, or labels [N, C] as one for each class."""
        if not self.kind.labels_per_class:
            return [LabelColumn(self.name, self.classes, labels)]
        columns = []
        for label, codes in zip(self.classes, labels.T, strict=True):
            column = LabelColumn(f"{self.name}.{label}", (f"no {label}", label), codes)
            columns.append(column)
        return columns


def scored(tasks: Iterable[Task]) -> list[Task]:
    """Return the tasks that are not auxiliary: those that candidates are compared on."""
    return [task for task in tasks if not task.options.auxiliary]
