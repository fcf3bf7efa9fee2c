"""What columns are taken for, what is said of it, and how the user says otherwise."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mtlsearch.columns import ColumnSettings, RawColumn, input_column, resolve
from mtlsearch.data import TEST, ColumnFlags, Dataset, load
from mtlsearch.errors import DataError
from mtlsearch.runtime.dates import read_dates

TASKS = ["readmitted", "stay"]
ROWS = 80


def _column(cells: list[object], name: str = "x", **settings: object) -> RawColumn:
    """A column of a CSV file, the cells repeated to ROWS rows."""
    text = [str(cells[row % len(cells)]) for row in range(ROWS)]
    return RawColumn(name, pd.Series(text, dtype=str), True, ColumnSettings(**settings))


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "2.5", ""], "number", [1, 2.5, None]),
        (["1", " ", "?", "-", "NA", "None", "#N/A"], "number", [1] + 6 * [None]),
        (["1,5", "2,25", "3"], "number", [1.5, 2.25, 3]),
        (["1.234,5", "2"], "number", [1234.5, 2]),
        (["1,234", "12,345,678.5"], "number", [1234, 12345678.5]),
        (["1 234", "5"], "number", [1234, 5]),
        (["$1,200", "$7"], "number", [1200, 7]),
        (["12 %", "7 %"], "number", [12, 7]),
        (["(12.50)", "$(1,200)", "3"], "number", [-12.5, -1200, 3]),
        (["46.3 kg", "1,200 kg", "7kg", "5", "NA"], "number", [46.3, 1200, 7, 5, None]),
        (["46.3 kg", "46 lb", "7 st"], "category", ["46.3 kg", "46 lb", "7 st"]),
        (["007", "12"], "category", ["007", "12"]),
        (["a", "None", "NA", ""], "category", ["a", "None", "NA", None]),
        (["yes", "no"], "category", ["yes", "no"]),
        (["TRUE", "false", "NA"], "boolean", [1, 0, None]),
        (["31.1.2024", "1.2.2024", "NA"], "date", ["31.1.2024", "1.2.2024", None]),
        (["3 March 2024", "12-dec-2024"], "date", ["3 March 2024", "12-dec-2024"]),
        (["Mar 2024", "2024-01"], "date", ["Mar 2024", "2024-01"]),
        (["20240131", "20231201"], "number", [20240131, 20231201]),
    ],
)
def test_what_cells_of_a_csv_file_are(cells: list[str], kind: str, values: list[object]) -> None:
    column = input_column(_column(cells), np.ones(ROWS, bool))
    assert column.type == column.form.type == kind
    expected = pd.Series(values, dtype=object).where(pd.notna(values), None)
    read = pd.Series(column.values[: len(cells)], dtype=object)
    assert read.where(read.notna(), None).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("dates", "day_first", "said"),
    [
        (["31/1/2024", "2/3/2024"], True, False),
        (["1/31/2024", "2/3/2024"], False, False),
        (["1/2/2024", "2/3/2024"], False, True),
        (["1.2.2024", "2.3.2024"], True, True),
        (["2024-02-01", "2024-03-02"], False, False),
    ],
)
def test_whether_the_day_comes_first(dates: list[str], day_first: bool, said: bool) -> None:
    column = resolve(_column(dates), np.ones(ROWS, bool))
    assert column.form.day_first == day_first
    assert any("day_first" in notice for notice in column.notices) == said
    if said:
        other = resolve(_column(dates, day_first=not day_first), np.ones(ROWS, bool))
        assert (other.form.day_first, other.notices) == (not day_first, ())


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("31 January 2024", "2024-01-31T00:00:00"),
        ("January 31st, 2024", "2024-01-31T00:00:00"),
        ("31-JAN-2024", "2024-01-31T00:00:00"),
        ("Sept. 2024", "2024-09-01T00:00:00"),
        ("2024-09", "2024-09-01T00:00:00"),
        ("09/2024", "2024-09-01T00:00:00"),
        ("20240131", "2024-01-31T00:00:00"),
        ("20240131.0", "2024-01-31T00:00:00"),
        ("1706659200", "2024-01-31T00:00:00"),
        ("1706659200000", "2024-01-31T00:00:00"),
        ("31 Smarch 2024", "NaT"),
        ("20241331", "NaT"),
        ("2024-13", "NaT"),
    ],
)
def test_the_instant_that_a_date_spells(cell: str, instant: str) -> None:
    [read] = read_dates([cell], day_first=False)
    assert str(read) == instant


@pytest.mark.parametrize("typed", [False, True])
def test_numbers_are_dates_where_the_user_says_so(typed: bool) -> None:
    raw = _column(["20240131", "20231201", "20200229"], type="date")
    if typed:
        raw = replace(raw, cells=raw.cells.astype(float), untyped=False)
    column = input_column(raw, np.ones(ROWS, bool))
    assert column.type == "date"
    assert column.values is not None
    assert str(read_dates(column.values, day_first=False)[0]) == "2024-01-31T00:00:00"


@pytest.mark.parametrize(
    ("cells", "doubt"),
    [
        (
            ["20240131", "20231201", "20200229"],
            "may be a date (2020-02-29); say columns: {x: date}",
        ),
        (["1706659200", "1606659200", "1506659200"], "may be a date"),
        (["20241331", "20231201", "20200229"], ""),
        (["-999", "1.5", "2", "3"], "20 cells hold -999, far from all others; say --missing -999"),
        (["1.5", "2", "3", "1000000"], "20 cells hold 1000000, far from all others"),
        (["97", "98", "99"], ""),
        (["123456789012345678", "223456789012345678", "323456789012345678"], "of 18 digits"),
    ],
)
def test_numbers_that_may_be_something_else(cells: list[str], doubt: str) -> None:
    column = input_column(_column(cells), np.ones(ROWS, bool))
    assert column.type == "number"
    notices = " ".join(column.notices)
    assert doubt in notices
    assert bool(doubt) == bool(notices)


def test_an_outlier_in_a_single_row_is_a_value() -> None:
    cells = [str(row / 7) for row in range(ROWS - 1)]
    column = input_column(_column([*cells, "-999"]), np.ones(ROWS, bool))
    assert column.notices == ()


def test_digits_that_a_typed_file_declares_to_be_text_are_no_dates() -> None:
    cells = pd.Series(np.resize(["1706659200", "1606659200", "1506659200"], ROWS), dtype=str)
    column = input_column(RawColumn("account", cells), np.ones(ROWS, bool))
    assert column.form.type == "category"


def test_few_cells_that_are_no_numbers_are_missing_and_named() -> None:
    cells = [str(row) for row in range(ROWS)]
    cells[6] = "oops"
    column = resolve(_column(cells), np.ones(ROWS, bool))
    assert column.type == "number"
    assert np.isnan(column.values[6])
    assert 'the first is "oops" in data row 7' in column.notices[0]


def test_many_cells_that_are_no_numbers_make_it_text() -> None:
    column = resolve(_column(["1", "2", "high"]), np.ones(ROWS, bool))
    assert column.type == "text"
    forced = resolve(_column(["1", "2", "high"], type="number"), np.ones(ROWS, bool))
    assert forced.type == "number"


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([f"images/{row}.png" for row in range(ROWS)], "paths of files"),
        ([f"sounds\\{row % 5}.WAV" for row in range(ROWS)], "paths of files"),
        ([f"k{row}" for row in range(ROWS)], "looks like an identifier"),
    ],
)
def test_paths_and_identifiers_are_no_categories_unless_asked_for(
    cells: list[str], reason: str
) -> None:
    known = np.ones(ROWS, bool)
    column = input_column(_column(cells, "photo"), known)
    assert column.values is None
    assert reason in column.reason
    assert "columns: {photo: category}" in column.reason
    asked = input_column(_column(cells, "photo", type="category"), known)
    assert asked.values is not None
    assert asked.form.type == "category"


def test_sentences_are_text_and_long_names_of_few_kinds_are_not() -> None:
    known = np.ones(ROWS, bool)
    sentences = [f"this is review number {row}" for row in range(ROWS)]
    assert input_column(_column(sentences), known).form.type == "text"
    degrees = ["some college no degree", "a master of science", "no school at all"]
    assert input_column(_column(degrees), known).form.type == "category"


@pytest.mark.parametrize("name", ["user_id", "zip", "userId", "ID", "customer"])
def test_whole_numbers_with_the_name_of_an_identifier_are_doubted(name: str) -> None:
    column = input_column(_column(["11", "12", "19", "33"], name), np.ones(ROWS, bool))
    assert f"--categorical {name}" in column.notices[0]
    plain = input_column(_column(["11", "12", "19", "33"], "valid"), np.ones(ROWS, bool))
    assert plain.notices == ()


def test_text_of_a_typed_file_stays_text_and_a_category_of_numbers_is_one(
    tmp_path: Path, clinic: pd.DataFrame
) -> None:
    clinic["code"] = np.resize(["1", "2", "3"], len(clinic))
    clinic["branch"] = pd.Categorical(np.resize([10, 20], len(clinic)))
    clinic.set_index("patient").to_parquet(tmp_path / "t.parquet")
    dataset = load(str(tmp_path / "t.parquet"), TASKS)
    forms = dataset.sources["data"].forms
    assert forms["code"].type == forms["branch"].type == "category"
    assert set(dataset.sources["data"].inputs["branch"]) == {"10", "20"}
    assert "patient" in dataset.sources["data"].inputs
    assert "t.parquet: the index is taken for columns: patient" in dataset.notices


def _record(dataset: Dataset, name: str) -> tuple[str, str]:
    [record] = [record for record in dataset.columns if record.name == name]
    return record.type, record.use


def test_a_card_and_flags_say_what_columns_are(write, clinic: pd.DataFrame) -> None:
    clinic["code"] = np.resize([11, 12, -999], len(clinic))
    clinic["on"] = np.resize([1.0, 2.0], len(clinic))
    write(clinic)
    card = """
    sources: {s: {path: clinic.csv, missing: [-999]}}
    columns: {patient: category, code: {type: number}, on: ignore}
    tasks: {readmitted: {}, stay: {}}
    """
    dataset = load(write(card, "c.yaml"))
    assert _record(dataset, "patient") == ("category", "input")
    assert _record(dataset, "on") == ("", "ignored")
    assert dataset.sources["s"].inputs["code"].isna().sum() == len(clinic) // 3
    flags = ColumnFlags(categorical=("on",), ignore=("code",), group="patient")
    dataset = load(str(Path(write(card, "c.yaml"))), [], flags)
    assert _record(dataset, "on") == ("category", "input")
    assert _record(dataset, "code") == ("", "ignored")
    assert _record(dataset, "patient") == ("", "group of the rows")
    assert dataset.sources["s"].splits.group is not None
    assert ColumnFlags.from_json(flags.to_json()) == flags


def test_names_that_yaml_takes_for_something_else(write, clinic: pd.DataFrame) -> None:
    table = clinic.rename(columns={"readmitted": "yes", "stay": "010", "ward": "null"})
    write(table)
    card = """
    sources: {on: {path: clinic.csv, ignore: [no, patient], columns: {null: ignore}}}
    tasks: {yes: {}, 010: {metric: mae}}
    split: {test: 0.25, seed: 3}
    """
    dataset = load(write(card.replace("no, ", ""), "c.yaml"))
    assert [task.name for task in dataset.tasks] == ["yes", "010"]
    assert list(dataset.sources) == ["on"]
    assert _record(dataset, "null") == ("", "ignored")
    with pytest.raises(DataError, match='"no" is unknown'):
        load(write(card, "c.yaml"))


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{wrd: category}", 'columns: column: "wrd" is unknown; did you mean "ward"?'),
        ("{ward: categry}", 'columns.ward.type: "categry" is unknown; did you mean "category"?'),
        ("{ward: {typ: text}}", 'columns.ward: "typ" is unknown; did you mean "type"?'),
        ("{ward: number}", "column ward: type number, but no cell is a number"),
        ("{ward: {embedding: 0}}", "columns.ward.embedding: input should be greater"),
    ],
)
def test_mistakes_in_what_is_said_of_columns(
    write, clinic: pd.DataFrame, said: str, message: str
) -> None:
    write(clinic)
    card = "sources: {s: {path: clinic.csv}}\ntasks: {readmitted: {}, stay: {}}\n"
    path = write(f"{card}columns: {said}\n", "c.yaml")
    with pytest.raises(DataError) as caught:
        load(path)
    assert message in str(caught.value)


def test_labels_that_are_spelled_alike_do_not_depend_on_test_rows() -> None:
    known = np.arange(ROWS) < ROWS // 2
    cells = ["1" if row in np.flatnonzero(known) else "junk" for row in range(ROWS)]
    column = resolve(_column(cells), known)
    assert column.type == "number"
    assert np.isnan(column.values[~known]).all()


def test_tasks_whose_predictions_would_share_a_column_are_said(write, clinic) -> None:
    clinic["readmitted_probability"] = clinic["stay"] * 2
    dataset = load(write(clinic), ["readmitted", "readmitted_probability", "stay"])
    assert any('will be called "readmitted_probability_"' in notice for notice in dataset.notices)


def test_empty_rows_and_columns_of_a_spreadsheet_are_left_out(write) -> None:
    lines = [f"{row},{row % 2},{row / 7}" for row in range(30)]
    text = "x,readmitted,stay,,\n" + "".join(f"{line},,\n" for line in lines) + ",,,,\n" * 3
    dataset = load(write(text), TASKS)
    [source] = dataset.sources.values()
    assert len(source.inputs) == 30
    assert list(source.inputs) == ["x"]
    assert "clinic.csv: 3 empty rows are left out (the first is row 31)" in dataset.notices
    assert "clinic.csv: 2 empty columns without a name are left out" in dataset.notices


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_every_encoding_and_separator_gives_the_same_table(
    tmp_path: Path, clinic: pd.DataFrame, encoding: str, separator: str
) -> None:
    clinic["ward"] = clinic["ward"].replace({"a": "Köln", "b": 'x,"y";\n|z'})
    clinic.to_csv(tmp_path / "plain.csv", index=False)
    clinic.to_csv(tmp_path / "other.csv", index=False, sep=separator, encoding=encoding)
    plain = load(str(tmp_path / "plain.csv"), TASKS).sources["data"]
    dataset = load(str(tmp_path / "other.csv"), TASKS)
    pd.testing.assert_frame_equal(dataset.sources["data"].inputs, plain.inputs)
    said = " ".join(dataset.notices)
    assert ("separated by" in said) == (separator != ",")
    assert ("UTF-16" in said) == (encoding == "utf-16")
    assert ("Windows-1252" in said) == (encoding == "cp1252")


def test_a_date_that_splits_is_an_input_and_a_number_that_splits_is_none(
    tmp_path: Path, clinic: pd.DataFrame
) -> None:
    clinic["day"] = pd.date_range("2024-01-01", periods=len(clinic)).astype(str)
    clinic["visit"] = np.arange(len(clinic))
    file = tmp_path / "t.csv"
    clinic.to_csv(file, index=False)
    by_date = load(str(file), TASKS, ColumnFlags(time="day")).sources["data"]
    assert by_date.forms["day"].type == "date"
    assert by_date.splits.role[-1] == TEST
    ignored = load(str(file), TASKS, ColumnFlags(time="day", ignore=("day",))).sources["data"]
    assert "day" not in ignored.inputs
    assert (ignored.splits.role == by_date.splits.role).all()
    by_number = load(str(file), TASKS, ColumnFlags(time="visit")).sources["data"]
    assert "visit" not in by_number.inputs
    assert "day" in by_number.inputs


@pytest.mark.parametrize(
    ("cells", "settings", "message"),
    [
        (["1.5", "2", "3"], {"embedding": 4}, "embedding is for type category or text or image"),
        (["a", "b", "c"], {"max_length": 4}, "max_length is for type text, found type category"),
        (["a", "b", "c"], {"decimal": ","}, "decimal is for type number, found type category"),
        (["a", "b", "c"], {"type": "text", "buckets": 9}, "buckets is for type category"),
        (["2024-01-31"], {"type": "date", "decimal": ","}, "decimal is for type number"),
    ],
)
def test_a_setting_without_a_meaning_is_refused(
    cells: list[str], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        input_column(_column(cells, **settings), np.ones(ROWS, bool))
