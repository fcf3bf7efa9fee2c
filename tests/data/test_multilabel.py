"""Several labels at once: a binary task for each, or one task for all."""

import re

import numpy as np
import pandas as pd
import pytest

from mtlsearch.data import TEST, fold, load, prepare
from mtlsearch.data.multilabel import label_names
from mtlsearch.data.scarcity import scarce_test_classes, values_of_mean
from mtlsearch.data.scored_rows import check_test_rows
from mtlsearch.data.traps import find_traps
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
        ("kind: binary, separate: false", "tasks.topics.separate: is for kind multilabel"),
        ("kind: label_set, separate: true", "tasks.topics.separate: label_set is one task for all"),
        ("kind: label_set, metric: roc_auc", 'metric "roc_auc" does not fit kind label_set'),
        ("kind: multilabel, metric: macro_f1", 'metric "macro_f1" does not fit kind binary'),
        ("kind: label_set, targets: [x, z]", "topics: x: a label needs two values, such as 0 and"),
        ("kind: label_set, targets: [once]", "topics: none of 1 labels is in 10 rows or more"),
        ("kind: label_set, targets: [x, x]", "tasks.topics.targets: has a name twice"),
        ("kind: label_set, order: [news, art]", "tasks.topics.order: labels in lists have none"),
        ("kind: label_set, target: x", "topics: allowed are lists, or text .* found neither"),
        ("kind: binary, targets: [x, z]", "tasks.topics.targets: is for kind multilabel"),
        ("kind: multilabel, target: x", "topics: allowed are lists, or text .* found neither"),
        ("kind: multilabel, target: gone", "gone"),
    ],
)
def test_what_is_no_list_of_labels_is_refused(write, tmp_path, task, message):
    write(once=np.arange(ROWS) == 3)
    card = tmp_path / "card.yaml"
    card.write_text(
        f"sources: {{t: {{path: t.parquet}}}}\ntasks: {{topics: {{{task}}}, z: {{}}}}\n"
    )
    with pytest.raises(DataError, match=message):
        load(str(card))


def test_a_name_that_is_taken_is_refused(write):
    with pytest.raises(DataError, match=r'there is a column "topics\.news" already'):
        load(write(**{"topics.news": 1.0}), ["topics:multilabel"])


