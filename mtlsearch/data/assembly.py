"""From a card and its tables to a `Dataset`: which columns are inputs, what the targets are, the notices and the digest."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.data.card import Card, TaskCard
from mtlsearch.data.columns import input_column, resolve
from mtlsearch.data.dataset import TEST, Dataset, Source, Splits
from mtlsearch.data.inference import Target, infer_kind, infer_target
from mtlsearch.data.input_schema import Layout, is_array, lay_out
from mtlsearch.data.readers import require_columns
from mtlsearch.data.splits import split_rows
from mtlsearch.errors import DataError
from mtlsearch.tasks.task import Task


def assemble(card: Card, tables: Mapping[str, pd.DataFrame], where: str) -> Dataset:
    """Return the dataset of a checked `card` whose sources are `tables`. Raises DataError beginning with `where`."""
    for name, source in card.sources.items():
        require_columns(f"{where}: sources.{name}: ignore", tables[name], source.ignore)
    for name, task in card.tasks.items():
        require_columns(
            f"{where}: tasks.{name}: target", tables[task.source or ""], [task.target or ""]
        )
    roles = {name: split_rows(table, card.split, _strata(card, name, table), _at(card, name, where))
             for name, table in tables.items()}  # fmt: skip
    understood = {
        name: _target(tables, roles, task, f"{where}: {name}") for name, task in card.tasks.items()
    }
    tasks = tuple(_task(name, card.tasks[name], target) for name, target in understood.items())
    targets = {name: target.values for name, target in understood.items()}
    notices = [
        notice.removeprefix(f"{where}: ")
        for target in understood.values()
        for notice in target.notices
    ]
    sources = {}
    for name, table in tables.items():
        splits = _with_strata(roles[name], [task for task in tasks if task.source == name], targets)
        sources[name], more = _source(card, name, table, splits, where)
        notices += more
    return Dataset(
        card.name, sources, tasks, targets, _digest(sources, tasks, targets), tuple(notices)
    )


def _at(card: Card, source: str, where: str) -> str:
    return where if len(card.sources) == 1 else f"{where}: sources.{source}"


def _strata(card: Card, source: str, table: pd.DataFrame) -> Array | None:
    """Return label codes of the source's first classification task over all rows, -1 = no label, for a random split."""
    everything = np.ones(len(table), bool)
    for task in card.tasks.values():
        if task.source != source:
            continue
        raw = table[task.target or ""]
        try:
            kind = infer_kind(raw, everything, task, "")
        except DataError:
            continue  # the mistake is reported when the target is understood
        if kind != "regression":
            return np.asarray(pd.factorize(resolve(raw, everything).values)[0], np.int64)
    return None


def _target(
    tables: Mapping[str, pd.DataFrame], roles: Mapping[str, Splits], task: TaskCard, where: str
) -> Target:
    source = task.source or ""
    return infer_target(tables[source][task.target or ""], roles[source].role != TEST, task, where)


def _task(name: str, card: TaskCard, target: Target) -> Task:
    return Task(
        name, target.kind, target.metric, card.source or "", card.target or name, target.classes
    )


def _with_strata(splits: Splits, tasks: list[Task], targets: Mapping[str, Array]) -> Splits:
    """Add the codes of the first classification task; -1 for rows without a label and for test rows."""
    first = next((task for task in tasks if task.kind != "regression"), None)
    if first is None:
        return splits
    codes = np.where(splits.role == TEST, -1, np.nan_to_num(targets[first.name], nan=-1)).astype(
        np.int64
    )
    return Splits(splits.role, splits.given, splits.group, codes, splits.validation_fraction)


def _source(
    card: Card, name: str, table: pd.DataFrame, splits: Splits, where: str
) -> tuple[Source, list[str]]:
    targets = {task.target for task in card.tasks.values() if task.source == name}
    taken, known = (
        targets | set(card.sources[name].ignore) | set(card.split.columns),
        splits.role != TEST,
    )
    left = [column for column in table.columns if column not in taken]
    layout = lay_out(table, left, card.sources[name], known, f"{where}: sources.{name}")
    columns: dict[str, Array] = {}
    notices = []
    for column in left:
        values, reason = _input(column, table[column], layout, known)
        if values is None:
            notices.append(f"{name}: column {column} is left out: {reason}")
        else:
            columns[str(column)] = values
    if not columns:
        raise DataError(
            f"{_at(card, name, where)}: no input column is left beside the targets, split and ignored columns"
        )
    inputs = pd.DataFrame({key: _series(values) for key, values in columns.items()})
    return Source(name, inputs, splits, layout.kind, layout.lengths), notices


def _input(
    name: str, raw: "pd.Series[Any]", layout: Layout, known: Array
) -> tuple[Array | None, str]:
    """As `input_column`, for any kind of input."""
    if name not in (*layout.columns, layout.lengths):
        return (
            None,
            "it holds arrays" if layout.kind == "table" else f"the inputs are {layout.kind}",
        )
    if layout.kind == "table":
        return input_column(str(name), raw, known)
    return (
        raw.to_numpy()
        if is_array(raw)
        else pd.to_numeric(raw, errors="coerce").to_numpy(np.float64)
    ), ""


def _series(values: Array) -> "pd.Series[Any]":
    return pd.Series(values, dtype=object if values.dtype == object else np.float64)


def _content(column: "pd.Series[Any]") -> bytes:
    if not is_array(column):
        return pd.util.hash_array(column.to_numpy()).tobytes()
    cells = np.stack(list(column))
    return repr((cells.dtype.str, cells.shape)).encode() + cells.tobytes()


def _digest(
    sources: Mapping[str, Source], tasks: tuple[Task, ...], targets: Mapping[str, Array]
) -> str:
    """Return the SHA-256 over names, types and content of inputs, targets and row roles, in hexadecimal."""
    parts = hashlib.sha256()
    for name, source in sources.items():
        parts.update(
            repr(
                (name, [(column, str(kind)) for column, kind in source.inputs.dtypes.items()])
            ).encode()
        )
        for column in source.inputs:
            parts.update(_content(source.inputs[column]))
        parts.update(
            b"" if source.kind == "table" else repr((source.kind, source.lengths)).encode()
        )
        for codes in (source.splits.role, source.splits.group):
            parts.update(b"" if codes is None else np.asarray(codes, "<i8").tobytes())
    for task in tasks:
        parts.update(repr(task).encode() + np.asarray(targets[task.name], "<f8").tobytes())
    return parts.hexdigest()
