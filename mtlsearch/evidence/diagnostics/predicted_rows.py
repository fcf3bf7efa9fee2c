"""The labelled test rows of a task beside what a model predicts for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.tasks import Task, has_label


@dataclass(frozen=True)
class PredictedRows:
    """N labelled test rows of a task.

    Attributes:
        task: The task.
        rows: The numbers [N] of the rows in the table of the task's source, from 0.
        labels: The labels, [N], or [N, C] of a set of labels, of which some may be NaN.
        predictions: Values [N], the probabilities of class 1 [N], or of C classes [N, C].
    """

    task: Task
    rows: Array
    labels: Array
    predictions: Array

    @classmethod
    def labelled(
        cls,
        task: Task,
        rows: Array,
        labels: Array,
        predictions: Array,
    ) -> "PredictedRows":
        """Return those of some rows that have a label."""
        known = has_label(labels)
        return cls(task, rows[known], labels[known], predictions[known])

    @classmethod
    def joined(cls, parts: Sequence["PredictedRows"]) -> "PredictedRows":
        """Return the rows of several sets of test rows as one."""
        return cls(
            parts[0].task,
            np.concatenate([part.rows for part in parts]),
            np.concatenate([part.labels for part in parts]),
            np.concatenate([part.predictions for part in parts]),
        )

    @property
    def count(self) -> int:
        """The number of rows."""
        return len(self.rows)
