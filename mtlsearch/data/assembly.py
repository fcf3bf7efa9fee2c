"""From a card and its tables to a `Dataset`: inputs, targets, notices and the digest."""

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import Column, RawTable, resolve
from mtlsearch.data.card import Card, TaskCard
from mtlsearch.data.column_flags import with_settings
from mtlsearch.data.dataset import INPUT, TEST, ColumnRecord, Dataset, Source, Splits
from mtlsearch.data.inference import Target, infer_kind, infer_label_set, infer_target
from mtlsearch.data.multilabel import expand, label_names
from mtlsearch.data.readers import require_columns
from mtlsearch.data.roles import unit_of, with_strata
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
from mtlsearch.runtime.dates import read_dates
from mtlsearch.tasks import Task
from mtlsearch.tasks.contract import TargetScale

Tables = Mapping[str, RawTable]

SPLIT_WORDS = {"train", "training", "val", "valid", "validation", "dev", "test", "testing"}
TRAINING_WORDS = {"train", "training"}
REASONS_SHOWN = 5
LOOKED_AT = 100
"""Rows by which columns that cannot hold the words of a split are passed over."""

# What tells the folds of several classification tasks from those of versions that stratified them
# by the first task alone.
FOLDS_OF_SEVERAL_TASKS = b"stratified by every task"


def assemble(card: Card, tables: Tables, where: str) -> Dataset:
    """Return the dataset of a checked card.

    Args:
        card: What the dataset consists of.
        tables: The table of each source.
        where: What an error message begins with.

    Raises:
        DataError: The card and the tables do not fit together.
    """
    tables = {name: with_settings(table, card.sources[name]) for name, table in tables.items()}
    card, tables, label_notices = expand(card, tables, where)
    _check_columns(card, tables, where)
    _ask_for_split(card, tables, where)
    splits = _split(card, tables, where)
    understood = _understand_targets(card, tables, splits, where)
    tasks = _tasks(card, understood, splits)
    targets = {name: target.labels for name, target in understood.items()}
    notices = _file_notices(card, tables)
    understood_notices = (target.notices for target in understood.values())
    for notice in itertools.chain(label_notices, *understood_notices):
        notices.append(notice.removeprefix(f"{where}: "))

    sources = {}
    records = []
    for name, table in tables.items():
        stratified = with_strata(name, splits[name], tasks, targets)
        columns = _source_columns(card, name, table, stratified, where)
        source, selected = _source(card, columns, name, stratified, where)
        sources[name] = source
        notices += [f"{name}: {notice}" for notice in selected.notices]
        for column, reason in selected.left_out.items():
            notices.append(f"{name}: column {column} is left out: {reason}")
        records += _column_records(card, name, table, selected)
    notices += _repeated_outputs(tasks)
    return Dataset(
        name=card.name,
        sources=sources,
        tasks=tasks,
        targets=targets,
        digest=_digest(sources, tasks, targets),
        notices=tuple(notices),
        columns=tuple(records),
    )


def _file_notices(card: Card, tables: Tables) -> list[str]:
    """Return what was recognised of the files, once for each file."""
    notices: dict[str, None] = {}
    for name, table in tables.items():
        file = Path(card.sources[name].path).name
        for notice in table.notices:
            notices[f"{file}: {notice}"] = None
    return list(notices)


def _repeated_outputs(tasks: Iterable[Task]) -> list[str]:
    """Say which columns of predictions get another name, since two tasks would share it."""
    owners: dict[tuple[str, str], str] = {}
    notices = []
    for task in tasks:
        for column in task.decoder(TargetScale()).column_names(task.name):
            owner = owners.setdefault((task.source, column), task.name)
            if owner != task.name:
                notices.append(
                    f'{task.name}: its predictions have a column "{column}" as those of {owner} '
                    f'have; it will be called "{column}_"'
                )
    return notices


def _check_columns(card: Card, tables: Tables, where: str) -> None:
    """Raise DataError where the card names a column that a table does not have."""
    for name, source in card.sources.items():
        place = f"{where}: sources.{name}"
        cells = tables[name].cells
        require_columns(f"{place}: ignore", cells, source.ignore)
        require_columns(f"{place}: columns", cells, source.columns)
    for name, task in card.tasks.items():
        place = f"{where}: tasks.{name}: target"
        require_columns(place, tables[_source_name(task)].cells, task.target_columns)


