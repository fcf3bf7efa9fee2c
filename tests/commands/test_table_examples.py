"""The examples of tables, from their data to predictions, with small networks and few epochs."""

import re
import runpy
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.support.running_program import ROOT, report_of, run_warm

EXAMPLES = ROOT / "examples"
SEARCH = ("--epochs", "1", "--trainings", "2", "--replicates", "1", "--seeds", "2")
LOCAL = ("--runner", "local", "--no-references", "--arms", "searched,single_task", "--space")
SPACE = "tree: {levels: 2}\nbackbone: {name: mlp, width: 8}\ntraining: {batch_size: 512}\n"


@dataclass(frozen=True)
class Example:
    """The arguments of a search, the file that is predicted, and what is said of its columns."""

    arguments: tuple[str, ...]
    table: str
    columns: dict[str, str]


TABLES = {
    "recommendation": Example(
        ("card.yaml",), "log.csv", {"user_id": "embedding of 16 for 1,994 categories"}
    ),
    "review_texts": Example(
        ("reviews.csv", "--task", "liked", "--task", "topic"),
        "reviews.csv",
        {"review": "its first 14 words"},
    ),
    "fraud": Example(
        ("payments.csv", "--task", "fraud", "--task", "dispute"),
        "payments.csv",
        {"shop": "embedding of 16 for 60 categories"},
    ),
    "bike_counts": Example(
        ("rentals.csv", "--task", "rentals:count", "--task", "repairs:count", "--time", "day"),
        "rentals.csv",
        {"day": "month, day of the week as sine and cosine"},
    ),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and the cards of all examples, and a small space."""
    folder = tmp_path_factory.mktemp("examples")
    for name in TABLES:
        runpy.run_path(str(EXAMPLES / name / "make_data.py"))["main"](folder)
    card = (EXAMPLES / "recommendation" / "card.yaml").read_text("utf-8")
    (folder / "card.yaml").write_text(card, "utf-8")
    (folder / "small.yaml").write_text(SPACE, "utf-8")
    return folder


def test_every_folder_is_tested() -> None:
    assert {path.parent.name for path in EXAMPLES.glob("*/make_data.py")} == set(TABLES)


def test_the_spaces_of_the_examples_fit_their_data(place: Path) -> None:
    space = EXAMPLES / "recommendation" / "space.yaml"
    done = run_warm("check", "card.yaml", "--space", space, cwd=place)
    assert done.code == 0, done.err
    space = EXAMPLES / "fraud" / "space.yaml"
    done = run_warm("check", *TABLES["fraud"].arguments, "--space", space, cwd=place)
    assert done.code == 0, done.err
    assert "metric average_precision, since yes is rare" in done.out
    assert "task fraud: 15 of the 1200 test rows are of class yes: below 20" in done.out


@pytest.mark.parametrize("name", TABLES)
def test_an_example_of_a_table_is_searched_exported_and_predicted(place: Path, name: str) -> None:
    example = TABLES[name]
    study = place / f"study-{name}"
    model = place / f"model-{name}"
    done = run_warm(
        "search", *example.arguments, *SEARCH, *LOCAL, "small.yaml", "--study", study, cwd=place
    )
    assert done.code == 0, done.err
    report = report_of(study)
    encoded = {column["name"]: column["detail"] for column in report["data"]["columns"]}
    for column, words in example.columns.items():
        assert words in encoded[column]
    exported = run_warm("export", study, "--to", model, cwd=place)
    assert exported.code == 0, exported.err
    assert float(re.findall(r"deviation on test rows (\S+)", exported.out)[0]) <= 1e-6
    predicted = run_warm("predict", model, example.table, "--to", f"{name}.csv", cwd=place)
    assert predicted.code == 0, predicted.err
    rows = pd.read_csv(place / example.table)
    assert len(pd.read_csv(place / f"{name}.csv")) == len(rows)
    if name == "recommendation":
        _check_unseen_ids(place, model)


def _check_unseen_ids(place: Path, model: Path) -> None:
    """Ids that training did not see are predicted, and it is said."""
    rows = pd.read_csv(place / "log.csv").head(3)
    rows["user_id"] = [1, 2, rows["user_id"][2]]
    rows["item"] = ["new", rows["item"][1], None]
    rows.to_csv(place / "new.csv", index=False)
    done = run_warm("predict", model, "new.csv", "--to", "new_out.csv", cwd=place)
    assert done.code == 0, done.err
    assert pd.read_csv(place / "new_out.csv")["click_probability"].notna().all()
    assert "column 'user_id': 2 of 3 cells hold a value that training did not see" in done.err
    assert "column 'item': 1 of 3 cells hold a value that training did not see" in done.err
