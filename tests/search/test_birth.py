"""A study is born whole: whoever dies before leaves a folder that the next search takes."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from mtlsearch.errors import StudyError
from mtlsearch.search.request import Request
from mtlsearch.search.study import Study
from mtlsearch.search.study_folder import LOCK, POINTER, Pointer, birthplace, is_study

REQUEST = Request("penguins", (), {}, "quick", "0" * 64, "2024-01-31T12:00:00+00:00")
MOMENTS = ("optuna.create_study", "shutil.copytree", "mtlsearch.search.study.Pointer.write")


def _die_at(moment: str, folder: Path, files: Path) -> None:
    """Make a study, and die by kill -9 where this function would be called."""
    patch = pytest.MonkeyPatch()
    patch.setattr(moment, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    Study.create(folder, REQUEST, None, files=files)


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_of_a_birth_that_was_killed_is_taken(
    tmp_path: Path, moment: str, exists: bool
) -> None:
    folder = tmp_path / "study"
    files = tmp_path / "files"
    files.mkdir()
    (files / "data.parquet").write_bytes(b"rows")
    if exists:
        folder.mkdir()
    process = multiprocessing.get_context("fork").Process(
        target=_die_at,
        args=(moment, folder, files),
    )
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (folder / POINTER).read_bytes() == b""
    with pytest.raises(StudyError, match="no study here"):
        Study.open(folder)
    assert Study.create(folder, REQUEST, None).folder == folder
    assert Study.open(folder).request == REQUEST
    assert not (folder / "data.parquet").exists()


def test_what_was_worked_on_is_never_cleared(tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study", REQUEST, None)
    (study.folder / POINTER).write_bytes(b"")
    (study.folder / "log.txt").write_text("training begins")
    before = sorted(path.name for path in study.folder.iterdir())
    with pytest.raises(StudyError, match="not empty"):
        Study.create(study.folder, REQUEST, None)
    assert sorted(path.name for path in study.folder.iterdir()) == before


def test_an_interrupted_birth_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    present = tmp_path / "present"
    present.mkdir()
    for folder in (present, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt), birthplace(folder, numbered=False):
            (folder / "study.db").write_bytes(b"half")
            raise KeyboardInterrupt
    assert [path.name for path in present.iterdir()] == [LOCK]
    assert not (tmp_path / "new").exists()
    Study.create(present, REQUEST, None)


@pytest.mark.parametrize("name", ["a?b", "runs%201", "#", "a b&c=d", "[x]@y:z", "{SCHEMA_VERSION}"])
def test_a_folder_of_any_name_keeps_its_database(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    Study.create(folder, REQUEST, None)
    assert (folder / "study.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert Study.open(folder).request == REQUEST


def test_a_pointer_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    Pointer(None, "x").write(tmp_path)
    assert (tmp_path / POINTER).stat().st_mode & 0o777 == 0o600
    assert is_study(tmp_path)