def _ask_for_split(card: Card, tables: Tables, where: str) -> None:
    """Raise DataError for a column that says train and test while no split is named.

    Whoever has such a column has rows that must not be trained on.
    """
    if card.split.column is not None or card.split.time is not None:
        return
    for name, table in tables.items():
        targets = _target_columns(card, name)
        said = {*card.sources[name].ignored, *card.sources[name].columns, *targets}
        for column in table.cells.columns:
            if column not in said and _holds_split_words(table.cells[column]):
                raise DataError(
                    f"{_place(card, name, where)}: column {column} says train and test, but no "
                    f"split is named; say --split-column {column} (split: {{column: {column}}}) "
                    f"to split by it, or --ignore {column} to split at random"
                )


def _holds_split_words(cells: "pd.Series[Any]") -> bool:
    """Return whether a column holds nothing but words for the parts of a split."""
    if pd.api.types.is_numeric_dtype(cells):
        return False
    first = cells.iat[0]
    if isinstance(first, str) and first.strip().lower() not in {"", *SPLIT_WORDS}:
        return False
    if not _words(cells.iloc[:LOOKED_AT]) <= SPLIT_WORDS:
        return False
    words = _words(cells)
    return words <= SPLIT_WORDS and len(words) > 1 and bool(words & TRAINING_WORDS)


def _words(cells: "pd.Series[Any]") -> set[str]:
    """Return the distinct words of a column in lower case; what is no text is one other word."""
    filled = cells.dropna()
    if not filled.map(lambda cell: isinstance(cell, str)).all():
        return {"no text"}
    words = {cell.strip().lower() for cell in filled.unique()}
    return words - {""}


def _source_name(task: TaskCard) -> str:
    # A checked card gives every task its source and target.
    return task.source or ""


def _target_columns(card: Card, source: str) -> dict[str, str]:
    """Return the columns of a source that hold targets, with the names of their tasks."""
    columns = {}
    for name, task in card.tasks.items():
        if task.source == source:
            columns.update(dict.fromkeys(task.target_columns, name))
    return columns


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
        typed = _with_typed_split(table, card)
        splits[name] = split_rows(typed, card.split, strata, place)
    return splits


def _with_typed_split(table: RawTable, card: Card) -> pd.DataFrame:
    """Return the cells of a table, of which those that say the split are no longer plain text."""
    if not table.untyped:
        return table.cells
    everything = np.ones(len(table.cells), bool)
    typed = {}
    for name in card.split.columns:
        if name not in table.cells.columns:
            continue  # the mistake is reported when the rows are split
        column = resolve(table.column(name), everything)
        values = column.values
        if column.type == "date":
            values = read_dates(values, column.form.day_first)
        typed[name] = values
    return table.cells.assign(**typed)


def _label_codes(card: Card, source: str, table: RawTable, where: str) -> Array | None:
    """Return the label codes [N, S] of a source's classification tasks, -1 = no label.

    A random split reads them, so all rows count as known. None without such a task.
    """
    everything = np.ones(len(table.cells), bool)
    columns = []
    for name, task in card.tasks.items():
        if task.source != source:
            continue
        for target in task.target_columns:
            column = resolve(table.column(target), everything)
            if _holds_classes(column, everything, task, f"{where}: {name}"):
                codes, _ = pd.factorize(column.values)
                columns.append(codes)
    return np.column_stack(columns).astype(np.int64) if columns else None


def _holds_classes(column: Column, known: Array, task: TaskCard, where: str) -> bool:
    """Tell whether a target column holds classes. Raises DataError for what is no target."""
    return task.has_labels or infer_kind(column, known, task, where).is_classification


def _understand_targets(
    card: Card,
    tables: Tables,
    splits: Mapping[str, Splits],
    where: str,
) -> dict[str, Target]:
    """Return what the targets of each task hold, judged without test rows."""
    targets = {}
    for name, task in card.tasks.items():
        source = _source_name(task)
        columns = [tables[source].column(target) for target in task.target_columns]
        non_test = splits[source].role != TEST
        place = f"{where}: {name}"
        if task.has_labels:
            labels = label_names(name, task.target_columns)
            by_label = dict(zip(labels, columns, strict=True))
            targets[name] = infer_label_set(by_label, non_test, task, place)
        else:
            [column] = columns
            targets[name] = infer_target(column, non_test, task, place)
    return targets


