"""Classes of which so few rows are scored that a score says little."""

from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, Dataset
from mtlsearch.data.folds import fold
from mtlsearch.tasks import Task

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
    """

    task: str
    name: str
    count: int
    rows: int
    role: str
    limits: bool

    def __str__(self) -> str:
        return (
            f"task {self.task}: {self.count} of the {self.rows} {self.role} rows "
            f"are of class {self.name}"
        )


def scarce_test_classes(dataset: Dataset) -> list[ScarceClass]:
    """Return for each task with few test rows of a class the rarest class."""
    scarce = []
    for task in dataset.tasks:
        role = dataset.sources[task.source].splits.role
        labels = dataset.targets[task.name][role == TEST]
        scarce += _scarce(task, labels, "test")
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
    """Return the rarest class among labels [N], where it is scarce.

    Of two classes it is scarce below FEW rows; of more only if it is rarer than the others, since
    many classes of equal size have few rows each.
    """
    labelled = labels[~np.isnan(labels)]
    classes = len(task.classes)
    if not classes:
        return []
    counts = np.bincount(labelled.astype(int), minlength=classes)
    rarest = int(counts.argmin())
    count = int(counts[rarest])
    balanced = BALANCED * len(labelled) / classes
    if count >= FEW or (classes > 2 and count >= balanced):
        return []
    scarce = ScarceClass(
        task=task.name,
        name=task.classes[rarest],
        count=count,
        rows=len(labelled),
        role=role,
        limits=classes == 2,
    )
    return [scarce]
