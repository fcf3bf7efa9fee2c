import gzip
import pickle

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import TaskFlag, file_sizes, load
from mtlsearch.data.readers import MOST_COLUMNS, _one_line, read_table
from mtlsearch.errors import DataError, UsageError

TASKS = ["readmitted", "stay"]


def refused(data, tasks, *parts, error=DataError):
    with pytest.raises(error) as caught:
        load(data, tasks)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("name", "content", "parts"),
    [
        ("a.csv", "", ["a.csv: the file is empty"]),
        ("a.csv", "\n\n", ["a.csv: the file is empty"]),
        ("a.csv", "x,readmitted,stay\n", ["header but no rows"]),
        ("a.csv", "x,stay,readmitted,stay\n1,2,3,4\n", ["distinct", "stay"]),
        ("a.csv", "x,readmitted,stay\n1,2,3\n1,2\n", ["line 3 has 2 fields, the header has 3"]),
        ("a.csv", "x,readmitted,stay\n1,2,3,4\n1,2,3,4\n", ["line 2 has 4 fields"]),
        ("a.csv", 'x,readmitted,stay\n1,2,"3\n4,5,6\n', ["line 2", "quote", "never closed"]),
        ("a.csv", 'x,readmitted,stay\n"1,2,3\n4,5,6\n', ["line 2", "quote", "never closed"]),
        ("a.csv", b"\x89PNG\r\n\x00\x00\x01", ["binary file"]),
        ("a.csv", gzip.compress(b"x,y\n1,2\n", mtime=0), ["binary file"]),
        ("a.csv", b"x,readmitted,stay\n1,2,3\n\x81,2,3\n", ["line 3 is not UTF-8"]),
        ("a.csv.gz", b"not gzip at all", ["a.csv.gz: cannot be read"]),
        ("a.csv.gz", gzip.compress(b"x,y\n" * 99, mtime=0)[:-12], ["a.csv.gz: cannot be read"]),
        ("a.csv.gz", b"", ["the file is empty"]),
        ("a.parquet", b"PAR1 and then nonsense", ["not a readable Parquet"]),
        ("a.npz", b"PK\x03\x04 nonsense", ["not a readable .npz"]),
        ("a.npz", b"nonsense", ["not a readable .npz"]),
        ("a.npz", pickle.dumps([1]), ["not a readable .npz"]),
        ("a.xlsx", "x", ['file type ".xlsx" is unknown', ".parquet"]),
    ],
)
def test_files_that_cannot_be_read(write, name, content, parts):
    refused(write(content, name), TASKS, *parts)


def test_missing_files_and_unknown_names(write, clinic, tmp_path):
    write(clinic)
    refused(
        str(tmp_path / "clinik.csv"),
        TASKS,
        "no such file",
        'did you mean "clinic.csv"?',
        "penguins",
    )
    refused(str(tmp_path / "no" / "clinic.csv"), TASKS, "does not exist")
    refused(str(tmp_path), TASKS, "is a folder")
    refused("pinguins", [], 'data: "pinguins" is unknown; did you mean "penguins"?', ".parquet")


@pytest.mark.parametrize(
    ("arrays", "parts"),
    [
        ({"x": np.zeros((4, 2)), "stay": np.zeros(5)}, ["same number of rows"]),
        ({"x": np.zeros((4, 2, 2, 2, 2))}, ["shape (4, 2, 2, 2, 2)", "[N, F]"]),
        (
            {"x": np.full((4, 2, 2), "text")},
            ["shape (4, 2, 2)", "type <U4", "[N, steps, channels]"],
        ),
        ({"x": np.array([{}, []], dtype=object)}, ["object arrays are not allowed"]),
        ({"x": np.zeros((4, 2)), "x_1": np.zeros(4)}, ["distinct", "x_1"]),
        ({"x": np.zeros(4, complex)}, ["complex128"]),
        ({"x": np.zeros(0)}, ["no rows"]),
    ],
)
def test_npz_arrays_that_make_no_table(tmp_path, arrays, parts):
    np.savez(tmp_path / "a.npz", **arrays)
    refused(str(tmp_path / "a.npz"), TASKS, *parts)


