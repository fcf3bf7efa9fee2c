"""Tables as people have them go from check to predictions and say what they are taken for."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.running_program import SMALL, TWO_ARMS, Finished, one_error_line, run_warm

ROWS = 60
TASKS = ("--task", "up", "--task", "grade", "--task", "amount")
NO_DATA = "-3.4e38"


def _table() -> pd.DataFrame:
    """Numbers with a decimal comma and marks for gaps, codes, spelled booleans, lists."""
    draw = np.random.default_rng(0)
    height = draw.normal(1.7, 0.2, ROWS).round(4)
    table = pd.DataFrame({"height": [f"{value:.4f}".replace(".", ",") for value in height]})
    table.loc[3, "height"] = "?"
    table["soil"] = draw.normal(size=ROWS).round(3).astype(str)
    table.loc[5, "soil"] = NO_DATA
    table["zip"] = draw.choice(["02134", "00501", "10001"], ROWS)
    table["visits"] = draw.choice([3, -999, 7], ROWS)
    table["branch"] = draw.choice([1, 2, 3], ROWS)
    table["up"] = draw.choice(["TRUE", "FALSE"], ROWS)
    table["grade"] = draw.choice(["001", "010"], ROWS)
    table["amount"] = draw.normal(size=ROWS).round(3)
    return table


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A searched and exported table, in a file as Excel writes it in Germany."""
    folder = tmp_path_factory.mktemp("tables")
    _table().to_csv(folder / "t.csv", index=False, sep=";", encoding="utf-16")
    flags = ("--categorical", "branch", "--missing", "-999")
    search = ("search", "t.csv", *TASKS, *flags, *SMALL, *TWO_ARMS, "--study", "st")
    assert _done(run_warm(*search, cwd=folder)).code == 0
    assert _done(run_warm("export", "st", "--to", "model", cwd=folder)).code == 0
    return folder


def _done(finished: Finished) -> Finished:
    assert "Traceback" not in finished.err, finished.err
    return finished


def _predict(place: Path, table: pd.DataFrame, name: str = "new.csv") -> pd.DataFrame:
    if name.endswith(".parquet"):
        table.to_parquet(place / name)
    else:
        table.to_csv(place / name, index=False)
    done = _done(run_warm("predict", "model", name, "--to", "out.csv", cwd=place))
    assert done.code == 0, done.err
    return pd.read_csv(place / "out.csv", dtype=str)


def test_check_says_what_every_column_is_taken_for(place: Path) -> None:
    done = run_warm("check", "t.csv", *TASKS, "--space", "quick", cwd=place)
    assert done.code == 0
    lines = done.out.splitlines()
    for name, kind in (("height", "number"), ("zip", "category"), ("visits", "number")):
        [line] = [line for line in lines if line.startswith(f"column data: {name} ")]
        assert line.split()[3] == kind
    assert "fields are separated by semicolon" in done.out
    assert 'height: 1 cells of "?" are taken as missing' in done.out
    assert 'numbers like "' in done.out


def test_labels_come_back_as_the_file_spells_them(place: Path) -> None:
    predicted = _predict(place, _table())
    assert set(predicted["up"]) <= {"TRUE", "FALSE"}
    assert set(predicted["grade"]) <= {"001", "010"}


def test_a_study_of_flags_is_read_again_as_it_was(place: Path) -> None:
    assert _done(run_warm("report", "st", cwd=place)).code == 0
    assert _done(run_warm("resume", "st", cwd=place)).code == 0


SAME = (
    ("soil", NO_DATA, ""),
    ("soil", "1e30", "None"),
    ("height", "1,7", "1.7"),
    ("height", "1,7", "1,700"),
    ("height", "-", ""),
    ("visits", "-999", ""),
    ("visits", "-999.0", "NA"),
    ("branch", "2.0", "2"),
    ("zip", "", "NaN"),
)
DIFFERENT = (
    ("soil", "2", ""),
    ("height", "2,5", ""),
    ("visits", "7", ""),
    ("zip", "02134", ""),
)


def test_cells_that_say_the_same_are_predicted_the_same(place: Path) -> None:
    """And others otherwise, or else that would say nothing."""
    row = _table().astype(str).iloc[0].to_dict()
    rows = []
    for column, cell, other in (*SAME, *DIFFERENT):
        rows += [{**row, column: cell}, {**row, column: other}]
    predicted = _predict(place, pd.DataFrame(rows))
    assert predicted.notna().all().all()
    first = predicted.iloc[::2].to_numpy()
    second = predicted.iloc[1::2].to_numpy()
    equal = (first == second).all(axis=1)
    assert equal.tolist() == [True] * len(SAME) + [False] * len(DIFFERENT)


def test_a_table_with_lists_is_predicted(place: Path) -> None:
    table = _table().astype({"height": str})
    lists = [[1, 2] for _ in range(ROWS)]
    with_lists = _predict(place, table.assign(tags=lists), "lists.parquet")
    pd.testing.assert_frame_equal(with_lists, _predict(place, table, "no_lists.parquet"))


def test_a_split_column_is_asked_about(place: Path) -> None:
    words = np.resize(["train", "train", "test"], ROWS)
    _table().assign(part=words).to_csv(place / "split.csv", index=False)
    done = run_warm("check", "split.csv", *TASKS, "--space", "quick", cwd=place)
    assert done.code == 3
    assert "--split-column part" in one_error_line(done)
    for flags in (("--split-column", "part"), ("--ignore", "part")):
        done = run_warm("check", "split.csv", *TASKS, *flags, "--space", "quick", cwd=place)
        assert done.code == 0, done.err


def test_an_unknown_column_is_named_with_the_nearest(place: Path) -> None:
    done = run_warm(
        "check", "t.csv", *TASKS, "--categorical", "branh", "--space", "quick", cwd=place
    )
    assert done.code == 3
    assert 'did you mean "branch"?' in one_error_line(done)
