from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlsearch.columns import RawColumn, resolve
from mtlsearch.data import Preparation, fold, load, prepare
from mtlsearch.errors import DataError

TASKS = ["readmitted", "stay"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2, None], "number"),
        (["1", "2.5", None], "number"),
        (["1", "", "3"], "text"),
        (["1", 2, "3"], "number"),
        ([True, False, True], "boolean"),
        (["True", "false", None], "boolean"),
        ([True, None, False], "boolean"),
        (["a", "b", None], "text"),
        (["2024-01-31", "2024-02-01T10:00", None], "date"),
        (["31.1.2024", "1/2/24", None], "date"),
        (["Mon", "may", "1-2"], "text"),
        ([[1], [2], None], "other"),
        ([None, None, None], "number"),
    ],
)
def test_types(values, kind):
    assert resolve(RawColumn("x", pd.Series(values, dtype=object)), np.ones(3, bool)).type == kind


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("Int64", "number"),
        ("boolean", "boolean"),
        ("category", "text"),
        ("datetime64[ns]", "date"),
        ("timedelta64[ns]", "number"),
        ("string", "number"),  # 1.0 and 0.0: digits alone would be names
    ],
)
def test_every_pandas_type_is_read(dtype, kind):
    cells = pd.Series([1, 0, None]).astype(object).astype(dtype)
    column = resolve(RawColumn("x", cells), np.ones(3, bool))
    assert column.type == kind
    assert column.present.tolist() == [True, True, False]


def test_hidden_rows_cannot_change_the_type():
    known = np.array([True, True, False])
    column = resolve(RawColumn("x", pd.Series(["1.5", "2", "junk"])), known)
    assert column.type == "number"
    np.testing.assert_array_equal(column.values, [1.5, 2, np.nan])


def test_useless_columns_are_left_out_with_a_notice(write):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"x": rng.normal(size=150), "stay": rng.normal(size=150), "readmitted": np.arange(150) % 2}
    )
    table["id"] = [f"patient {i}" for i in range(150)]
    table["admitted"] = pd.date_range("2024-01-01", periods=150).strftime("%Y-%m-%d")
    path = write("")
    table.to_csv(path)
    dataset = load(path, TASKS)
    assert list(dataset.sources["data"].inputs) == ["x", "admitted"]
    for part in (
        "column id is left out: it looks like an identifier",
        "Unnamed",
    ):
        assert any(part in notice for notice in dataset.notices)


def spoiled(table, rows):
    table = table.astype(object)
    table.loc[rows, "age"] = "garbage"
    table.loc[rows, "ward"] = "ward never seen"
    table.loc[rows, "smoker"] = "12"
    table.loc[rows, "readmitted"] = "perhaps"
    table.loc[rows, "stay"] = "inf"
    return table


def test_test_rows_change_nothing_but_themselves(write, clinic):
    card = """
    sources: {clinic: {path: FILE, ignore: [patient]}}
    tasks: {readmitted: {}, stay: {}}
    split: {column: split}
    """
    clinic["split"] = ["train", "train", "test"] * 20
    test = clinic["split"] == "test"
    write(clinic, "a.csv")
    write(spoiled(clinic, test), "b.csv")
    clean, dirty = (
        load(write(card.replace("FILE", name), f"{name}.yaml")) for name in ("a.csv", "b.csv")
    )
    assert clean.tasks == dirty.tasks
    assert sum("treated as missing" in notice for notice in dirty.notices) == 2
    for replicate in range(6):
        folds = [fold(dataset, replicate, 0) for dataset in (clean, dirty)]
        assert (
            Preparation.fit(clean, folds[0]).to_json() == Preparation.fit(dirty, folds[1]).to_json()
        )
        one, other = prepare(clean, folds[0]), prepare(dirty, folds[1])
        np.testing.assert_array_equal(folds[0].train["clinic"], folds[1].train["clinic"])
        np.testing.assert_array_equal(
            one.inputs["clinic"].values[~test], other.inputs["clinic"].values[~test]
        )
        for task in TASKS:
            np.testing.assert_array_equal(one.targets[task][~test], other.targets[task][~test])
        assert (one.decoders, one.baseline_loss) == (
            other.decoders,
            other.baseline_loss,
        )
        assert np.isfinite(other.inputs["clinic"].values).all()


@pytest.mark.parametrize(
    ("values", "kind", "classes"),
    [
        (np.arange(60) / 7, "regression", ()),
        (np.arange(60), "regression", ()),
        (np.arange(60) % 20, "multiclass", tuple(map(str, range(20)))),
        (np.arange(60) % 21, "regression", ()),
        (np.arange(60) % 3 + 0.5, "regression", ()),
        (np.where(np.arange(60) % 2, 0.5, 2), "binary", ("0.5", "2")),
        (np.where(np.arange(60) % 2, 10, 9), "binary", ("9", "10")),
        (np.arange(60) % 2 == 0, "binary", ("False", "True")),
        (np.array(["b", "a", "c"] * 20), "multiclass", ("a", "b", "c")),
    ],
)
def test_kinds(write, clinic, values, kind, classes):
    clinic["y"] = values
    task = load(write(clinic), ["y", "stay"]).tasks[0]
    assert (task.kind.name, task.classes) == (kind, classes)


def test_a_regression_metric_settles_the_kind(write, clinic):
    clinic["y"] = np.arange(60) % 5
    task = load(write(clinic), ["y::mae", "stay"]).tasks[0]
    assert (task.kind.name, task.metric.name) == ("regression", "mae")


def test_the_digest_sees_every_change(write, clinic):
    first = load(write(clinic), TASKS).digest
    assert load(write(clinic), TASKS).digest == first
    clinic.loc[3, "ward"] = "d"
    assert load(write(clinic), TASKS).digest != first
    assert len(first) == 64


@pytest.mark.parametrize("cell", [{"a": 1}, [1.0, 2.0], b"x"])
def test_cells_that_are_containers_are_left_out_and_no_targets(
    tmp_path: Path, clinic: pd.DataFrame, cell: object
) -> None:
    clinic["odd"] = [cell] * len(clinic)
    clinic.to_parquet(tmp_path / "t.parquet")
    dataset = load(str(tmp_path / "t.parquet"), TASKS)
    assert "odd" not in dataset.sources["data"].inputs
    assert any("odd is left out: it holds neither" in notice for notice in dataset.notices)
    with pytest.raises(DataError, match="odd: holds neither numbers nor text"):
        load(str(tmp_path / "t.parquet"), ["readmitted", "odd"])
