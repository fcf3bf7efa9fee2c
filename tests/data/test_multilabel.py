"""Several labels at once: a binary task for each."""

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import load
from mtlsearch.errors import DataError

ROWS = 100
LABELS = [["sport", "news"], ["news"], [], ["art", "sport"], None]


@pytest.fixture
def write(tmp_path):
    """Writes a table with lists of labels in a column, in the format of its name."""
    draw = np.random.default_rng(0)
    cells = [LABELS[row % len(LABELS)] for row in range(ROWS)]
    cells[0] = ["news", "rare"]

    def make(name="t.parquet", separator=";", **columns):
        table = pd.DataFrame(draw.normal(size=(ROWS, 2)), columns=["x", "z"])
        table["topics"] = cells
        if name.endswith("csv"):
            table["topics"] = [None if c is None else separator.join(c) for c in cells]
        for column, values in columns.items():
            table[column] = values
        path = tmp_path / name
        table.to_csv(path, index=False) if name.endswith("csv") else table.to_parquet(path)
        return str(path)

    return make


@pytest.mark.parametrize(("name", "separator"), [("t.parquet", ""), ("t.csv", ";"), ("t.csv", "|")])
def test_a_column_of_lists_becomes_a_task_for_each_label(write, name, separator):
    dataset = load(write(name, separator), ["topics:multilabel"])
    assert [task.name for task in dataset.tasks] == ["topics.art", "topics.news", "topics.sport"]
    assert {task.kind.name for task in dataset.tasks} == {"binary"}
    sport = dataset.targets["topics.sport"]
    expected = [0, 0, 1, np.nan, 1, 0] if name == "t.parquet" else [0, np.nan, 1, np.nan, 1, 0]
    np.testing.assert_array_equal(sport[[1, 2, 3, 4, 5, 6]], expected)
    [source] = dataset.sources.values()
    assert list(source.inputs) == ["x", "z"]
    said = "\n".join(dataset.notices)
    assert "topics: 1 labels are left out, each in fewer than 10 rows" in said
    assert "topics: labels, as 3 binary tasks: topics.art, topics.news, topics.sport" in said


def test_a_list_of_columns_becomes_a_task_for_each(write, tmp_path):
    draw = np.random.default_rng(1)
    flags = {name: draw.integers(2, size=ROWS) for name in ("wet", "cold")}
    write(**flags)
    card = tmp_path / "card.yaml"
    card.write_text(
        "sources: {t: {path: t.parquet, ignore: [topics]}}\n"
        "tasks: {weather: {kind: multilabel, targets: [wet, cold], importance: 2}}\n"
    )
    dataset = load(str(card))
    assert [task.name for task in dataset.tasks] == ["weather.wet", "weather.cold"]
    assert [task.options.importance for task in dataset.tasks] == [2, 2]
    assert list(dataset.sources["t"].inputs) == ["x", "z"]
    important = load(str(card), options=["--importance weather=3"])
    assert [task.options.importance for task in important.tasks] == [3, 3]


def test_labels_that_are_not_selected_are_no_inputs(write, tmp_path):
    write(stay=np.arange(ROWS) / 7, cost=np.arange(ROWS) % 13 / 7, wet=np.arange(ROWS) % 2)
    card = tmp_path / "card.yaml"
    card.write_text(
        "sources: {t: {path: t.parquet}}\n"
        "tasks: {topics: {kind: multilabel}, more: {kind: multilabel, targets: [wet]},\n"
        "        stay: {}, cost: {}}\n"
    )
    dataset = load(str(card), ["stay", "cost"])
    assert list(dataset.sources["t"].inputs) == ["x", "z"]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("kind: multilabel, separate: false", "tasks.topics.separate: one task for all labels is"),
        ("kind: binary, targets: [x, z]", "tasks.topics.targets: is for kind multilabel"),
        ("kind: multilabel, target: x", "topics: allowed are lists, or text .* found neither"),
        ("kind: multilabel, target: gone", "gone"),
    ],
)
def test_what_is_no_list_of_labels_is_refused(write, tmp_path, task, message):
    write()
    card = tmp_path / "card.yaml"
    card.write_text(
        f"sources: {{t: {{path: t.parquet}}}}\ntasks: {{topics: {{{task}}}, z: {{}}}}\n"
    )
    with pytest.raises(DataError, match=message):
        load(str(card))


def test_a_name_that_is_taken_is_refused(write):
    with pytest.raises(DataError, match=r'there is a column "topics\.news" already'):
        load(write(**{"topics.news": 1.0}), ["topics:multilabel"])
