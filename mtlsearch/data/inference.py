"""What a target column holds: its kind of task, its classes and its labels.

Everything is decided on the rows that are not test rows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import Column, RawColumn, resolve
from mtlsearch.data.card import TaskCard
from mtlsearch.errors import DataError
from mtlsearch.runtime.encoding import LARGEST_NUMBER
from mtlsearch.tasks import METRICS, TASK_KINDS, Metric, TargetColumn, TaskKind


@dataclass(frozen=True)
class Target:
    """A target column understood.

    Attributes:
        kind: The kind of task.
        metric: The metric of the task.
        classes: The classes in the order of their codes, as text; empty where labels are numbers.
        labels: Float64 [N]: values, or codes of classes; NaN where the label is missing.
        notices: What the user should know, each beginning with where it is.
    """

    kind: TaskKind
    metric: Metric
    classes: tuple[str, ...]
    labels: Array
    notices: tuple[str, ...]


def infer_target(
    raw: RawColumn,
    known: Array,
    card: TaskCard,
    where: str,
) -> Target:
    """Return the column `raw` [N] as a target, judged by the rows where `known[N]` is True.

    Raises:
        DataError: The column cannot be the target of the task. The message begins with `where`.
    """
    column = resolve(raw, known)
    content = _content(column, known, where)
    kind = _kind(card, content, where)
    metric = _metric(kind, card.metric, where)
    if not kind.accepts(content):
        raise DataError(
            f"{where}: kind {kind.name} needs {kind.requirement}, found {content.description}"
        )
    if kind.is_classification:
        classes = content.names
        labels, label_notices = _codes(column, content, where)
    else:
        classes = ()
        labels, label_notices = _numbers(column, known, where)
    notices = _inference_notices(kind, metric, card, where) + label_notices
    notices += [f"{where}: {notice}" for notice in column.notices]
    return Target(
        kind=kind,
        metric=metric,
        classes=classes,
        labels=labels,
        notices=tuple(notices),
    )


def infer_kind(
    raw: RawColumn,
    known: Array,
    card: TaskCard,
    where: str,
) -> TaskKind:
    """Return the kind that `infer_target` would find, without judging anything else."""
    column = resolve(raw, known)
    content = _content(column, known, where)
    return _kind(card, content, where)


def _content(column: Column, known: Array, where: str) -> TargetColumn:
    labelled = known & column.present
    labels = column.values[labelled]
    if not len(labels):
        raise DataError(f"{where}: every label is missing in the rows that are not test rows")
    if column.type == "other":
        raise DataError(f"{where}: holds neither numbers nor text")
    values = pd.unique(labels)
    distinct = tuple(sorted(values.tolist()))
    names = [column.name_of(value) for value in distinct]
    if len(distinct) < 2:
        raise DataError(
            f'{where}: is constant ("{names[0]}" in all {len(labels)} labelled rows); '
            "a target needs two values or more"
        )
    return TargetColumn(
        column.numeric,
        distinct,
        tuple(names),
        len(labels),
    )


def _kind(card: TaskCard, content: TargetColumn, where: str) -> TaskKind:
    """Return the kind that the card names, or else the first that claims the column.

    Where the card names a metric, kinds that have it come first, claimed or not.
    """
    if card.kind is not None:
        return TASK_KINDS[card.kind]
    accepting = [kind for kind in TASK_KINDS.values() if kind.accepts(content)]
    scored = [kind for kind in accepting if card.metric in _metric_names(kind)]
    for kind in scored or accepting:
        if kind.claims(content):
            return kind
    if scored:
        return scored[0]
    raise DataError(f"{where}: holds {content.summary}; {_advice(accepting)}")


def _advice(accepting: list[TaskKind]) -> str:
    """Say what to do with a column that no kind claims and these kinds accept."""
    if accepting:
        names = " or ".join(kind.name for kind in accepting)
        return f"if these are classes, say so with kind {names}; if not, choose another column"
    requirements = []
    for kind in TASK_KINDS.values():
        requirements.append(f"{kind.requirement} ({kind.name})")
    needs = ", ".join(requirements)
    return f"a target holds one of: {needs}"


def _metric(kind: TaskKind, name: str | None, where: str) -> Metric:
    if name is None:
        return kind.default_metric
    metric = METRICS[name]
    if metric not in kind.metrics:
        known = ", ".join(sorted(_metric_names(kind)))
        raise DataError(
            f'{where}: metric "{name}" does not fit kind {kind.name}. '
            f"Known for {kind.name}: {known}"
        )
    return metric


def _metric_names(kind: TaskKind) -> list[str]:
    return [metric.name for metric in kind.metrics]


def _inference_notices(
    kind: TaskKind,
    metric: Metric,
    card: TaskCard,
    where: str,
) -> list[str]:
    """Return what was inferred because the card does not say it."""
    if card.kind is None:
        return [f"{where}: {kind.name}, {metric.name} (inferred)"]
    if card.metric is None:
        return [f"{where}: metric {metric.name} (inferred)"]
    return []


def _numbers(column: Column, known: Array, where: str) -> tuple[Array, list[str]]:
    """Return the labels [N] of a column of numbers, and notices."""
    sizes = np.abs(column.values)
    infinite = sizes >= LARGEST_NUMBER
    rows = np.flatnonzero(infinite)
    if infinite[known].any():
        raise DataError(
            f"{where}: infinite value (or beyond {LARGEST_NUMBER:g}) in {len(rows)} rows, "
            f"the first is data row {rows[0] + 1}"
        )
    labels = np.where(infinite, np.nan, column.values)
    if not len(rows):
        return labels, []
    return labels, [f"{where}: {len(rows)} infinite test labels are treated as missing"]


def _codes(column: Column, content: TargetColumn, where: str) -> tuple[Array, list[str]]:
    """Return the codes [N] of a column of classes, and notices."""
    classes = pd.Index(content.distinct)
    cells = pd.Index(column.values)
    codes = classes.get_indexer(cells).astype(np.float64)
    unknown = codes < 0
    labels = np.where(unknown, np.nan, codes)
    unseen = unknown & column.present
    if not unseen.any():
        return labels, []
    notice = (
        f"{where}: {unseen.sum()} test rows have a class that no other row has; "
        "their label is treated as missing"
    )
    return labels, [notice]
