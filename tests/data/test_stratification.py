"""Every part has its share of the classes of every task."""

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import TEST, fold, load
from mtlsearch.data.stratification import divide

FIFTHS = [0.2] * 5


def _codes(rows: int, seed: int = 0) -> np.ndarray:
    """Three tasks [rows, 3]: of two classes, of one that is rare, of four and many unlabelled."""
    draw = np.random.default_rng(seed)
    click = draw.random(rows) < 0.3
    buy = np.zeros(rows)
    buy[draw.choice(rows, 8, replace=False)] = 1
    topic = draw.integers(4, size=rows)
    topic[draw.random(rows) < 0.6] = -1
    return np.column_stack([click, buy, topic]).astype(np.int64)


@pytest.mark.parametrize("seed", range(5))
def test_every_class_goes_evenly_into_the_parts(seed: int) -> None:
    strata = _codes(500, seed)
    part = divide(strata, FIFTHS, seed)
    assert np.ptp(np.bincount(part, minlength=5)) <= 4
    for codes in strata.T:
        for code in np.unique(codes[codes >= 0]):
            counts = np.bincount(part[codes == code], minlength=5)
            assert np.ptp(counts) <= 2
            assert counts.min() >= 1


def test_unequal_shares_are_met() -> None:
    strata = _codes(1000)
    part = divide(strata, (0.8, 0.2), 0)
    assert abs((part == 1).sum() - 200) <= 3
    assert (strata[part == 1, 1] == 1).sum() in (1, 2)
    assert (strata[part == 1, 0] == 1).mean() == pytest.approx(strata[:, 0].mean(), abs=0.01)


def test_groups_stay_together_and_rare_ones_are_spread() -> None:
    strata = _codes(600)
    group = np.arange(600) // 4
    part = divide(strata, FIFTHS, 1, group)
    for name in np.unique(group):
        assert len(set(part[group == name])) == 1
    assert np.bincount(part[strata[:, 1] == 1], minlength=5).min() >= 1
    assert np.ptp(np.bincount(part, minlength=5)) <= 24


def test_the_parts_depend_on_the_seed_alone() -> None:
    strata = _codes(300)
    np.testing.assert_array_equal(divide(strata, FIFTHS, 3), divide(strata, FIFTHS, 3))
    assert not np.array_equal(divide(strata, FIFTHS, 3), divide(strata, FIFTHS, 4))


def test_test_rows_and_folds_of_several_tasks_all_have_the_rare_class(tmp_path) -> None:
    strata = _codes(2000)
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"a": draw.normal(size=2000), "click": strata[:, 0], "buy": strata[:, 1]})
    table.to_csv(tmp_path / "rare.csv", index=False)
    dataset = load(str(tmp_path / "rare.csv"), ["click", "buy"])
    buys = dataset.targets["buy"] == 1
    assert buys[dataset.sources["data"].splits.role == TEST].sum() in (1, 2)
    for replicate in range(10):
        rows = fold(dataset, replicate, 0)
        assert buys[rows.validation["data"]].sum() in (1, 2)
        assert buys[rows.train["data"]].sum() >= 4
        assert len(np.intersect1d(rows.train["data"], rows.validation["data"])) == 0
