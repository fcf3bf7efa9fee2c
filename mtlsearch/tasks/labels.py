"""The labels of N rows: one for each row [N], or one for each row and class [N, C]."""

from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array


@dataclass(frozen=True)
class LabelColumn:
    """The labels of a task where a row has one; of a set of labels, whether rows have one of them.

    Attributes:
        name: The name of the task; of a label of a set also that of the label.
        classes: The classes in the order of their codes, as text; empty where labels are numbers.
        labels: Values or codes of classes [N], NaN where there is none.
    """

    name: str
    classes: tuple[str, ...]
    labels: Array

    @property
    def known(self) -> Array:
        """The labels that are there."""
        known: Array = self.labels[~np.isnan(self.labels)]
        return known


def has_label(labels: Array) -> Array:
    """Return which rows [N] of labels [N] or [N, C] have a label; of several one is enough."""
    known = ~np.isnan(labels)
    if labels.ndim == 1:
        return known
    return np.asarray(known.any(1))
