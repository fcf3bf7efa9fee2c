"""What cannot be scored is refused before anything is trained, with the reason."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import TEST, check_test_rows, check_validation_rows, fold, load
from mtlsearch.data.dataset import Dataset
from mtlsearch.errors import DataError

FLAGS = ["up:binary:roc_auc", "amount:regression:r2", "kind:multiclass"]


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"a": draw.normal(size=100), "amount": draw.normal(size=100)})
    table["up"] = draw.integers(2, size=100)
    table["kind"] = draw.choice(list("xyz"), 100)
    table.to_csv(tmp_path / "t.csv", index=False)
    return load(str(tmp_path / "t.csv"), FLAGS)


def _with_labels(dataset: Dataset, task: str, rows: np.ndarray, labels: object) -> Dataset:
    changed = dataset.targets[task].copy()
    changed[rows] = labels
    return replace(dataset, targets={**dataset.targets, task: changed})


@pytest.mark.parametrize(
    ("task", "labels", "reason"),
    [
        ("up", 1, "up: roc_auc is not defined on the 20 test rows: all are of class 1"),
        ("up", np.nan, "up: roc_auc is not defined on the 20 test rows: none has a label"),
        ("kind", np.nan, "kind: accuracy is not defined on the 20 test rows: none has a label"),
        ("amount", 2.5, "amount: r2 is not defined on the 20 test rows: all are 2.5"),
        ("amount", [2.5] + 19 * [np.nan], "the 20 test rows: only one has a label"),
        ("up", [0] * 12 + 8 * [np.nan], "all 12 labelled ones are of class 0"),
    ],
)
def test_test_rows_must_be_scored(dataset, task, labels, reason) -> None:
    rows = np.flatnonzero(dataset.sources["data"].splits.role == TEST)
    with pytest.raises(DataError) as caught:
        check_test_rows(_with_labels(dataset, task, rows, labels))
    assert reason in str(caught.value)


def test_what_can_be_scored_is_let_pass(dataset) -> None:
    check_test_rows(dataset)
    check_validation_rows(dataset, range(10), 0)
    rows = np.flatnonzero(dataset.sources["data"].splits.role == TEST)
    check_test_rows(_with_labels(dataset, "kind", rows, 1))


@pytest.mark.parametrize(
    ("task", "labels", "reason"),
    [
        ("up", 0, "task up: 0 of the 16 validation rows of a fold are of class 1; roc_auc is not"),
        ("amount", 2.5, "task amount: of the 16 validation rows of a fold all are 2.5; r2 is not"),
    ],
)
def test_validation_rows_must_be_scored(dataset, task, labels, reason) -> None:
    rows = fold(dataset, 2, 0).validation["data"]
    changed = _with_labels(dataset, task, rows, labels)
    check_validation_rows(changed, [0, 1], 0)
    with pytest.raises(DataError) as caught:
        check_validation_rows(changed, range(3), 0)
    assert reason in str(caught.value)
