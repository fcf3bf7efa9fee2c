from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import READERS, load, read_table

TASKS = ["readmitted", "stay"]


@pytest.mark.parametrize("suffix", READERS)
def test_every_reader_gives_the_same_dataset(tmp_path, clinic, suffix):
    path = tmp_path / f"clinic{suffix}"
    if suffix == ".parquet":
        clinic.to_parquet(path)
    elif suffix == ".npz":
        np.savez(
            path,
            **{
                name: clinic[name].to_numpy(str if clinic[name].dtype == "str" else None)
                for name in clinic
            },
        )
    else:
        clinic.to_csv(path, index=False)
    clinic.to_csv(tmp_path / "same.csv", index=False)
    read, reference = load(str(path), TASKS), load(str(tmp_path / "same.csv"), TASKS)
    pd.testing.assert_frame_equal(read.sources["data"].inputs, reference.sources["data"].inputs)
    for name in TASKS:
        np.testing.assert_array_equal(read.targets[name], reference.targets[name])


def test_npz_matrix_becomes_numbered_columns(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(6).reshape(3, 2), y=np.array([1.5, 2, 3]))
    table = read_table(tmp_path / "a.npz").cells
    assert list(table) == ["x_0", "x_1", "y"]
    assert table["x_1"].tolist() == [1, 3, 5]


def test_quoted_commas_line_breaks_and_byte_order_mark(write):
    text = '\ufeffx,note\n1,"a, b"\n2,"two\nlines"\n\n3,c\n'
    table = read_table(Path(write(text, "a.csv"))).cells
    assert list(table) == ["x", "note"]
    assert table["note"].tolist() == ["a, b", "two\nlines", "c"]


def test_lines_may_end_as_on_any_system(write):
    for ending in ("\n", "\r\n", "\r"):
        text = ending.join(["x,y", "1,", ",b", ""])
        table = read_table(Path(write(text.encode(), "a.csv"))).cells
        assert table.to_dict("list") == {"x": ["1", ""], "y": ["", "b"]}
