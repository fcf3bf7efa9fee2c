"""What a search reads of large data: how many rows, and which of a fold."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch

from mtlsearch.data import TEST, TRAIN, Dataset, Source, Splits, fold, load
from mtlsearch.data.scored_rows import check_search_rows
from mtlsearch.data.search_rows import LARGE, automatic_rows, thinned
from mtlsearch.errors import DataError
from mtlsearch.search.batch_sizes import batch_size_notices, search_row_notices
from mtlsearch.search.study_loading import load_problem
from mtlsearch.space import SearchSpace
from mtlsearch.tasks import Binary, Regression, Task
from mtlsearch.tasks.metrics import R2, ROC_AUC
from mtlsearch.training.training_data import TrainingData
from tests.support.replicates import confirmed, searched


def made(rows: int, labelled: float = 1.0, positive: float = 0.5) -> Dataset:
    """A source with a number, a class and groups of three rows; a fifth are test rows."""
    draw = np.random.default_rng(0)
    x = draw.random(rows)
    role = np.where(np.arange(rows) % 5 == 0, TEST, TRAIN)
    amount = np.where(draw.random(rows) < labelled, x, np.nan)
    ill = (x < positive).astype(float)
    splits = Splits(role, given=False, strata=ill.astype(np.int64)[:, None])
    tasks = (
        Task("amount", Regression(), R2, "s", "amount"),
        Task("ill", Binary(), ROC_AUC, "s", "ill", classes=("no", "yes")),
    )
    source = Source("s", pd.DataFrame({"x": x}), splits)
    return Dataset("s", {"s": source}, tasks, {"amount": amount, "ill": ill}, "")


@pytest.mark.parametrize(
    ("dataset", "rows"),
    [
        (made(LARGE * 5 // 4), None),  # 50,000 are not test rows
        (made(LARGE * 5 // 4 + 5), 20_000),
        (made(100_000, labelled=0.04), 25_000),  # for 1,000 labels
        (made(100_000, positive=0.004), 25_000),  # for 100 of the rare class
        (made(100_000, labelled=0.01), None),  # over half of all
    ],
)
def test_as_many_rows_as_tasks_and_classes_need(dataset, rows):
    found = automatic_rows(dataset)
    assert found == (None if rows is None else pytest.approx(rows, rel=0.1))
    assert found is None or found >= 20_000


@pytest.mark.parametrize("grouped", [False, True])
def test_a_thinned_fold_is_a_part_with_the_same_shares(grouped):
    dataset = made(3_000, positive=0.1)
    [source] = dataset.sources.values()
    if grouped:
        splits = dataclasses.replace(source.splits, group=np.arange(3_000) // 3)
        sources = {"s": dataclasses.replace(source, splits=splits)}
        dataset = dataclasses.replace(dataset, sources=sources)
    whole = fold(dataset, 1, 0)
    part = thinned(dataset, whole, 600, seed=7)
    assert part.train["s"].tolist() == thinned(dataset, whole, 600, seed=7).train["s"].tolist()
    assert part.train["s"].tolist() != thinned(dataset, whole, 600, seed=8).train["s"].tolist()
    for side, rows in (
        (part.train["s"], whole.train["s"]),
        (part.validation["s"], whole.validation["s"]),
    ):
        assert len(rows) / len(side) == pytest.approx(len(whole.train["s"]) / 600, rel=0.03)
        assert np.isin(side, rows).all()
        assert (np.diff(side) > 0).all()
        shares = [dataset.targets["ill"][chosen].mean() for chosen in (side, rows)]
        assert shares[0] == pytest.approx(shares[1], abs=0.02)
        if grouped:
            codes = dataset.sources["s"].splits.group
            chosen = np.isin(codes[rows], codes[side])
            assert np.array_equal(rows[chosen], side)
    everything = thinned(dataset, whole, 10_000, seed=7)
    np.testing.assert_array_equal(everything.train["s"], whole.train["s"])


def test_only_the_search_reads_a_part():
    dataset = made(3_000)
    data = TrainingData(dataset, 0, torch.device("cpu"), search_rows=200)
    search = data.fold(searched(1))
    assert len(search.train["s"]) == search.longest == 200
    assert len(search.validation["s"]) == 50
    confirmation = data.fold(confirmed(1))
    whole = fold(dataset, confirmed(1).number, 0)
    np.testing.assert_array_equal(confirmation.train["s"], whole.train["s"])


def test_a_space_says_how_many_and_the_start_says_so():
    dataset, space = load_problem("penguins", [], "quick", None)
    assert space.training.rows == "all"
    assert search_row_notices(dataset, space) == []
    mapping = {"training": {"rows": 100, "batch_size": "auto"}}
    few = SearchSpace.from_mapping(mapping, 3)
    [notice] = search_row_notices(dataset, few)
    assert notice.startswith("the search reads 100 of 239 training rows")
    [notice] = batch_size_notices(dataset, few, 0)
    assert "32 rows a step for 239 training rows, in the search 32 for 100" in notice
    old = SearchSpace.from_mapping({"training": {}}, 3)
    assert old.training.search_rows is None


def test_rows_that_score_no_task_are_refused():
    check_search_rows(load("penguins"), 100)
    with pytest.raises(
        DataError, match=r"ill: roc_auc is not defined .* training.rows 20: all are"
    ):
        check_search_rows(made(3_000, positive=0.001), 20)
