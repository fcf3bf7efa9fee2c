"""Whether every task can be scored: known from its labels alone, before anything is trained."""

from collections.abc import Iterable

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, Dataset
from mtlsearch.data.folds import fold
from mtlsearch.data.search_rows import thinned
from mtlsearch.errors import DataError
from mtlsearch.tasks import Task, has_label


def check_test_rows(dataset: Dataset) -> None:
    """Raise DataError where the metric of a task is undefined on its test rows."""
    for task in dataset.tasks:
        role = dataset.sources[task.source].splits.role
        labels = dataset.targets[task.name][role == TEST]
        if not is_defined(task, labels):
            raise DataError(
                f"{dataset.name}: {task.name}: {task.metric.name} is not defined on the "
                f"{len(labels)} test rows: {_reason(task, labels)}"
            )


def check_validation_rows(dataset: Dataset, replicates: Iterable[int], seed: int) -> None:
    """Raise DataError where the metric of a task is undefined on a fold's validation rows.

    Args:
        dataset: What is divided into folds.
        replicates: The numbers of the replicates whose folds are checked.
        seed: The seed of the study.
    """
    for number in replicates:
        rows = fold(dataset, number, seed)
        for task in dataset.tasks:
            labels = dataset.targets[task.name][rows.validation[task.source]]
            if not is_defined(task, labels):
                raise DataError(_undefined_on_fold(dataset, task, labels))


def check_search_rows(dataset: Dataset, search_rows: int) -> None:
    """Raise DataError where the metric of a task is undefined on the rows that a search reads.

    Args:
        dataset: What is divided into folds.
        search_rows: How many training rows of a source it reads at most.
    """
    rows = thinned(dataset, fold(dataset, 0, 0), search_rows, 0)
    for task in dataset.tasks:
        targets = dataset.targets[task.name]
        for part in (rows.train, rows.validation):
            labels = targets[part[task.source]]
            if not is_defined(task, labels):
                raise DataError(
                    f"{dataset.name}: {task.name}: {task.metric.name} is not defined on the "
                    f"{len(labels)} rows that the search would read with training.rows "
                    f"{search_rows}: {_reason(task, labels)}; say more of them, or all"
                )


def is_defined(task: Task, labels: Array) -> bool:
    """Tell whether the metric of a task has a value on rows with labels, NaN for none."""
    labelled = labels[has_label(labels)]
    if not len(labelled):
        return False
    return not np.isnan(task.constant_score(labelled))


def _undefined_on_fold(dataset: Dataset, task: Task, labels: Array) -> str:
    splits = dataset.sources[task.source].splits
    rows = f"{len(labels)} validation rows"
    advice = "give more labelled rows or another metric"
    if not splits.given:
        rows += " of a fold"
        advice = "give more labelled rows, a split column with val, or another metric"
    finding = f"of the {rows} {_reason(task, labels)}"
    codes = np.unique(labels[~np.isnan(labels)]).tolist()
    absent = [name for code, name in enumerate(task.classes) if code not in codes]
    if codes and absent and not task.kind.labels_per_class:
        finding = f"0 of the {rows} are of class {absent[0]}"
    return (
        f"{dataset.name}: task {task.name}: {finding}; "
        f"{task.metric.name} is not defined on them: {advice}"
    )


def _reason(task: Task, labels: Array) -> str:
    """Say what is wrong with labels on which a metric is undefined."""
    labelled = labels[has_label(labels)]
    if not len(labelled):
        return "none has a label"
    if len(labelled) == 1 < len(labels):
        return "only one has a label"
    if task.kind.labels_per_class:
        return "no label is there in some and absent from others"
    those = "all are" if len(labelled) == len(labels) else f"all {len(labelled)} labelled ones are"
    value = labelled[0]
    if task.classes:
        return f"{those} of class {task.classes[int(value)]}"
    return f"{those} {value:g}"