@pytest.mark.parametrize("separator", [";", "|"])
def test_lists_that_are_taken_for_classes_are_said(write, separator):
    """There are a few combinations of labels here; where they are many, they are refused."""
    draw = np.random.default_rng(0)
    stay = draw.normal(size=ROWS)
    path = write("t.csv", separator, stay=stay)
    advice = "if they are lists of labels, say topics:multilabel .* or topics:label_set"
    said = "\n".join(load(path, ["topics", "stay"]).notices)
    assert re.search(f"topics: multiclass of [34] values; {advice}", said)
    plain = write("t.csv", separator, stay=stay, topics=["a;b", "c", "d", "e"] * (ROWS // 4))
    assert "lists of labels" not in "\n".join(load(plain, ["topics", "stay"]).notices)

    labels = np.array(list("abcdefgh"))
    lists = [separator.join(labels[row]) for row in draw.random((ROWS, 8)) < 0.5]
    with pytest.raises(DataError, match=advice):
        load(write("t.csv", stay=stay, topics=lists), ["topics", "stay"])


# One task for all labels


@pytest.fixture
def weather(write, tmp_path):
    """Writes a card of a set of labels in columns beside a number; says what is in the columns."""
    draw = np.random.default_rng(1)

    def make(said="separate: false", **columns):
        wet = draw.choice(["no", "yes"], ROWS)
        flags = {"wet": wet, "cold": draw.integers(2, size=ROWS).astype(float), "dry": 0}
        flags["cold"][:30] = np.nan
        write("t.csv", stay=draw.normal(size=ROWS), **flags | columns)
        card = tmp_path / "card.yaml"
        card.write_text(
            "sources: {t: {path: t.csv, ignore: [topics]}}\n"
            f"tasks: {{sky: {{kind: multilabel, targets: [wet, cold, dry], {said}}}, stay: {{}}}}\n"
        )
        return str(card)

    return make


@pytest.mark.parametrize(("name", "separator"), [("t.parquet", ""), ("t.csv", ";"), ("t.csv", "|")])
def test_a_column_of_lists_becomes_one_task(write, name, separator):
    path = write(name, separator, stay=np.arange(ROWS) / 7)
    dataset = load(path, ["topics:label_set", "stay"])
    topics, _ = dataset.tasks
    assert (topics.name, topics.kind.name, topics.target) == ("topics", "label_set", "topics")
    assert topics.classes == ("art", "news", "sport")
    apart = load(path, ["topics:multilabel", "stay"])
    expected = [apart.targets[f"topics.{label}"] for label in topics.classes]
    np.testing.assert_array_equal(dataset.targets["topics"], np.column_stack(expected))
    assert np.isnan(dataset.targets["topics"]).any()
    [source] = dataset.sources.values()
    assert list(source.inputs) == ["x", "z"]
    said = "\n".join(dataset.notices)
    assert "topics: 1 labels are left out, each in fewer than 10 rows" in said
    assert "topics: 3 labels, as one task: art, news, sport" in said
    assert "rows have a label where" not in said


def test_columns_become_one_task_of_those_that_are_not_rare(weather):
    dataset = load(weather(), options=["--importance sky=2"])
    sky, _ = dataset.tasks
    assert (sky.name, sky.kind.name, sky.classes) == ("sky", "label_set", ("wet", "cold"))
    assert (sky.target, sky.options.importance) == ("wet, cold", 2)
    labels = dataset.targets["sky"]
    assert np.isnan(labels[:30, 1]).all()
    assert not np.isnan(labels[:, 0]).any()
    assert list(dataset.sources["t"].inputs) == ["x", "z"]
    said = "\n".join(dataset.notices)
    assert (
        "sky: 1 labels are left out, each in fewer than 10 rows or absent from fewer: dry" in said
    )
    assert "sky: rows have a label where its column says so: wet = yes, cold = 1" in said
    assert "sky: metric macro_roc_auc (inferred)" in said


def test_the_order_of_the_values_says_which_is_the_label(weather):
    draw = np.random.default_rng(0)
    cold = draw.choice(["there", "away"], ROWS)
    turned = load(weather("separate: false, order: [there, away]", wet=cold, cold=cold))
    labels = turned.targets["sky"]
    np.testing.assert_array_equal(labels[:, 0], cold == "away")
    assert any("wet = away, cold = away" in notice for notice in turned.notices)


def test_a_flag_goes_before_what_the_card_says(weather):
    path = weather()
    apart = load(path, ["sky:multilabel", "stay"])
    assert [task.name for task in apart.tasks] == ["sky.wet", "sky.cold", "stay"]
    together = load(path, ["sky:label_set:macro_f1", "stay"])
    assert together.tasks[0].metric.name == "macro_f1"
    assert together.digest != load(path).digest


def test_labels_that_have_one_value_where_models_learn_are_left_out(weather, tmp_path):
    late = np.arange(ROWS) >= 80
    path = weather(dry=late.astype(int), when=np.arange(ROWS))
    card = tmp_path / "card.yaml"
    card.write_text(card.read_text() + "split: {time: when}\n")
    dataset = load(path)
    assert dataset.tasks[0].classes == ("wet", "cold")
    assert any("sky: 1 labels are left out, on which all rows agree" in n for n in dataset.notices)


def test_rare_labels_are_scored_by_their_average_precision(write):
    draw = np.random.default_rng(0)
    flags = {name: draw.random(400) < 0.07 for name in ("wet", "cold")}
    table = pd.DataFrame({"x": draw.normal(size=400), "stay": draw.normal(size=400), **flags})
    path = write()
    table["sky"] = [[name for name in flags if row[name]] for _, row in table.iterrows()]
    table.drop(columns=list(flags)).to_parquet(path)
    dataset = load(path, ["sky:label_set", "stay"])
    assert dataset.tasks[0].metric.name == "macro_average_precision"
    assert any("since labels are rare, a row has one of them in" in n for n in dataset.notices)


def test_one_set_of_labels_is_one_task_of_the_two_that_are_needed(write):
    with pytest.raises(DataError, match="at least two tasks are needed, found 1"):
        load(write(), ["topics:label_set"])


def test_labels_are_called_by_their_columns_without_the_name_of_the_task():
    assert label_names("sky", ["sky.wet", "cold"]) == ["wet", "cold"]
    assert label_names("sky", ["sky.wet", "wet"]) == ["sky.wet", "wet"]


def test_every_label_has_its_share_of_each_fold_and_of_the_test_rows(write):
    dataset = load(write(stay=np.arange(ROWS) / 7), ["topics:label_set", "stay"])
    labels, role = dataset.targets["topics"], dataset.sources["data"].splits.role
    rows = fold(dataset, 0, 0)
    for part in (role == TEST, rows.validation["data"]):
        np.testing.assert_allclose(
            np.nanmean(labels[part], axis=0), np.nanmean(labels, axis=0), atol=0.06
        )


def test_classes_of_each_label_are_balanced_apart(weather):
    dataset = load(weather())
    prepared = prepare(dataset, fold(dataset, 0, 0))
    labels = dataset.targets["sky"][prepared.fold.train["t"]]
    assert prepared.targets["sky"].shape == (ROWS, 2)
    for column, weights in zip(labels.T, prepared.class_weights["sky"], strict=True):
        counts = [(column == code).sum() for code in (0, 1)]
        assert weights * counts == pytest.approx(sum(counts) / 2)


def test_traps_and_scarce_classes_are_named_by_the_label(weather):
    copied = np.repeat([0.0, 1.0], ROWS // 2)
    dataset = load(weather(cold=copied, copy=3 * copied, dry=np.arange(ROWS) % 7 == 0))
    said = "\n".join(find_traps(dataset))
    assert "column copy predicts task sky.cold almost alone (AUC 1.000)" in said
    [scarce] = scarce_test_classes(dataset)
    assert (scarce.task, scarce.name, scarce.others) == ("sky", "dry", 2)
    assert scarce.count < scarce.rests_on
    assert "test rows are of class dry (and few of 2 more labels)" in str(scarce)


@pytest.mark.parametrize(
    ("counts", "values"), [([9], 9), ([10, 10, 10, 0], 28), ([2, 500], 2), ([1, 50], 1), ([0], 0)]
)
def test_a_mean_over_labels_is_as_sure_as_so_many_values(counts, values):
    assert values_of_mean(counts) == values


def test_a_set_of_which_no_label_can_be_scored_is_refused(weather):
    path = weather()
    dataset = load(path)
    is_test = dataset.sources["t"].splits.role == TEST
    dataset.targets["sky"][is_test] = [1.0, np.nan]
    with pytest.raises(
        DataError, match="sky: macro_roc_auc is not defined on the 20 test rows: no"
    ):
        check_test_rows(dataset)


def test_labels_that_no_training_row_knows_are_refused(weather):
    dataset = load(weather())
    train = fold(dataset, 0, 0).train["t"]
    dataset.targets["sky"][train, 1] = np.nan
    with pytest.raises(
        DataError, match=r"task sky\.cold: none of the 64 training rows of this fold"
    ):
        fold(dataset, 0, 0)
