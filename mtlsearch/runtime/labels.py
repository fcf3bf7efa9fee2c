"""Labels in the cells of a table: values, codes of classes, or several at once.

Needs numpy only: an exported folder holds a copy of this file.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .cells import read_number, read_numbers, read_text
from .encoded_input import Array, Cells, Table


def find_labels(
    table: Table,
    task: dict[str, Any],
    name: str,
) -> tuple[Array, list[str]] | None:
    """Return the labels of a task, float64 [N], or [N, C] of a set, and notices.

    They are in the task's own units, NaN where a label is missing. None where the table has no
    column of them. Those of a set of labels are columns NAME.LABEL of 0 and 1.
    """
    classes = task["classes"]
    if task["layout"] == "labels":
        return _label_set(
            table,
            classes,
            name,
        )
    if task["target"] not in table:
        return None
    cells = table[task["target"]]
    if classes:
        return class_codes(
            cells,
            classes,
            task["target"],
        )
    numbers, unreadable = read_numbers(cells)
    return numbers, _notice(
        task["target"],
        cells,
        unreadable,
        "numbers",
    )


def class_codes(
    cells: Cells,
    classes: Sequence[str],
    column: str,
) -> tuple[Array, list[str]]:
    """Return the code of the class in each cell, float64 [N], and notices."""
    code_of = {label: code for code, label in enumerate(classes)}
    codes = np.full(len(cells), np.nan)
    unknown = []
    for row, text in enumerate(read_text(cells)):
        if text is None:
            continue
        code = code_of.get(text, code_of.get(_as_number(text)))
        if code is None:
            unknown.append(row)
        else:
            codes[row] = code
    return codes, _notice(
        column,
        cells,
        unknown,
        "known classes",
    )


def classes_of(cells: Cells) -> list[str]:
    """Return the distinct labels of a column, ascending: as numbers if all are."""
    texts = {text for text in read_text(cells) if text is not None}
    names = {_as_number(text) for text in texts}
    numbers = {name: read_number(name) for name in names}
    if any(number is None for number in numbers.values()):
        return sorted(texts)
    return sorted(
        names,
        key=lambda name: numbers[name] or 0.0,
    )


def _as_number(text: str) -> str:
    """Return the name of a class that is a number: "1.0" and "true" are called 1."""
    number = read_number(text)
    if number is None or not np.isfinite(number):
        return text
    return str(int(number)) if number.is_integer() else str(number)


def _label_set(
    table: Table,
    classes: Sequence[str],
    name: str,
) -> tuple[Array, list[str]] | None:
    columns = [f"{name}.{label}" for label in classes]
    if not all(column in table for column in columns):
        return None
    labels = []
    notices = []
    for column in columns:
        numbers, unreadable = read_numbers(table[column])
        labels.append(numbers)
        notices += _notice(
            column,
            table[column],
            unreadable,
            "0 or 1",
        )
    return np.column_stack(labels), notices


def _notice(
    column: str,
    cells: Cells,
    rows: Sequence[int],
    wanted: str,
) -> list[str]:
    if not rows:
        return []
    return [
        f"column {column!r}: {len(rows)} of {len(cells)} cells are no {wanted} "
        f"(the first is {str(cells[rows[0]])[:40]!r} in row {rows[0] + 1}); no label there"
    ]
