"""From a card and its tables to a `Dataset`: inputs, targets, notices and the digest."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import resolve
from mtlsearch.data.card import Card, TaskCard
from mtlsearch.data.dataset import TEST, Dataset, Source, Splits
from mtlsearch.data.inference import Target, infer_kind, infer_target
from mtlsearch.data.readers import require_columns
from mtlsearch.data.splits import split_rows
from mtlsearch.errors import DataError
from mtlsearch.inputs import (
    DEFAULT_INPUT_KIND,
    INPUT_KINDS,
    SelectedColumns,
    SourceColumns,
    infer_input_kind,
    select_columns,
)
from mtlsearch.inputs.contract import is_array
from mtlsearch.tasks import Task

# What tells the folds of several classification tasks from those of versions that stratified them
# by the first task alone.
FOLDS_OF_SEVERAL_TASKS = b"stratified by every task"

Tables = Mapping[str, pd.DataFrame]


def assemble(card: Card, tables: Tables, where: str) -> Dataset:
    """Return the dataset of a checked card.

    Args:
        card: What the dataset consists of.
        tables: The table of each source.
        where: What an error message begins with.

    Raises:
        DataError: The card and the tables do not fit together.
    """
    _check_columns(card, tables, where)
    splits = _split(card, tables, where)
    understood = _understand_targets(card, tables, splits, where)
    tasks = _tasks(card, understood, splits)
    targets = {name: target.labels for name, target in understood.items()}
    notices = []
    for target in understood.values():
        for notice in target.notices:
            notices.append(notice.removeprefix(f"{where}: "))

    sources = {}
    for name, table in tables.items():
        stratified = _with_strata(name, splits[name], tasks, targets)
        columns = _source_columns(card, name, table, stratified, where)
        source, selected = _source(card, columns, name, stratified, where)
        sources[name] = source
        for column, reason in selected.left_out.items():
            notices.append(f"{name}: column {column} is left out: {reason}")
    return Dataset(
        name=card.name,
        sources=sources,
        tasks=tasks,
        targets=targets,
        digest=_digest(sources, tasks, targets),
        notices=tuple(notices),
    )


def _check_columns(card: Card, tables: Tables, where: str) -> None:
    """Raise DataError where the card names a column that a table does not have."""
    for name, source in card.sources.items():
        place = f"{where}: sources.{name}: ignore"
        require_columns(place, tables[name], source.ignore)
    for name, task in card.tasks.items():
        place = f"{where}: tasks.{name}: target"
        require_columns(place, tables[_source_name(task)], [_target_name(task)])


def _source_name(task: TaskCard) -> str:
    # A checked card gives every task its source and target.
    return task.source or ""


def _target_name(task: TaskCard) -> str:
    return task.target or ""


def _place(card: Card, source: str, where: str) -> str:
    """Return where a source is; its name is only of use where there are several."""
    if len(card.sources) == 1:
        return where
    return f"{where}: sources.{source}"


def _split(card: Card, tables: Tables, where: str) -> dict[str, Splits]:
    """Return the row roles of each source."""
    splits = {}
    for name, table in tables.items():
        strata = None
        if card.split.is_random:
            strata = _label_codes(card, name, table, where)
        place = _place(card, name, where)
        splits[name] = split_rows(table, card.split, strata, place)
    return splits


def _label_codes(card: Card, source: str, table: pd.DataFrame, where: str) -> Array | None:
    """Return the label codes [N, S] of a source's classification tasks, -1 = no label.

    A random split reads them, so all rows count as known. None without such a task.
    """
    everything = np.ones(len(table), bool)
    columns = []
    for name, task in card.tasks.items():
        if task.source != source:
            continue
        raw = table[_target_name(task)]
        kind = infer_kind(raw, everything, task, f"{where}: {name}")
        if kind.is_classification:
            column = resolve(raw, everything)
            codes, _ = pd.factorize(column.values)
            columns.append(codes)
    return np.column_stack(columns).astype(np.int64) if columns else None


def _understand_targets(
    card: Card,
    tables: Tables,
    splits: Mapping[str, Splits],
    where: str,
) -> dict[str, Target]:
    """Return what the target column of each task holds, judged without test rows."""
    targets = {}
    for name, task in card.tasks.items():
        source = _source_name(task)
        column = tables[source][_target_name(task)]
        non_test = splits[source].role != TEST
        targets[name] = infer_target(column, non_test, task, f"{where}: {name}")
    return targets


def _tasks(
    card: Card,
    targets: Mapping[str, Target],
    splits: Mapping[str, Splits],
) -> tuple[Task, ...]:
    tasks = []
    for name, target in targets.items():
        task_card = card.tasks[name]
        role = splits[_source_name(task_card)].role
        task = Task(
            name=name,
            kind=target.kind,
            metric=target.metric,
            source=_source_name(task_card),
            target=task_card.target or name,
            classes=target.classes,
            unit=_unit(target, role != TEST),
        )
        tasks.append(task)
    return tuple(tasks)


def _unit(target: Target, non_test: Array) -> float:
    """Return the size of a score of a target, from its labels where `non_test` [N] is True."""
    if not target.metric.in_target_unit:
        return 1.0
    labels = target.labels[non_test]
    labelled = labels[~np.isnan(labels)]
    return target.kind.target_scale(labelled).scale


def _with_strata(
    source: str,
    splits: Splits,
    tasks: Iterable[Task],
    targets: Mapping[str, Array],
) -> Splits:
    """Return the splits of a source with the codes of its classification tasks as strata.

    The code is -1 for rows without a label and for test rows.
    """
    columns = []
    for task in tasks:
        if task.source == source and task.kind.is_classification:
            labels = np.nan_to_num(targets[task.name], nan=-1)
            codes = np.where(splits.role == TEST, -1, labels)
            columns.append(codes)
    if not columns:
        return splits
    strata = np.column_stack(columns)
    return replace(splits, strata=strata.astype(np.int64))


def _source_columns(
    card: Card,
    name: str,
    table: pd.DataFrame,
    splits: Splits,
    where: str,
) -> SourceColumns:
    """Return the columns of a source that may be inputs."""
    source = card.sources[name]
    taken = {*source.ignore, *card.split.columns}
    for task in card.tasks.values():
        if task.source == name:
            taken.add(_target_name(task))
    names = [column for column in table.columns if column not in taken]
    return SourceColumns(
        table=table,
        names=tuple(names),
        non_test=splits.role != TEST,
        lengths=source.lengths,
        where=f"{where}: sources.{name}",
    )


def _source(
    card: Card,
    columns: SourceColumns,
    name: str,
    splits: Splits,
    where: str,
) -> tuple[Source, SelectedColumns]:
    """Return a source, and which of its columns are inputs and why others are not."""
    input_name = card.sources[name].input
    if input_name is None:
        kind = infer_input_kind(columns)
    else:
        kind = INPUT_KINDS[input_name]
    selected = select_columns(kind, columns)
    if selected.inputs.empty:
        place = _place(card, name, where)
        raise DataError(
            f"{place}: no input column is left beside the targets, split and ignored columns"
        )
    source = Source(
        name=name,
        inputs=selected.inputs,
        splits=splits,
        kind=kind,
        lengths=selected.lengths,
        forms=selected.forms,
    )
    return source, selected


def _digest(
    sources: Mapping[str, Source],
    tasks: Iterable[Task],
    targets: Mapping[str, Array],
) -> str:
    """Return a SHA-256, in hexadecimal, of all that a search reads of a dataset.

    These are names, types and content of inputs, targets and row roles.
    """
    digest = hashlib.sha256()
    for source in sources.values():
        _add_source(digest, source)
    for task in tasks:
        labels = np.asarray(targets[task.name], "<f8")
        digest.update(repr(task).encode())
        digest.update(labels.tobytes())
    return digest.hexdigest()


def _add_source(digest: "hashlib._Hash", source: Source) -> None:
    inputs = source.inputs
    types = [(column, str(dtype)) for column, dtype in inputs.dtypes.items()]
    heading = repr((source.name, types))
    digest.update(heading.encode())
    for column in inputs:
        digest.update(_content(inputs[column]))
    if source.kind != DEFAULT_INPUT_KIND:
        kind = repr((source.kind.name, source.lengths))
        digest.update(kind.encode())
    splits = source.splits
    for codes in (splits.role, splits.group):
        if codes is not None:
            numbers = np.asarray(codes, "<i8")
            digest.update(numbers.tobytes())
    if splits.strata is not None and splits.strata.shape[1] > 1 and not splits.given:
        digest.update(FOLDS_OF_SEVERAL_TASKS)


def _content(column: "pd.Series[Any]") -> bytes:
    if not is_array(column):
        hashes = pd.util.hash_array(column.to_numpy())
        return hashes.tobytes()
    cells = np.stack(list(column))
    heading = repr((cells.dtype.str, cells.shape))
    return heading.encode() + cells.tobytes()
