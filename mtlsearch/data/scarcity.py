"""Classes of which so few rows are scored that a score says little."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, Dataset
from mtlsearch.data.folds import fold
from mtlsearch.tasks import LabelColumn, Task

FEW = 20  # rows of a class; below it a score changes with the choice of the rows
BALANCED = 0.5  # of the share that classes of equal size have: more is no imbalance


@dataclass(frozen=True)
class ScarceClass:
    """The rarest class of a task among the rows of one role.

    Attributes:
        task: The name of the task.
        name: The class.
        count: The number of its rows.
        rows: The number of labelled rows.
        role: What the rows are for: "validation" or "test".
        limits: Whether the score rests on these rows: it does where there are two classes.
        others: The number of further labels of a set that have a scarce class.
        values: Of how many values the score is as sure as a mean; None: of `count`.
    """

    task: str
    name: str
    count: int
    rows: int
    role: str
    limits: bool
    others: int = 0
    values: int | None = None

    @property
    def rests_on(self) -> int:
        """Of how many values the score is as sure as a mean."""
        return self.count if self.values is None else self.values

    def __str__(self) -> str:
        more = f" (and few of {self.others} more labels)" if self.others else ""
        return (
            f"task {self.task}: {self.count} of the {self.rows} {self.role} rows "
            f"are of class {self.name}{more}"
        )


def scarce_test_classes(*outer_folds: Dataset) -> list[ScarceClass]:
    """Return for each task with few test rows of a class, over all outer folds, the rarest class.

    Args:
        *outer_folds: The data of each outer fold; of one set of test rows the dataset itself.
    """
    scarce = []
    for task in outer_folds[0].tasks:
        labels = []
        for dataset in outer_folds:
            role = dataset.sources[task.source].splits.role
            labels.append(dataset.targets[task.name][role == TEST])
        scarce += _scarce(task, np.concatenate(labels), "test")
    return scarce


def scarce_validation_classes(dataset: Dataset, seed: int = 0) -> list[ScarceClass]:
    """Return the same for the validation rows of the first fold."""
    rows = fold(dataset, 0, seed).validation
    scarce = []
    for task in dataset.tasks:
        labels = dataset.targets[task.name][rows[task.source]]
        scarce += _scarce(task, labels, "validation")
    return scarce


def _scarce(task: Task, labels: Array, role: str) -> list[ScarceClass]:
    """Return the rarest class among labels [N] or [N, C], where it is scarce.

    Of a set of labels it is that of the label which has fewest.
    """
    if not task.classes:
        return []
    rarest = []
    scarce = []
    for column in task.label_columns(labels):
        entry = _rarest_class(task, column, role)
        rarest.append(entry.count)
        if _is_scarce(entry, column):
            scarce.append(entry)
    if not scarce:
        return []
    scarcest = min(scarce, key=lambda entry: entry.count)
    if not task.kind.labels_per_class:
        return [scarcest]
    values = values_of_mean(rarest)
    others = len(scarce) - 1
    return [replace(scarcest, limits=values < FEW, others=others, values=values)]


def _rarest_class(task: Task, column: LabelColumn, role: str) -> ScarceClass:
    """Return the class with the fewest rows."""
    classes = len(column.classes)
    counts = np.bincount(column.known.astype(int), minlength=classes)
    rarest = int(counts.argmin())
    return ScarceClass(
        task=task.name,
        name=column.classes[rarest],
        count=int(counts[rarest]),
        rows=len(column.known),
        role=role,
        limits=classes == 2,
    )


def _is_scarce(rarest: ScarceClass, column: LabelColumn) -> bool:
    """Tell whether the rarest class of a column is scarce.

    Of two classes it is scarce below FEW rows; of more only if it is rarer than the others, since
    many classes of equal size have few rows each.
    """
    if rarest.count >= FEW:
        return False
    classes = len(column.classes)
    return classes == 2 or rarest.count < BALANCED * rarest.rows / classes


def values_of_mean(counts: Sequence[int]) -> int:
    """Return of how many values a mean over labels is as sure, each resting on so many rows.

    The variance of a label's score falls with its number of rows, so the degrees of freedom of the
    mean are Satterthwaite's (1946) for terms 1 / count. Labels without such a row are not scored.

    >>> values_of_mean([10, 10, 10, 0]), values_of_mean([2, 500])
    (28, 2)
    """
    scored = np.array([count for count in counts if count > 0])
    if not len(scored) or scored.min() < 2:
        return int(len(scored) > 0)
    variances = 1 / scored
    dof = variances.sum() ** 2 / (variances**2 / (scored - 1)).sum()
    return 1 + int(dof)
