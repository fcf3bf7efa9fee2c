"""What kind of task a target column makes, its classes and its label codes, decided on the non-test rows alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.data.card import TaskCard
from mtlsearch.data.columns import LARGEST_NUMBER, Column, resolve
from mtlsearch.errors import DataError
from mtlsearch.tasks.metrics import DEFAULT_METRIC, METRICS
from mtlsearch.tasks.task import Kind

MOST_NUMERIC_CLASSES = 20
MOST_TEXT_CLASSES = 50


@dataclass(frozen=True)
class Target:
    """A target column understood: `values[N]` float64 are values or codes into `classes`, NaN = label missing."""

    kind: Kind
    metric: str
    classes: tuple[str, ...]
    values: Array
    notices: tuple[str, ...]


def infer_target(raw: "pd.Series[Any]", known: Array, card: TaskCard, where: str) -> Target:
    """Return `raw[N]` as a target, judged by the rows where `known[N]` is True. Raises DataError beginning with `where`."""
    column = resolve(raw, known)
    distinct = _distinct(column, known, where)
    kind = card.kind or _kind(column, distinct, known, card.metric, where)
    metric = _metric(kind, card.metric, where)
    _check_kind(kind, column, distinct, known, where)
    notices = _inferred(kind, metric, card, where)
    if kind == "regression":
        values, more = _values(column, known, where)
        return Target(kind, metric, (), values, (*notices, *more))
    values, more = _codes(column, distinct, where)
    return Target(
        kind,
        metric,
        tuple(_class_name(column, value) for value in distinct),
        values,
        (*notices, *more),
    )


def infer_kind(raw: "pd.Series[Any]", known: Array, card: TaskCard, where: str) -> Kind:
    """Return the kind that `infer_target` would choose, without judging anything else."""
    column = resolve(raw, known)
    return card.kind or _kind(column, _distinct(column, known, where), known, card.metric, where)


def _distinct(column: Column, known: Array, where: str) -> list[Any]:
    here = column.values[known & column.present]
    if not len(here):
        raise DataError(f"{where}: every label is missing in the rows that are not test rows")
    if column.type == "other":
        raise DataError(f"{where}: holds neither numbers nor text")
    distinct = sorted(pd.unique(here).tolist())
    if len(distinct) < 2:
        found = _class_name(column, distinct[0])
        raise DataError(
            f'{where}: is constant ("{found}" in all {len(here)} labelled rows); a target needs two values or more'
        )
    return distinct


def _kind(
    column: Column, distinct: list[Any], known: Array, metric: str | None, where: str
) -> Kind:
    if column.numeric and metric in METRICS and METRICS[metric].kinds == ("regression",):
        return "regression"
    if len(distinct) == 2:
        return "binary"
    if column.numeric:
        whole = all(float(value).is_integer() for value in distinct)
        return "multiclass" if whole and len(distinct) <= MOST_NUMERIC_CLASSES else "regression"
    labelled = int((known & column.present).sum())
    if len(distinct) > MOST_TEXT_CLASSES or 2 * len(distinct) > labelled:
        raise DataError(
            f"{where}: holds text with {len(distinct)} distinct values in {labelled} rows; "
            "if these are classes, say so with kind multiclass; if not, choose another column"
        )
    return "multiclass"


def _inferred(kind: Kind, metric: str, card: TaskCard, where: str) -> list[str]:
    if card.kind is None:
        return [f"{where}: {kind}, {metric} (inferred)"]
    return [] if card.metric else [f"{where}: metric {metric} (inferred)"]


def _metric(kind: Kind, metric: str | None, where: str) -> str:
    metric = metric or DEFAULT_METRIC[kind]
    if kind not in METRICS[metric].kinds:
        fitting = ", ".join(sorted(name for name, other in METRICS.items() if kind in other.kinds))
        raise DataError(
            f'{where}: metric "{metric}" does not fit kind {kind}. Known for {kind}: {fitting}'
        )
    return metric


def _check_kind(kind: Kind, column: Column, distinct: list[Any], known: Array, where: str) -> None:
    shown = ", ".join(_class_name(column, value) for value in distinct[:5]) + (
        ", ..." if len(distinct) > 5 else ""
    )
    if kind == "binary" and len(distinct) != 2:
        raise DataError(
            f"{where}: kind binary needs exactly two classes, found {len(distinct)}: {shown}"
        )
    if kind == "regression" and not column.numeric:
        raise DataError(f"{where}: kind regression needs numbers, found text: {shown}")
    labelled = int((known & column.present).sum())
    if kind == "multiclass" and len(distinct) > 2 and 2 * len(distinct) > labelled:
        raise DataError(
            f"{where}: kind multiclass needs classes that repeat, found {len(distinct)} in {labelled} rows: {shown}"
        )


def _values(column: Column, known: Array, where: str) -> tuple[Array, list[str]]:
    infinite = np.abs(column.values) >= LARGEST_NUMBER
    rows = np.flatnonzero(infinite)
    if infinite[known].any():
        raise DataError(
            f"{where}: infinite value (or beyond {LARGEST_NUMBER:g}) in {len(rows)} rows, the first is data row {rows[0] + 1}"
        )
    notices = (
        [f"{where}: {len(rows)} infinite test labels are treated as missing"] if len(rows) else []
    )
    return np.where(infinite, np.nan, column.values), notices


def _codes(column: Column, distinct: list[Any], where: str) -> tuple[Array, list[str]]:
    codes = pd.Index(distinct).get_indexer(pd.Index(column.values)).astype(np.float64)
    unseen = int(((codes < 0) & column.present).sum())
    notices = [
        f"{where}: {unseen} test rows have a class that no other row has; their label is treated as missing"
    ]
    return np.where(codes < 0, np.nan, codes), notices if unseen else []


def _class_name(column: Column, value: Any) -> str:
    if column.type == "boolean":
        return str(bool(value))
    if column.type == "number":
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)
