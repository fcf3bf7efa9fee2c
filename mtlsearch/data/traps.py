"""Traps: what makes a score better or worse than it will be, found before anything is trained.

Each check takes a dataset and yields what the user should know, a line each. Test rows are looked
at only for what they have in common with other rows and for how many there are of a class, which
selects nothing. To add a check: a function here and its name in `TRAPS`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from mtlsearch.arrays import Array
from mtlsearch.data.dataset import TEST, TRAIN, Dataset, Source
from mtlsearch.data.scarcity import FEW, scarce_test_classes, scarce_validation_classes
from mtlsearch.inputs.contract import is_array
from mtlsearch.tasks import LabelColumn, Task, has_label
from mtlsearch.wording import first_of_many

Check = Callable[[Dataset], Iterable[str]]

ROWS_TRIED = 2_000  # rows that a column is judged by
PAIRS_TRIED = 1_000  # pairs of a column and a task that are tried
ALMOST_ALONE = 0.99  # AUC or R2 of one column beyond which a target can be read off it
LEAVES = 64  # of the tree that reads it
FEWEST_IN_LEAF = 3
FEWEST_OF_CLASS = 5  # rows in each half
FEWEST_ROWS = 20  # labelled rows in each half

FEWEST_GROUPS = 20  # distinct values of a column that may tell groups apart
NAMED_LIKE_A_GROUP = re.compile(
    r"(^|[\W_])(ids?|users?|patients?|subjects?|persons?|customers?|clients?|sites?|households?"
    r"|groups?|sessions?|devices?)$",
    re.IGNORECASE,
)


def find_traps(dataset: Dataset) -> tuple[str, ...]:
    """Return what all checks say of a dataset, in their order."""
    lines: list[str] = []
    for check in TRAPS:
        lines.extend(check(dataset))
    return tuple(lines)


def constant_columns(dataset: Dataset) -> Iterator[str]:
    """Find input columns that have one value in all rows that are not test rows."""
    for name, source in dataset.sources.items():
        non_test = source.splits.role != TEST
        constant = []
        for column in _plain_columns(source):
            values = source.inputs[column][non_test]
            if values.nunique(dropna=False) == 1:
                constant.append(column)
        if constant:
            yield f"{name}: constant columns, which tell nothing: {first_of_many(constant)}"


def telling_columns(dataset: Dataset) -> Iterator[str]:
    """Find input columns that predict a target almost alone, such as copies of it.

    A tree reads the target off one column in half of the rows and is scored on the other half.
    """
    tried = 0
    pairs = 0
    targets = _label_columns(dataset)
    for task, target in targets:
        source = dataset.sources[task.source]
        columns = _plain_columns(source)
        pairs += len(columns)
        halves = _halves(source, target)
        if halves is None:
            continue
        for column in columns[: PAIRS_TRIED // len(targets)]:
            tried += 1
            score = _score_alone(source.inputs[column], target, halves)
            if score > ALMOST_ALONE:
                measure = "AUC" if target.classes else "R2"
                yield (
                    f"{task.source}: column {column} predicts task {target.name} almost alone "
                    f"({measure} {score:.3f}): is it known when a prediction is needed? "
                    "If not, leave it out"
                )
    if tried < pairs > PAIRS_TRIED:
        yield (
            f"only the first {tried} of {pairs} pairs of a column and a task were tried for "
            "columns that predict a target alone"
        )


def repeated_rows(dataset: Dataset) -> Iterator[str]:
    """Find test rows whose inputs a training or validation row has as well."""
    for name, source in dataset.sources.items():
        is_test = source.splits.role == TEST
        digests = _row_digests(source.inputs)
        repeated = int(np.isin(digests[is_test], digests[~is_test]).sum())
        rows = int(is_test.sum())
        if repeated:
            yield (
                f"{name}: {repeated} of the {rows} test rows ({repeated / rows:.0%}) have the same "
                "inputs as a row that is trained on: a model may remember them"
            )


def divided_groups(dataset: Dataset) -> Iterator[str]:
    """Find columns that look like groups whose rows lie on both sides of the split."""
    for name, source in dataset.sources.items():
        if source.splits.group is not None:
            continue
        is_test = source.splits.role == TEST
        for column in _possible_groups(source):
            values = _comparable(source.inputs[column])
            if not _may_be_group(column, values):
                continue
            test_values = values[is_test].dropna().unique()
            divided = int(np.isin(test_values, values[~is_test].dropna().unique()).sum())
            if divided:
                yield (
                    f"{name}: {divided} of the {len(test_values)} values of {column} in test rows "
                    "are in training rows too: if rows of one value belong together, "
                    f"divide by it (--group {column}, or split: {{group: {column}}} in a card)"
                )


def classes_without_training_rows(dataset: Dataset) -> Iterator[str]:
    """Find classes that only validation rows of the user's own have."""
    for task, target in _label_columns(dataset):
        splits = dataset.sources[task.source].splits
        if not splits.given:
            continue
        trained = target.labels[splits.role == TRAIN]
        for code, name in enumerate(target.classes):
            if not (trained == code).any():
                yield f"task {task.name}: no training row is of class {name}"


