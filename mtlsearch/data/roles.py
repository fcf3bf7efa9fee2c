"""What of a dataset depends on which rows are test rows.

These are the strata that folds mix and the units of the scores: both are judged without test rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, Dataset, Splits
from mtlsearch.tasks import Task, TaskKind, has_label
from mtlsearch.tasks.metrics import Metric

NOTHING = -1  # the code of a row without a label


def unit_of(kind: TaskKind, metric: Metric, labels: Array) -> float:
    """Return the size of a score of a task, from its labels on rows that are not test rows."""
    if not metric.in_target_unit:
        return 1.0
    labelled = labels[has_label(labels)]
    return kind.target_scale(labelled).scale


def label_codes(
    source: str,
    tasks: Iterable[Task],
    targets: Mapping[str, Array],
) -> Array | None:
    """Return the codes [N, S] of a source's classification tasks, -1 for no label.

    Each label of a set counts as a task. None where there is no such task.
    """
    columns = []
    for task in tasks:
        if task.source != source or not task.kind.is_classification:
            continue
        for column in task.label_columns(targets[task.name]):
            columns.append(np.nan_to_num(column.labels, nan=NOTHING))
    if not columns:
        return None
    return np.column_stack(columns).astype(np.int64)


def with_strata(
    source: str,
    splits: Splits,
    tasks: Iterable[Task],
    targets: Mapping[str, Array],
) -> Splits:
    """Return the splits of a source with the codes of its classification tasks as strata.

    The code is -1 for rows without a label and for test rows.
    """
    codes = label_codes(source, tasks, targets)
    if codes is None:
        return splits
    is_test = splits.role == TEST
    strata = np.where(is_test[:, None], NOTHING, codes)
    return replace(splits, strata=strata)


def with_splits(dataset: Dataset, splits: Mapping[str, Splits]) -> Dataset:
    """Return the dataset with other roles of its rows; inputs and targets are the same objects.

    What columns and targets were taken for stays as it is.
    """
    sources = {}
    for name, source in dataset.sources.items():
        stratified = with_strata(name, splits[name], dataset.tasks, dataset.targets)
        sources[name] = replace(source, splits=stratified)
    tasks = []
    for task in dataset.tasks:
        non_test = splits[task.source].role != TEST
        labels = dataset.targets[task.name][non_test]
        unit = unit_of(task.kind, task.metric, labels)
        tasks.append(replace(task, unit=unit))
    return replace(dataset, sources=sources, tasks=tuple(tasks))
