"""Each trap is found where it is laid, and nothing is said of a table without traps."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import Dataset, find_traps, load
from mtlsearch.data.traps import TRAPS

ROWS = 400
Load = Callable[..., Dataset]


@pytest.fixture
def table() -> pd.DataFrame:
    draw = np.random.default_rng(5)
    table = pd.DataFrame(draw.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
    table["ward"] = draw.choice(list("xyz"), ROWS)
    table["up"] = (table["a"] + draw.normal(size=ROWS) > 0).astype(int)
    table["amount"] = (table["b"] + draw.normal(size=ROWS)).round(4)
    return table


@pytest.fixture
def loaded(tmp_path) -> Load:
    def put(table: pd.DataFrame, *tasks: str, split: str = "") -> Dataset:
        table.to_csv(tmp_path / "t.csv", index=False)
        names = tasks or ("up", "amount")
        card = (
            f"sources: {{t: {{path: t.csv}}}}\ntasks: {{{', '.join(f'{n}: {{}}' for n in names)}}}"
        )
        (tmp_path / "t.yaml").write_text(f"{card}\n{split}\n")
        return load(str(tmp_path / "t.yaml"))

    return put


def test_a_table_without_traps(table, loaded) -> None:
    assert find_traps(loaded(table)) == ()


@pytest.mark.parametrize(
    ("leak", "task", "measure"),
    [
        (lambda table: table["up"] * 2.5 + 1, "up", "AUC 1.000"),
        (lambda table: np.where(table["up"] == 1, "paid", "open"), "up", "AUC 1.000"),
        (lambda table: table["up"].where(table["up"] == 1), "up", "AUC 1.000"),
        (lambda table: np.exp(table["amount"]), "amount", "R2 0.99"),
        (lambda table: -3 * table["amount"] + 0.01 * table["c"], "amount", "R2 1.000"),
    ],
)
def test_a_column_that_gives_a_target_away(table, loaded, leak, task, measure) -> None:
    dataset = loaded(table.assign(leak=leak(table)))
    [line] = [line for line in find_traps(dataset) if "leak" in line]
    assert line.startswith(f"t: column leak predicts task {task} almost alone ({measure}")


def test_a_target_of_a_small_unit_is_given_away_as_well(table, loaded) -> None:
    table["amount"] *= 1e-12
    [line] = find_traps(loaded(table.assign(leak=np.exp(table["amount"] * 1e12))))
    assert line.startswith("t: column leak predicts task amount almost alone (R2 0.99")


def test_rows_that_are_in_train_and_test(table, loaded) -> None:
    part = np.where(np.arange(ROWS) < 300, "train", "test")
    inputs = ["a", "b", "c", "ward"]
    table.loc[390:399, inputs] = table.loc[0:9, inputs].to_numpy()
    table.loc[5, "ward"] = None
    [line] = find_traps(loaded(table.assign(part=part), split="split: {column: part}"))
    assert line.startswith("t: 9 of the 100 test rows (9%) have the same inputs")


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("patient", [f"p{row // 5}" for row in range(ROWS)]),
        ("user_id", [1000 + row // 5 for row in range(ROWS)]),
    ],
)
def test_groups_that_are_divided(table, loaded, column, values) -> None:
    dataset = loaded(table.assign(**{column: values}))
    [line] = [line for line in find_traps(dataset) if column in line]
    assert f"values of {column} in test rows" in line
    assert f"--group {column}" in line
    assert (
        find_traps(loaded(table.assign(**{column: values}), split=f"split: {{group: {column}}}"))
        == ()
    )


def test_numbers_that_repeat_are_no_groups(table, loaded) -> None:
    assert find_traps(loaded(table.assign(age=np.arange(ROWS) % 60))) == ()


def test_constant_columns(table, loaded) -> None:
    [line] = find_traps(loaded(table.assign(one=1, word="same", none=np.nan)))
    assert line.startswith("t: constant columns, which tell nothing: one, word, none")


def test_a_class_without_training_rows(table, loaded) -> None:
    part = np.array(["train", "val", "test", "train"] * (ROWS // 4))
    table["ward"] = np.where(part == "val", "v", table["ward"])
    dataset = loaded(table.assign(part=part), "ward", "amount", split="split: {column: part}")
    assert "task ward: no training row is of class v" in find_traps(dataset)


def test_tasks_that_no_row_has_both_labels_of(table, loaded) -> None:
    even = np.arange(ROWS) % 2 == 0
    table["up"] = table["up"].where(even)
    table["amount"] = table["amount"].where(~even)
    lines = find_traps(loaded(table))
    assert any(line.startswith("no row has labels of both: up and amount.") for line in lines)


def test_classes_with_few_rows(table, loaded) -> None:
    table["rare"] = (np.arange(ROWS) % 10 == 0).astype(int)
    [line] = find_traps(loaded(table, "rare", "amount"))
    assert line.startswith(
        "task rare: 6 of the 64 validation rows are of class 1; "
        "task rare: 8 of the 80 test rows are of class 1: below 20 a score depends"
    )


def test_balanced_classes_are_not_scarce_because_they_are_many(table, loaded) -> None:
    table["kind"] = [f"k{row % 16}" for row in range(ROWS)]
    assert find_traps(loaded(table, "kind", "amount")) == ()


def test_a_large_table_takes_seconds(tmp_path) -> None:
    draw = np.random.default_rng(0)
    rows = 100_000
    table = pd.DataFrame(draw.normal(size=(rows, 50)), columns=[f"x{i}" for i in range(50)])
    table["up"] = draw.integers(2, size=rows)
    table["amount"] = draw.normal(size=rows)
    table.to_parquet(tmp_path / "large.parquet")
    dataset = load(str(tmp_path / "large.parquet"), ["up", "amount"])
    began = time.process_time()
    assert find_traps(dataset) == ()
    assert time.process_time() - began < 5


def test_the_checks_are_functions_of_a_dataset() -> None:
    dataset = load("iris+breast_cancer")
    for check in TRAPS:
        assert all(isinstance(line, str) and "\n" not in line for line in check(dataset))