def change(name, values):
    def apply(table):
        table[name] = values(table) if callable(values) else values

    return apply


def infinite(table):
    table.loc[1:20, "stay"] = np.inf


@pytest.mark.parametrize(
    ("tasks", "spoil", "parts"),
    [
        (
            ["readmited", "stay"],
            None,
            ['"readmited" is unknown; did you mean "readmitted"?', "ward"],
        ),
        (["stay"], None, ["at least two tasks are needed, found 1", "ward"]),
        ([], None, ["at least two tasks are needed, found 0"]),
        (["stay", "stay"], None, ['"stay" is named twice']),
        (TASKS, change("stay", 3), ["stay: is constant", '"3"']),
        (TASKS, change("readmitted", "no"), ["readmitted: is constant"]),
        (TASKS, change("stay", np.nan), ["stay: every label is missing"]),
        (
            TASKS,
            infinite,
            ["stay: infinite value (or beyond 1e+30) in 20 rows", "the first is data row 2"],
        ),
        (["stay::r3", "readmitted"], None, ['"r3" is unknown', "r2"]),
        (
            ["stay:regresion", "readmitted"],
            None,
            ['kind: "regresion" is unknown; did you mean "regression"?'],
        ),
        (
            ["stay:regression:roc_auc", "readmitted"],
            None,
            ['metric "roc_auc" does not fit kind regression', "rmse"],
        ),
        (
            ["stay", "readmitted::rmse"],
            None,
            ['metric "rmse" does not fit kind binary', "log_loss"],
        ),
        (
            ["ward:binary", "stay"],
            None,
            [
                "kind binary needs exactly two classes, "
                "found text with 3 distinct values in 48 rows: a, b, c"
            ],
        ),
        (
            ["stay:multiclass", "readmitted"],
            None,
            ["kind multiclass needs classes that repeat, found 48 distinct values in 48 rows"],
        ),
        (["ward:regression", "stay"], None, ["kind regression needs numbers, found text"]),
        (
            TASKS,
            change("readmitted", lambda t: [f"id {i}" for i in t.index]),
            ["60 distinct values in 60 rows", "multiclass"],
        ),
    ],
)
def test_targets_that_cannot_be_learned(write, clinic, tasks, spoil, parts):
    if spoil:
        spoil(clinic)
    refused(write(clinic), tasks, *parts)


CARD = """
sources: {visits: {path: clinic.csv, ignore: [patient]}}
tasks:
  readmitted: {kind: binary}
  days: {target: stay}
split: {seed: 1}
"""


