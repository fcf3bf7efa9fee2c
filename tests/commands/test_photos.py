"""A table with a photo goes from search to predictions of new photos in another folder."""

from pathlib import Path

import pandas as pd
import pytest

from tests.support.photos import write_photos
from tests.support.running_program import report_of, run_warm

SPACE = """
tree: {levels: 1}
backbone: {name: mlp, width: 16}
sharing: {name: none}
weighting: {name: fixed}
optimizer: {learning_rate: 0.02}
training: {epochs: 15, batch_size: 16, patience: 15}
"""
SEARCH = (
    *("search", "card.yaml", "--space", "space.yaml", "--ignore", "back", "--runner", "local"),
    *("--trainings", "1", "--replicates", "1", "--seeds", "2", "--arms", "single_task"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of a table with photos, and its model. For reading only."""
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder, rows=80)
    (folder / "space.yaml").write_text(SPACE, "utf-8")
    done = run_warm(*SEARCH, "--no-references", "--study", "study", cwd=folder)
    assert done.code == 0, done.err
    exported = run_warm(
        "export", "study", "--candidate", "single_task", "--to", "model", cwd=folder
    )
    assert exported.code == 0, exported.err
    return folder


def test_the_report_says_how_a_photo_is_read(place: Path) -> None:
    report = report_of(place / "study")
    [line] = [column for column in report["data"]["columns"] if column["name"] == "photo"]
    assert (line["type"], line["use"]) == ("image", "input")
    assert line["detail"].startswith("image of 8 x 8, standardised by channel")


def test_what_only_the_photo_shows_is_learned_and_predicted_for_new_ones(
    place: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    write_photos(new, rows=20)
    (new / "photos" / "3.png").unlink()
    done = run_warm("predict", place / "model", "new/visits.csv", "--to", "out.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "new/visits.csv: column 'photo': 1 of 20 cells are no pictures" in done.err
    predicted = pd.read_csv(tmp_path / "out.csv").drop(index=3)
    truth = pd.read_csv(new / "visits.csv").drop(index=3)
    assert predicted["amount"].corr(truth["amount"]) > 0.9
    assert (predicted["side"] == truth["side"]).mean() > 0.9
