"""Several labels at once, such as the topics of a text: a task for each label, or one for all.

The labels are columns, or the lists in one column: Parquet's, or text such as `sport;news`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import RawTable, resolve
from mtlsearch.data.card import Card, TaskCard
from mtlsearch.data.readers import require_columns
from mtlsearch.errors import DataError
from mtlsearch.runtime.decoding import LABEL_SEPARATORS
from mtlsearch.wording import first_of_many

Tables = Mapping[str, RawTable]

LISTS = (list, tuple, set, np.ndarray)
FEWEST_ROWS = 10  # with a label and without it, for it to be a task


@dataclass(frozen=True)
class _Labels:
    """The labels of a task.

    Attributes:
        targets: The columns that say which rows have each label.
        ignored: Columns that are neither that nor inputs.
        table: The table with these columns.
        notices: What is left out.
    """

    targets: tuple[str, ...]
    ignored: tuple[str, ...]
    table: RawTable
    notices: list[str]

    @classmethod
    def of(cls, name: str, task: TaskCard, table: RawTable, where: str) -> Self:
        """Return the labels of a task of a table. Raises DataError where there are none."""
        if task.targets is None:
            return cls._of_lists(name, task.target or name, table, where)
        return cls._of_columns(task.targets, table, where)

    @classmethod
    def _of_lists(cls, name: str, target: str, table: RawTable, where: str) -> Self:
        cells = table.cells
        labels, notices = _from_lists(cells[target], name, where)
        for column in labels.columns.intersection(cells.columns):
            raise DataError(f'{where}: there is a column "{column}" already; rename the task')
        extended = replace(table, cells=pd.concat([cells, labels], axis=1))
        return cls(tuple(map(str, labels)), (target,), extended, notices)

    @classmethod
    def _of_columns(cls, targets: Sequence[str], table: RawTable, where: str) -> Self:
        """Return the labels that columns say, without the rare ones."""
        everything = np.ones(len(table.cells), bool)
        rare = []
        for target in targets:
            column = resolve(table.column(target), everything)
            counts = pd.Series(column.values).value_counts()
            holds_label = len(counts) <= 2  # what else it holds is judged without test rows
            if holds_label and (len(counts) < 2 or counts.min() < FEWEST_ROWS):
                rare.append(target)
        kept = tuple(target for target in targets if target not in rare)
        if not kept:
            raise DataError(_no_label(targets, where))
        return cls(kept, tuple(rare), table, _rare_notices(rare, where))


def label_names(task: str, columns: Sequence[str]) -> list[str]:
    """Return the names of labels by their columns, which may begin with that of the task.

    >>> label_names("topics", ["topics.sport", "topics.news"])
    ['sport', 'news']
    """
    names = [column.removeprefix(f"{task}.") for column in columns]
    return names if len(set(names)) == len(names) else list(columns)


def expand(card: Card, tables: Tables, where: str) -> tuple[Card, Tables, list[str]]:
    """Return the card with a column for each label, the tables with these columns, and notices.

    Where each label is a task, that of the label `sport` of a task `topics` is `topics.sport`,
    with the options of `topics`.

    Raises:
        DataError: A column holds no lists of labels. The message begins with `where`.
    """
    if not any(task.has_labels for task in card.tasks.values()):
        return card, tables, []
    tasks: dict[str, TaskCard] = {}
    ignored: dict[str, list[str]] = {name: [] for name in tables}
    changed = dict(tables)
    notices = []
    for name, task in card.tasks.items():
        if not task.has_labels:
            tasks[name] = task
            continue
        source = task.source or ""
        place = f"{where}: {name}"
        table = changed[source]
        require_columns(f"{where}: tasks.{name}", table.cells, task.target_columns)
        labels = _Labels.of(name, task, table, place)
        changed[source] = labels.table
        ignored[source] += labels.ignored
        notices += labels.notices
        if not task.is_separate:
            tasks[name] = task.for_labels(labels.targets)
            shown = first_of_many(label_names(name, labels.targets))
            notices.append(f"{place}: {len(labels.targets)} labels, as one task: {shown}")
            continue
        separate = _separate_tasks(name, task, labels.targets)
        for label in separate:
            if label in tasks or label in card.tasks:
                raise DataError(f'{place}: there is a task "{label}" already; rename one of both')
        tasks |= separate
        shown = first_of_many(list(separate))
        notices.append(f"{place}: labels, as {len(separate)} binary tasks: {shown}")
    return card.with_tasks(tasks, ignored, where), changed, notices


def _separate_tasks(name: str, task: TaskCard, targets: Sequence[str]) -> dict[str, TaskCard]:
    """Return a task for each label, whose column may be called like it already."""
    tasks = {}
    for target in targets:
        label = f"{name}.{target}" if task.targets is not None else target
        tasks[label] = task.for_label(target)
    return tasks


def _from_lists(
    column: "pd.Series[Any]",
    name: str,
    where: str,
) -> tuple[pd.DataFrame, list[str]]:
    """Return a column of words, true or false, for each label, and notices of those left out."""
    lists = [_labels(cell, separator) for cell, separator in _cells(column, where)]
    labelled = [labels for labels in lists if labels is not None]
    counts = Counter(label for labels in labelled for label in labels)
    columns = {}
    rare = []
    for label, count in sorted(counts.items()):
        if min(count, len(labelled) - count) < FEWEST_ROWS:
            rare.append(label)
            continue
        columns[f"{name}.{label}"] = _membership(label, lists)
    if not columns:
        raise DataError(_no_label(sorted(counts), where))
    return pd.DataFrame(columns, index=column.index), _rare_notices(rare, where)


def _no_label(labels: Sequence[str], where: str) -> str:
    return (
        f"{where}: none of {len(labels)} labels is in {FEWEST_ROWS} rows or more "
        f"and absent from as many; found {first_of_many(labels)}"
    )


def _rare_notices(rare: Sequence[str], where: str) -> list[str]:
    """Say which labels are left out, if any."""
    if not rare:
        return []
    return [
        f"{where}: {len(rare)} labels are left out, each in fewer than {FEWEST_ROWS} rows "
        f"or absent from fewer: {first_of_many(rare)}"
    ]


def _cells(column: "pd.Series[Any]", where: str) -> Iterator[tuple[object, str]]:
    """Return the cells, each with what separates labels in text."""
    filled = column.dropna()
    filled = filled[filled.map(lambda cell: isinstance(cell, LISTS) or cell != "")]
    are_lists = [isinstance(cell, LISTS) for cell in filled]
    separator = ""
    if not all(are_lists):
        text = filled.astype(str)
        used = [mark for mark in LABEL_SEPARATORS if text.str.contains(mark, regex=False).any()]
        if any(are_lists) or len(used) != 1:
            marks = " and ".join(used) or "neither"
            raise DataError(
                f"{where}: allowed are lists, or text in which labels are separated by "
                f'";" or by "|", found {marks} in a column like "{text.iloc[0]}"'
            )
        [separator] = used
    return ((cell, separator) for cell in column)


def _labels(cell: object, separator: str) -> frozenset[str] | None:
    """Return the labels of a row; None where the cell is empty."""
    if isinstance(cell, LISTS):
        return frozenset(str(label) for label in cell)
    if cell == "" or pd.isna(cell):  # type: ignore[call-overload]
        return None
    words = [word.strip() for word in str(cell).split(separator)]
    return frozenset(word for word in words if word)


def _membership(label: str, lists: list[frozenset[str] | None]) -> Array:
    """Return which rows [N] have a label: "True", "False", or "" where labels are missing."""
    cells = np.full(len(lists), "", dtype=object)
    for row, labels in enumerate(lists):
        if labels is not None:
            cells[row] = str(label in labels)
    return cells