def test_a_card_is_honoured(write, clinic):
    write(clinic)
    dataset = load(write(CARD, "c.yaml"))
    assert dataset.name == "c"
    assert [task.target for task in dataset.tasks] == ["readmitted", "stay"]
    assert list(dataset.sources["visits"].inputs) == ["age", "ward", "smoker"]
    assert "days: regression, r2 (inferred)" in dataset.notices


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        (
            "kind: binary",
            "kinf: binary",
            ['c.yaml: tasks.readmitted: "kinf" is unknown; did you mean "kind"?'],
        ),
        (
            "kind: binary",
            "kind: binry",
            ['c.yaml: tasks.readmitted.kind: "binry" is unknown; did you mean "binary"?'],
        ),
        ("kind: binary", "metric: auc", ['c.yaml: tasks.readmitted.metric: "auc" is unknown']),
        (
            "kind: binary",
            "source: visit",
            ['tasks.readmitted.source: "visit" is unknown; did you mean "visits"?'],
        ),
        (
            "target: stay",
            "target: stey",
            ['tasks.days: target: column: "stey" is unknown; did you mean "stay"?'],
        ),
        ("path: clinic.csv", "path: clinc.csv", ["no such file", "clinic.csv"]),
        ("path: clinic.csv, ", "", ["c.yaml: sources.visits.path: is needed"]),
        ("[patient]", "[patiend]", ["ignore", 'did you mean "patient"?']),
        ("seed: 1", "test: 1.5", ["c.yaml: split.test:", "less than 1", "1.5"]),
        ("seed: 1", "validation: 0", ["c.yaml: split.validation:", "greater than 0"]),
        ("seed: 1", "seeed: 1", ['c.yaml: split: "seeed" is unknown; did you mean "seed"?']),
        ("split:", "splot:", ['c.yaml: "splot" is unknown; did you mean "split"?']),
        ("seed: 1", "column: age, time: stay", ["exclude each other"]),
        ("seed: 1", "group: pat", ['split: column: "pat" is unknown']),
        ("seed: 1", "column: ward", ["60 rows hold", "allowed: train, val, validation, test"]),
        ("seed: 1", "time: ward", ["2024-01-31"]),
        ("seed: 1", "time: age", ["9 rows have no value"]),
        ("days:", "readmitted:", ['line 5: "readmitted" is given twice']),
        ("  days: {target: stay}\n", "", ["at least two tasks are needed, found 1"]),
        ("{seed: 1}", "{seed: 1", ["c.yaml: line"]),
        ("seed: 1", "seed: !!timestamp soon", ["c.yaml: line", "does not fit its tag"]),
        ("seed: 1", "group: &a [*a]", ["c.yaml: line", "a value inside itself"]),
        (CARD, "- just\n- a list\n", ["must be a mapping"]),
        (
            ", ignore: [patient]}",
            "}, idle: {path: clinic.csv}",
            ["is needed, since there are several sources"],
        ),
    ],
)
def test_cards_that_are_wrong(write, clinic, old, new, parts):
    write(clinic)
    assert old in CARD
    refused(write(CARD.replace(old, new), "c.yaml"), [], *parts)


def test_task_flags_that_cannot_be_read():
    for text in ("", ":binary", "a:b:c:d"):
        with pytest.raises(UsageError, match="NAME"):
            TaskFlag.parse(text)
    assert TaskFlag.parse("a::mae") == TaskFlag(name="a", metric="mae")


def test_nothing_left_to_learn_from(write, clinic):
    refused(write(clinic[["stay", "readmitted"]]), TASKS, "no input column is left")


def test_too_few_rows(write):
    refused(
        write(pd.DataFrame({"x": [1, 2], "stay": [1.5, 2], "readmitted": [0, 1]})), TASKS, "2 rows"
    )


def _packed_text(path):
    with gzip.open(path, "wb") as file:
        file.write(b"x,stay,readmitted\n" + b"1,2,3\n" * 50_000)


def _packed_arrays(path):
    zeros = np.zeros((50_000, 20))
    np.savez_compressed(path, x=zeros)


def _packed_columns(path):
    pd.DataFrame({"x": np.arange(500_000.0)}).to_parquet(path)


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.csv.gz", _packed_text),
        ("a.npz", _packed_arrays),
        ("a.parquet", _packed_columns),
    ],
)
def test_a_file_that_memory_cannot_hold_is_not_read(tmp_path, monkeypatch, name, pack):
    path = tmp_path / name
    pack(path)
    load_error = r"would take at least 0.0 GiB of memory to be read, and this machine has 0.0 GiB"
    monkeypatch.setattr(file_sizes, "machine_bytes", lambda: 2**20)
    with pytest.raises(DataError, match=load_error):
        read_table(path)
    monkeypatch.undo()
    assert len(read_table(path).cells) >= 50_000


def test_more_columns_than_anybody_looks_at_are_refused(write):
    names = [f"c{number}" for number in range(MOST_COLUMNS + 1)]
    rows = [",".join(names), ",".join(["1"] * len(names)), ""]
    refused(write("\n".join(rows)), TASKS, "has 50,001 columns, and at most 50,000 are read")


def test_what_a_library_says_of_a_damaged_file_is_shown_without_its_bytes():
    assert _one_line(OSError("no such\ntype: \x0e!")) == "no such type: !"


def test_a_cell_that_a_message_quotes_breaks_no_line(write, clinic):
    clinic["readmitted"] = "a\nb"
    refused(write(clinic), TASKS, 'is constant ("a b" in all')
