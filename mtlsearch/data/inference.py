"""What a target column holds: its kind of task, its classes and its labels.

Everything is decided on the rows that are not test rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import Column, RawColumn, resolve
from mtlsearch.data.card import LABELS, TaskCard
from mtlsearch.errors import DataError
from mtlsearch.runtime.cells import LARGEST_NUMBER
from mtlsearch.runtime.decoding import LABEL_SEPARATORS
from mtlsearch.tasks import (
    LABEL_SET_KIND,
    METRICS,
    TASK_KINDS,
    Metric,
    TargetColumn,
    TaskKind,
)

MOST_IN_QUESTION = 20  # distinct whole numbers that may be classes or not


@dataclass(frozen=True)
class Target:
    """A target column understood.

    Attributes:
        kind: The kind of task.
        metric: The metric of the task.
        classes: The classes in the order of their codes, as text; empty where labels are numbers.
        labels: Float64 [N]: values, or codes of classes; or [N, C]: for each of C labels whether
            rows have it, as 0 and 1. NaN where the label is missing.
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
    content = _content(column, known, card.order, where)
    kind = _kind(card, content, where)
    metric, why = _metric(kind, card.metric, content, where)
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
        labels, impossible_notices = _only_possible(kind, labels, where)
        label_notices += impossible_notices
    notices = _inference_notices(kind, metric, card, where)
    if why:
        notices.append(f"{where}: metric {metric.name}, since {why}")
    if card.kind is None and card.metric is None:
        notices += _number_notices(kind, content, where)
        if _look_like_lists(content):
            notices.append(
                f"{where}: {kind.name} of {len(content.names)} values; {_list_advice(where)}"
            )
    notices += label_notices
    notices += [f"{where}: {notice}" for notice in column.notices]
    return Target(
        kind=kind,
        metric=metric,
        classes=classes,
        labels=labels,
        notices=tuple(notices),
    )


def infer_label_set(
    columns: Mapping[str, RawColumn],
    known: Array,
    card: TaskCard,
    where: str,
) -> Target:
    """Return several labels as one target: of two values of its column a row of a label has one.

    That is the second value, in ascending order or in that of the card. Labels on which all rows
    agree where `known[N]` is True are left out.

    Args:
        columns: The columns [N] by the names of the labels.
        known: The rows that are no test rows.
        card: What the user says of the task.
        where: What an error message begins with.

    Raises:
        DataError: A column has more than two values, or none has two.
    """
    labels: dict[str, Array] = {}
    values = {}
    notices = []
    for name, raw in columns.items():
        column = resolve(raw, known)
        if _is_constant(column, known):
            continue
        place = f"{where}: {name}"
        content = _content(column, known, card.order, place)
        if len(content.distinct) > 2:
            raise DataError(
                f"{place}: a label needs two values, such as 0 and 1, found {content.description}"
            )
        labels[name], code_notices = _codes(column, content, place)
        values[name] = content.names[1]
        notices += code_notices
        notices += [f"{place}: {notice}" for notice in column.notices]
    if not labels:
        raise DataError(f"{where}: no label has two values in the rows that are not test rows")

    kind = TASK_KINDS[card.kind or ""]
    together = np.column_stack(list(labels.values()))
    metric, why = _metric_of_labels(kind, card.metric, together[known], where)
    if why:
        notices.append(f"{where}: metric {metric.name}{why}")
    left_out = [name for name in columns if name not in labels]
    notices += _constant_notices(left_out, where)
    notices += _value_notices(values, where)
    return Target(
        kind=kind,
        metric=metric,
        classes=tuple(labels),
        labels=together,
        notices=tuple(notices),
    )


def _is_constant(column: Column, known: Array) -> bool:
    """Tell whether known rows hold fewer than two values."""
    labelled = known & column.present
    return len(pd.unique(column.values[labelled])) < 2


def _metric_of_labels(
    kind: TaskKind,
    name: str | None,
    labels: Array,
    where: str,
) -> tuple[Metric, str]:
    """Return the metric of labels [N, C], and what to say of it where nobody named it."""
    if name is not None:
        return _named_metric(kind, name, where), ""
    metric, why = kind.metric_for(_pooled(labels))
    return metric, f", since {why}" if why else " (inferred)"


def _constant_notices(names: Sequence[str], where: str) -> list[str]:
    """Say which labels are left out since rows agree on them, if any."""
    if not names:
        return []
    return [
        f"{where}: {len(names)} labels are left out, on which all rows agree that are not test "
        f"rows: {', '.join(names)}"
    ]


def _pooled(labels: Array) -> TargetColumn:
    """Return how many labels of [N, C] rows do not have and have, as one column."""
    counts = (int((labels == 0).sum()), int((labels == 1).sum()))
    return TargetColumn(numeric=True, distinct=(0.0, 1.0), names=("0", "1"), counts=counts)


