"""Several labels at once, such as the topics of a text: a binary task for each label.

The labels are columns, or the lists in one column: Parquet's, or text such as `sport;news`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import RawTable
from mtlsearch.data.card import Card, TaskCard
from mtlsearch.data.readers import require_columns
from mtlsearch.errors import DataError

Tables = Mapping[str, RawTable]

SEPARATORS = (";", "|")
LISTS = (list, tuple, set, np.ndarray)
FEWEST_ROWS = 10  # with a label and without it, for it to be a task
MOST_SHOWN = 8  # names in a notice


def expand(card: Card, tables: Tables, where: str) -> tuple[Card, Tables, list[str]]:
    """Return the card with a binary task for each label, the tables with their columns, notices.

    A task `topics` with the label `sport` becomes `topics.sport`, with the options of `topics`.

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
        cells = changed[source].cells
        require_columns(f"{where}: tasks.{name}", cells, task.target_columns)
        if task.targets is None:
            labels, left_out = _from_lists(cells[task.target], name, place)
            for column in labels.columns.intersection(cells.columns):
                raise DataError(f'{place}: there is a column "{column}" already; rename the task')
            changed[source] = replace(changed[source], cells=pd.concat([cells, labels], axis=1))
            ignored[source].append(task.target or name)
            notices += left_out
            targets = {str(column): str(column) for column in labels}
        else:
            targets = {f"{name}.{target}": target for target in task.targets}
        for label, target in targets.items():
            if label in tasks or label in card.tasks:
                raise DataError(f'{place}: there is a task "{label}" already; rename one of both')
            tasks[label] = task.for_label(target)
        notices.append(f"{place}: labels, as {len(targets)} binary tasks: {_first(list(targets))}")
    return card.with_tasks(tasks, ignored, where), changed, notices


def _from_lists(
    column: "pd.Series[Any]",
    name: str,
    where: str,
) -> tuple[pd.DataFrame, list[str]]:
    """Return a column of True, False and None for each label, and notices of those left out."""
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
        raise DataError(
            f"{where}: none of {len(counts)} labels is in {FEWEST_ROWS} rows or more "
            f"and absent from as many; found {_first(sorted(counts))}"
        )
    notices = []
    if rare:
        notices.append(
            f"{where}: {len(rare)} labels are left out, each in fewer than {FEWEST_ROWS} rows "
            f"or absent from fewer: {_first(rare)}"
        )
    return pd.DataFrame(columns, index=column.index), notices


def _cells(column: "pd.Series[Any]", where: str) -> Iterator[tuple[object, str]]:
    """Return the cells, each with what separates labels in text."""
    filled = column.dropna()
    filled = filled[filled.map(lambda cell: isinstance(cell, LISTS) or cell != "")]
    are_lists = [isinstance(cell, LISTS) for cell in filled]
    separator = ""
    if not all(are_lists):
        text = filled.astype(str)
        used = [mark for mark in SEPARATORS if text.str.contains(mark, regex=False).any()]
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
    """Return which rows [N] have a label: "True", "False", or None where labels are missing."""
    cells = np.full(len(lists), None, dtype=object)
    for row, labels in enumerate(lists):
        if labels is not None:
            cells[row] = str(label in labels)
    return cells


def _first(names: list[str]) -> str:
    shown = names[:MOST_SHOWN]
    more = len(names) - len(shown)
    if more:
        shown.append(f"{more} more")
    return ", ".join(shown)
