"""Any table that pandas can write is read as it was, or refused with one clear line."""

import math
import string
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlsearch.data import load
from mtlsearch.errors import DataError

ROWS = 24
LETTERS = string.printable.replace("\r", "") + "äß€名\u00a0"
"""Without the carriage return, which pandas writes without quotes."""
WORDS = st.text(LETTERS, max_size=12)
NUMBERS = st.one_of(
    st.floats(allow_infinity=False, allow_subnormal=False),
    st.integers(-(10**15), 10**15).map(float),
)
COLUMNS = st.one_of(
    st.lists(NUMBERS, min_size=ROWS, max_size=ROWS),
    st.lists(st.booleans(), min_size=ROWS, max_size=ROWS),
    st.lists(st.sampled_from(["a", "b", "None", "NA", None]), min_size=ROWS, max_size=ROWS),
    st.lists(st.sampled_from(["007", "012", "1"]), min_size=ROWS, max_size=ROWS),
    st.lists(WORDS, min_size=ROWS, max_size=ROWS),
)
TABLES = st.fixed_dictionaries({"x": COLUMNS, "y": COLUMNS})
FORMATS = st.sampled_from(["comma.csv", "semicolon.csv", "tab.csv", "t.parquet"])
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}


def _write(table: pd.DataFrame, path: Path) -> None:
    if path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=False, sep=SEPARATORS[path.stem])


def _targets() -> pd.DataFrame:
    rows = np.arange(ROWS)
    return pd.DataFrame({"up": rows % 2, "amount": np.sqrt(rows + 2.0), "free": rows % 7 / 3})


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(columns=TABLES, name=FORMATS)
def test_it_is_read_right_or_refused_in_one_line(tmp_path: Path, columns, name) -> None:
    table = pd.DataFrame(columns).assign(**_targets())
    path = tmp_path / name
    _write(table, path)
    try:
        dataset = load(str(path), ["up", "amount"])
    except DataError as error:
        assert "\n" not in str(error)
        return
    [source] = dataset.sources.values()
    assert len(source.inputs) == ROWS
    assert dataset.targets["amount"].tolist() == table["amount"].tolist()
    known = {record.name for record in dataset.columns}
    assert known == set(table.columns)
    for column in ("x", "y"):
        _check_column(table[column], source, dataset, column)


def _check_column(written, source, dataset, column) -> None:
    [record] = [record for record in dataset.columns if record.name == column]
    if record.use != "input":
        assert any(f"column {column} is left out" in notice for notice in dataset.notices)
        return
    read = source.inputs[column]
    are_numbers = all(isinstance(cell, float | bool) for cell in written)
    if are_numbers:
        assert record.type in ("number", "boolean")
        expected = [float(cell) if abs(cell) < 1e30 else math.nan for cell in written]
        np.testing.assert_array_equal(read.to_numpy(np.float64), expected)
        return
    if record.type == "category":
        for cell, value in zip(written, read, strict=True):
            assert value is None or value in (cell, cell.strip())
