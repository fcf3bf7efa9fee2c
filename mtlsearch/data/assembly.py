"""From a card and its tables to a `Dataset`: inputs, targets, notices and the digest."""

import hashlib
import itertools
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
from mtlsearch.data.multilabel import expand
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
    card, tables, label_notices = expand(card, tables, where)
    _check_columns(card, tables, where)
    splits = _split(card, tables, where)
    understood = _understand_targets(card, tables, splits, where)
    tasks = _tasks(card, understood)
    targets = {name: target.labels for name, target in understood.items()}
    notices = []
    understood_notices = (target.notices for target in understood.values())
    for notice in itertools.chain(label_notices, *understood_notices):
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
        strata = _label_codes(card, name, table)
        place = _place(card, name, where)
        splits[name] = split_rows(table, card.split, strata, place)
    return splits


def _label_codes(card: Card, source: str, table: pd.DataFrame) -> Array | None:
    """Return the label codes [N] of the source's first classification task, -1 = no label.

    A random split reads them, so all rows count as known.
    """
    everything = np.ones(len(table), bool)
    for task in card.tasks.values():
        if task.source != source:
            continue
        raw = table[_target_name(task)]
        try:
            kind = infer_kind(raw, everything, task, "")
        except DataError:
            continue  # the mistake is reported when the target is understood
        if kind.is_classification:
            column = resolve(raw, everything)
            codes, _ = pd.factorize(column.values)
            return np.asarray(codes, np.int64)
    return None


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


def _tasks(card: Card, targets: Mapping[str, Target]) -> tuple[Task, ...]:
    tasks = []
    for name, target in targets.items():
        task_card = card.tasks[name]
        task = Task(
            name=name,
            kind=target.kind,
            metric=target.metric,
            source=_source_name(task_card),
            target=task_card.target or name,
            classes=target.classes,
            options=task_card.options,
        )
        tasks.append(task)
    return tuple(tasks)


def _with_strata(
    source: str,
    splits: Splits,
    tasks: Iterable[Task],
    targets: Mapping[str, Array],
) -> Splits:
    """Return the splits of a source with the codes of its first classification task as strata.

    The code is -1 for rows without a label and for test rows.
    """
    for task in tasks:
        if task.source != source or not task.kind.is_classification:
            continue
        labels = np.nan_to_num(targets[task.name], nan=-1)
        codes = np.where(splits.role == TEST, -1, labels)
        return replace(splits, strata=codes.astype(np.int64))
    return splits


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
        digest.update(task.options.description.encode())
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


def _content(column: "pd.Series[Any]") -> bytes:
    if not is_array(column):
        hashes = pd.util.hash_array(column.to_numpy())
        return hashes.tobytes()
    cells = np.stack(list(column))
    heading = repr((cells.dtype.str, cells.shape))
    return heading.encode() + cells.tobytes()
