"""A study whose data were moved, and one on a disk that can only be read."""

import os
import shutil
import stat
from pathlib import Path

import pytest

import mtlsearch
from mtlsearch.errors import DataError, StudyError
from mtlsearch.search.study import Study
from tests.support.running_program import SMALL, TWO_ARMS, Finished, one_error_line, run_warm

ROWS = Path(mtlsearch.__file__).parent / "data" / "embedded" / "penguins.csv"
TASKS = ("--task", "species", "--task", "sex", "--split-column", "split")


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A finished study of a table that was moved since, and the table. For reading only."""
    folder = tmp_path_factory.mktemp("moved")
    table = folder / "rows.csv"
    shutil.copyfile(ROWS, table)
    study = folder / "study"
    done = run_warm("search", table, *TASKS, *SMALL, *TWO_ARMS, "--study", study, cwd=folder)
    assert done.code == 0, done.err
    (folder / "elsewhere").mkdir()
    return study, table.rename(folder / "elsewhere" / "other.csv")


def _status(folder: Path) -> Finished:
    return run_warm("status", folder, cwd=folder.parent)


def test_data_that_were_moved_are_asked_for_and_kept_by_resume(
    searched: tuple[Path, Path], tmp_path: Path
) -> None:
    original, table = searched
    study = tmp_path / "study"
    shutil.copytree(original, study)
    for words in (("report",), ("resume",), ("export", "--to", tmp_path / "model")):
        command, *options = words
        refused = run_warm(command, study, *options, cwd=tmp_path)
        assert refused.code == 3, refused.err
        assert "--data PATH" in one_error_line(refused)
    resumed = run_warm("resume", study, "--data", table, cwd=tmp_path)
    assert resumed.code == 0, resumed.err
    assert Study.open(study).request.data == str(table)
    assert mtlsearch.open_study(study).status().finished


def test_a_report_takes_moved_data_and_keeps_nothing(searched: tuple[Path, Path]) -> None:
    study, table = searched
    with pytest.raises(DataError, match="--data PATH"):
        mtlsearch.open_study(study)
    opened = mtlsearch.open_study(study, data=table)
    assert opened.write_report().is_file()
    assert Study.open(study).request.data != str(table)
    predictions = mtlsearch.predict(study, table, study_data=table, verbose=False)
    assert len(predictions) == len(opened.predict(table)) > 0


def test_other_data_are_refused_whatever_they_are_called(
    searched: tuple[Path, Path], tmp_path: Path
) -> None:
    study, table = searched
    other = tmp_path / "rows.csv"
    lines = table.read_text("utf-8").splitlines()
    other.write_text("\n".join(lines[:-1]), "utf-8")
    with pytest.raises(StudyError, match="made with other data"):
        mtlsearch.open_study(study, data=other)


def test_a_study_that_cannot_be_written_can_be_read(
    searched: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, table = searched
    study = tmp_path / "study"
    shutil.copytree(original, study)
    before = _contents(study)
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    opened = mtlsearch.open_study(study, data=table, progress=False)
    assert opened.status().finished
    with pytest.raises(StudyError, match="name a folder for its report with to"):
        opened.write_report()
    assert opened.write_report(to=tmp_path / "report").is_file()
    opened.export(tmp_path / "model", seeds=1)
    assert (tmp_path / "model" / "model.py").is_file()
    assert len(opened.predict(table)) > 0
    with pytest.raises(StudyError, match="cannot be written") as error:
        opened.resume(trainings=99)
    assert error.value.exit_code == 4
    assert _contents(study) == before


def _contents(folder: Path) -> dict[Path, tuple[bytes, float]]:
    return {
        path: (path.read_bytes(), path.stat()[stat.ST_MTIME])
        for path in folder.rglob("*")
        if path.is_file()
    }
