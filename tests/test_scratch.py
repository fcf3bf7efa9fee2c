"""Temporary folders: gone at the end, and those of killed processes at the next start."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest

from mtlsearch.scratch import PLACE_LOCK, scratch_folder, short_base


def _die_with_a_folder(base: Path) -> None:
    with scratch_folder(base) as folder:
        (folder / "large").write_bytes(b"x" * 1000)
        os.kill(os.getpid(), signal.SIGKILL)


def _files(base: Path) -> list[str]:
    return sorted(path.name for path in base.rglob("*") if path.is_file())


def test_what_a_killed_process_left_is_removed_and_what_is_used_stays(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as used:
        (used / "mine").write_text("rows")
        process = multiprocessing.get_context("fork").Process(
            target=_die_with_a_folder,
            args=(tmp_path,),
        )
        process.start()
        process.join()
        assert "large" in _files(tmp_path)
        with scratch_folder(tmp_path) as another:
            assert list(another.iterdir()) == []
            assert "large" not in _files(tmp_path)
            assert (used / "mine").exists()
    assert _files(tmp_path) == [PLACE_LOCK]


def test_a_folder_is_removed_after_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), scratch_folder(tmp_path) as folder:
        (folder / "sub").mkdir()
        raise KeyError
    assert _files(tmp_path) == [PLACE_LOCK]


def test_a_place_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    place = tmp_path / f"mtl-{os.getuid()}"
    place.mkdir()
    place.chmod(0o777)
    with scratch_folder(tmp_path) as folder:
        assert not folder.is_relative_to(place)


def test_a_base_with_a_long_path_is_left_for_a_short_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    assert short_base(1000) == long
    assert short_base(43) == Path("/tmp")
    assert short_base(5) is None