def tasks_never_together(dataset: Dataset) -> Iterator[str]:
    """Find tasks of one source that no row has labels of both for."""
    apart = []
    for first, second in combinations(dataset.tasks, 2):
        if first.source != second.source:
            continue
        both = has_label(dataset.targets[first.name]) & has_label(dataset.targets[second.name])
        if not both.any():
            apart.append(f"{first.name} and {second.name}")
    if not apart:
        return
    yield (
        f"no row has labels of both: {first_of_many(apart)}. These tasks can share layers, "
        "but how their labels go together cannot be seen"
    )


def scarce_classes(dataset: Dataset) -> Iterator[str]:
    """Find classes with few validation or test rows, all in one line."""
    scarce = scarce_validation_classes(dataset) + scarce_test_classes(dataset)
    if scarce:
        counts = first_of_many([str(entry) for entry in scarce], separator="; ")
        yield (
            f"{counts}: below {FEW} a score depends on which rows these are; "
            "more labelled rows of that class would help, more seeds would not"
        )


TRAPS: tuple[Check, ...] = (
    telling_columns,
    repeated_rows,
    divided_groups,
    constant_columns,
    classes_without_training_rows,
    tasks_never_together,
    scarce_classes,
)


def _label_columns(dataset: Dataset) -> list[tuple[Task, LabelColumn]]:
    """Return the targets of all tasks, each label of a set apart."""
    columns = []
    for task in dataset.tasks:
        for column in task.label_columns(dataset.targets[task.name]):
            columns.append((task, column))
    return columns


def _plain_columns(source: Source) -> list[str]:
    """Return the input columns of numbers and text; an array is no column."""
    names = map(str, source.inputs)
    return [name for name in names if not is_array(source.inputs[name])]


def _possible_groups(source: Source) -> list[str]:
    """Return the input columns by which rows can be divided: the plain ones and those of pictures.

    A source that is an array has no column to name.
    """
    names = map(str, source.inputs)
    return [name for name in names if name in source.forms or not is_array(source.inputs[name])]


def _halves(source: Source, target: LabelColumn) -> tuple[Array, Array] | None:
    """Return the numbers of two halves of the labelled rows that are no test rows, thinned out.

    None where they are too few to tell anything.
    """
    usable = ~np.isnan(target.labels) & (source.splits.role != TEST)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(usable))[:ROWS_TRIED]
    halves = rows[::2], rows[1::2]
    for half in halves:
        if len(half) < FEWEST_ROWS:
            return None
    return halves


def _score_alone(
    column: "pd.Series[float]",
    target: LabelColumn,
    halves: tuple[Array, Array],
) -> float:
    """Return the AUC (mean over the classes) or R2 on one half of a tree fitted on the other."""
    labels = target.labels
    fitted, held_out = halves
    values = _as_numbers(column, labels, fitted)
    known, truth = labels[fitted], labels[held_out]
    options = {"max_leaf_nodes": LEAVES, "min_samples_leaf": FEWEST_IN_LEAF, "random_state": 0}
    if not target.classes:
        spread = known.std()
        if not spread > 0:
            return 0.0
        known, truth = known / spread, truth / spread  # trees take a small variance for none
        regressor = DecisionTreeRegressor(**options).fit(values[fitted], known)
        by_tree = float(r2_score(truth, regressor.predict(values[held_out])))
        return max(by_tree, _squared_correlation(values[held_out, 0], truth))
    classifier = DecisionTreeClassifier(**options).fit(values[fitted], known)
    shares = classifier.predict_proba(values[held_out])
    scores = []
    for position, code in enumerate(classifier.classes_):
        members = truth == code
        if min(members.sum(), (~members).sum(), (known == code).sum()) >= FEWEST_OF_CLASS:
            scores.append(roc_auc_score(members, shares[:, position]))
    return float(np.mean(scores)) if scores else 0.0


def _squared_correlation(values: Array, truth: Array) -> float:
    """Return the share of the variance of `truth` [N] that a line explains; 0 with a gap."""
    if np.isnan(values).any() or np.ptp(values) == 0 or np.ptp(truth) == 0:
        return 0.0
    return float(np.corrcoef(values, truth)[0, 1] ** 2)


def _as_numbers(column: "pd.Series[float]", labels: Array, fitted: Array) -> Array:
    """Return a column as numbers [N, 1]: of text the mean label of each word in the fitted rows."""
    if column.dtype != object:
        return column.to_numpy(np.float64)[:, None]
    known = pd.Series(labels[fitted]).groupby(column.to_numpy()[fitted]).mean()
    return column.map(known).to_numpy(np.float64)[:, None]


def _row_digests(inputs: pd.DataFrame) -> Array:
    """Return a number [N] for each row that equal rows have in common."""
    digests = np.zeros(len(inputs), np.uint64)
    for column in inputs:
        cells = _comparable(inputs[column])
        hashes = pd.util.hash_array(cells.to_numpy())
        digests = digests * np.uint64(31) + hashes
    return digests


def _comparable(cells: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return the cells with arrays as their bytes."""
    if not is_array(cells):
        return cells
    return cells.map(lambda cell: cell.tobytes(), na_action="ignore")


def _may_be_group(column: str, values: "pd.Series[float]") -> bool:
    """Tell whether values may name persons, sites and the like: many, each of several rows.

    Numbers are taken for that only where the name says so: counts repeat as well.
    """
    present = values.dropna()
    distinct = present.nunique()
    if distinct < FEWEST_GROUPS or 2 * distinct > len(present):
        return False
    if NAMED_LIKE_A_GROUP.search(column):
        return True
    return values.dtype == object