def _tasks(
    card: Card,
    targets: Mapping[str, Target],
    splits: Mapping[str, Splits],
) -> tuple[Task, ...]:
    tasks = []
    for name, target in targets.items():
        task_card = card.tasks[name]
        non_test = splits[_source_name(task_card)].role != TEST
        task = Task(
            name=name,
            kind=target.kind,
            metric=target.metric,
            source=_source_name(task_card),
            target=task_card.target or ", ".join(task_card.target_columns),
            classes=target.classes,
            unit=unit_of(target.kind, target.metric, target.labels[non_test]),
            options=task_card.options,
        )
        tasks.append(task)
    return tuple(tasks)


def _needed_for_split(card: Card, table: RawTable, non_test: Array) -> set[str]:
    """Return the columns that say how rows are divided and are no inputs.

    A date that rows are divided by is an input as well: it tells of the season, too. So is a column
    of pictures, of which each stays on one side.
    """
    columns = set(card.split.columns)
    group = card.split.group
    if group is not None and table.column(group).settings.type == "image":
        columns.remove(group)
    time = card.split.time
    if time is not None and resolve(table.column(time), non_test).type == "date":
        columns.remove(time)
    return columns


def _source_columns(
    card: Card,
    name: str,
    table: RawTable,
    splits: Splits,
    where: str,
) -> SourceColumns:
    """Return the columns of a source that may be inputs."""
    source = card.sources[name]
    non_test = splits.role != TEST
    taken = {*source.ignored, *_needed_for_split(card, table, non_test)}
    taken.update(_target_columns(card, name))
    names = [column for column in table.cells.columns if column not in taken]
    return SourceColumns(
        raw=table,
        names=tuple(names),
        non_test=non_test,
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
            f"{_reasons(selected)}"
        )
    if input_name is None:
        selected = replace(selected, notices=(*selected.notices, *kind.doubts(columns.first_cell)))
    source = Source(
        name=name,
        inputs=selected.inputs,
        splits=splits,
        kind=kind,
        lengths=selected.lengths,
        forms=selected.forms,
    )
    return source, selected


def _reasons(selected: SelectedColumns) -> str:
    """Return why columns are left out, the first few of them."""
    reasons = []
    for column, reason in list(selected.left_out.items())[:REASONS_SHOWN]:
        reasons.append(f"{column}: {reason}")
    if len(selected.left_out) > REASONS_SHOWN:
        reasons.append(f"and {len(selected.left_out) - REASONS_SHOWN} more")
    return f" ({'; '.join(reasons)})" if reasons else ""


def _column_records(
    card: Card,
    source: str,
    table: RawTable,
    selected: SelectedColumns,
) -> list[ColumnRecord]:
    """Return what is done with each column of a source, in the order of the file."""
    uses = _uses(card, source)
    records = []
    for column in map(str, table.cells.columns):
        kind = selected.types.get(column, "")
        if column in selected.inputs:
            records.append(ColumnRecord(source, column, kind, INPUT))
        elif column in selected.left_out:
            reason = selected.left_out[column]
            records.append(ColumnRecord(source, column, kind, "left out", reason))
        else:
            records.append(ColumnRecord(source, column, kind, uses[column]))
    return records


def _uses(card: Card, source: str) -> dict[str, str]:
    """Return what columns are that are no inputs because the user says so."""
    uses = dict.fromkeys(card.sources[source].ignored, "ignored")
    split = card.split
    for use, column in (("split", split.column), ("time", split.time), ("group", split.group)):
        if column is not None:
            uses[column] = f"{use} of the rows"
    for name, task in card.tasks.items():
        if task.source == source and task.target is not None:
            uses[task.target] = f"target of {name}"
    for column, name in _target_columns(card, source).items():
        uses[column] = f"target of {name}"
    return uses


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
    for column, form in source.forms.items():
        if not form.is_plain:
            digest.update(repr((column, form.description)).encode())
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
    present = column.dropna()
    cells = np.stack(list(present))
    heading = repr((cells.dtype.str, cells.shape))
    if len(present) < len(column):
        absent = np.flatnonzero(column.isna())
        heading += repr(absent.tolist())
    return heading.encode() + cells.tobytes()