def _value_notices(values: Mapping[str, str], where: str) -> list[str]:
    """Say what a label's column holds where rows have it, unless it is true or false."""
    others = []
    for name, value in values.items():
        if value != str(True):
            others.append(f"{name} = {value}")
    if not others:
        return []
    return [f"{where}: rows have a label where its column says so: {', '.join(others)}"]


def infer_kind(
    column: Column,
    known: Array,
    card: TaskCard,
    where: str,
) -> TaskKind:
    """Return the kind that `infer_target` would find in a column, without judging anything else."""
    content = _content(column, known, card.order, where)
    return _kind(card, content, where)


def _content(
    column: Column,
    known: Array,
    order: Sequence[str] | None,
    where: str,
) -> TargetColumn:
    """Return what the labelled rows hold, in the given order of the values or ascending."""
    if column.type == "other":
        raise DataError(
            f"{where}: holds neither numbers nor text; lists of labels need kind multilabel"
        )
    labelled = known & column.present
    labels = column.values[labelled]
    if not len(labels):
        raise DataError(f"{where}: every label is missing in the rows that are not test rows")
    counts = pd.Series(labels).value_counts()
    distinct = sorted(counts.index.tolist())
    names = [column.name_of(value) for value in distinct]
    if len(distinct) < 2:
        raise DataError(
            f'{where}: is constant ("{names[0]}" in all {len(labels)} labelled rows); '
            "a target needs two values or more"
        )
    if order is not None:
        distinct = _in_order(dict(zip(names, distinct, strict=True)), order, where)
    return TargetColumn(
        numeric=column.numeric,
        distinct=tuple(distinct),
        names=tuple(order or names),
        counts=tuple(int(counts[value]) for value in distinct),
        ordered=order is not None,
    )


def _in_order(
    values: Mapping[str, float | str], order: Sequence[str], where: str
) -> list[float | str]:
    """Return the values of a column, which are given by their names, in an order of the names."""
    unknown_names = [name for name in values if name not in order]
    if unknown_names:
        raise DataError(
            f'{where}: order: does not have "{unknown_names[0]}", which the column holds; '
            f"found {', '.join(order)}"
        )
    absent = [name for name in order if name not in values]
    if absent:
        known = ", ".join(values)
        raise DataError(
            f'{where}: order: no row that is not a test row holds "{absent[0]}"; '
            f"the column holds {known}"
        )
    return [values[name] for name in order]


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
    if _look_like_lists(content):
        raise DataError(f"{where}: holds {content.summary}; {_list_advice(where)}")
    raise DataError(f"{where}: holds {content.summary}; {_advice(accepting)}")


def _look_like_lists(content: TargetColumn) -> bool:
    """Tell whether text is made of no more labels than it has values, with a mark between them.

    Two of the values at least must have the mark.
    """
    if content.numeric:
        return False
    for mark in LABEL_SEPARATORS:
        several = [name for name in content.names if mark in name.strip(f"{mark} ")]
        labels = {label.strip() for name in content.names for label in name.split(mark)}
        if len(several) > 1 and len(labels - {""}) <= len(content.names):
            return True
    return False


def _list_advice(where: str) -> str:
    """Say how a column of lists is taken for that."""
    name = where.rpartition(": ")[2]
    return (
        f"if they are lists of labels, say {name}:{LABELS} (a task for each label) "
        f"or {name}:{LABEL_SET_KIND} (one task)"
    )


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


def _metric(
    kind: TaskKind,
    name: str | None,
    content: TargetColumn,
    where: str,
) -> tuple[Metric, str]:
    """Return the metric, and why it is not the usual one where nobody named it."""
    if name is None:
        # A column that the kind does not accept is refused right after this.
        usual = (kind.default_metric, "")
        return kind.metric_for(content) if kind.accepts(content) else usual
    return _named_metric(kind, name, where), ""


def _named_metric(kind: TaskKind, name: str, where: str) -> Metric:
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


def _number_notices(kind: TaskKind, content: TargetColumn, where: str) -> list[str]:
    """Return how to have a few whole numbers taken otherwise, whichever way they were taken."""
    few = 2 < len(content.distinct) <= MOST_IN_QUESTION
    if not (few and content.whole_numbers and content.repeats):
        return []
    name = where.rpartition(": ")[2]
    others = []
    for other in TASK_KINDS.values():
        is_other = other.is_classification != kind.is_classification
        if is_other and other.accepts(content):
            others.append(f"{name}:{other.name}")
    condition = "it is a number" if kind.is_classification else "they are classes"
    alternatives = " or ".join(others)
    count = len(content.distinct)
    return [f"{where}: {kind.name} ({count} values); say {alternatives} if {condition}"]


def _only_possible(kind: TaskKind, labels: Array, where: str) -> tuple[Array, list[str]]:
    """Return labels [N] without those that the kind cannot have, which only test rows hold."""
    impossible = ~kind.possible(labels)
    count = int(impossible.sum())
    if not count:
        return labels, []
    notice = f"{where}: {count} test labels are not {kind.requirement}; they are treated as missing"
    return np.where(impossible, np.nan, labels), [notice]


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
