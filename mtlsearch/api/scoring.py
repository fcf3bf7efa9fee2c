"""The mean skill of a model on rows with targets that the study has never seen."""

from pathlib import Path

import numpy as np

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.given_data import as_file
from mtlsearch.api.predicting import predict_tasks
from mtlsearch.arrays import Array
from mtlsearch.columns import Column, RawTable, resolve
from mtlsearch.data import TEST, Dataset, read_table
from mtlsearch.errors import DataError
from mtlsearch.evidence.skill import SkillScale, SkillScales
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.scratch import scratch_folder
from mtlsearch.tasks import Task


def mean_skill(
    model: Predictor,
    dataset: Dataset,
    X: object,
    y: object,
    source: str | None,
    announcer: Announcer,
) -> float:
    """Return the mean skill of a model on rows of a source, in points.

    The constants that have no skill are those of the rows of the study that are no test rows.

    Args:
        model: The model.
        dataset: The data of the study.
        X: N rows of inputs, and of targets unless `y` has them.
        y: The targets.
        source: Which source the rows are of, of several.
        announcer: Is told what is odd about the rows.

    Raises:
        DataError: A target column is missing, or a task cannot be scored on these rows.
    """
    with scratch_folder() as temporary:
        given = as_file(X, y, temporary, [task.name for task in dataset.tasks])
        with given.called():
            table = read_table(Path(given.name))
            predictions = predict_tasks(model, Path(given.name), source, announcer)
    scales = []
    scores = {}
    for task in dataset.tasks:
        if task.options.auxiliary or task.name not in predictions:
            continue
        labels = _labels(task, table)
        scores[task.name] = task.metric.score(labels, predictions[task.name])
        if np.isnan(scores[task.name]):
            raise DataError(
                f"score: {task.name}: {task.metric.name} is not defined on these rows; they need "
                "labels, and of classes more than one"
            )
        is_test = dataset.sources[task.source].splits.role == TEST
        known = dataset.targets[task.name][~is_test]
        scales.append(SkillScale.fit(task, known, labels))
    if not scales:
        names = ", ".join(predictions)
        raise DataError(f"score: all tasks of these rows are auxiliary: {names}")
    return SkillScales(tuple(scales)).mean(scores)


def _labels(
    task: Task,
    table: RawTable,
) -> Array:
    """The labels of a task as it is trained on them, float64 [N], or [N, C] of a set of labels."""
    if not task.kind.labels_per_class:
        return _codes(task, table) if task.kind.is_classification else _numbers(task, table)
    columns = []
    for name in task.classes:
        numbers = _numbers(task, table, name)
        columns.append(np.where(np.isnan(numbers), np.nan, numbers != 0))
    return np.column_stack(columns)


def _numbers(
    task: Task,
    table: RawTable,
    name: str | None = None,
) -> Array:
    """The numbers in a column of a task, float64 [N]; truth counts as 1."""
    column = _column(task, table, name or task.target)
    if not column.numeric:
        raise DataError(f"score: {task.name}: column {name or task.target} must hold numbers")
    return np.asarray(column.values, np.float64)


def _codes(
    task: Task,
    table: RawTable,
) -> Array:
    """The codes of the classes in the column of a task, float64 [N]; NaN for none and unknown."""
    column = _column(task, table, task.target)
    codes = {name: code for code, name in enumerate(task.classes)}
    labels = np.full(len(column.values), np.nan)
    for row in np.flatnonzero(column.present):
        name = column.name_of(column.values[row])
        labels[row] = codes.get(name, np.nan)
    return labels


def _column(
    task: Task,
    table: RawTable,
    name: str,
) -> Column:
    """A column of a task, whose types are judged by all rows."""
    if name not in table.cells.columns:
        raise DataError(f"score: {task.name}: there is no column {name} with its labels")
    every_row = np.ones(len(table.cells), bool)
    return resolve(table.column(name), every_row)
