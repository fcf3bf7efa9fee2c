"""Searches that are started together each get a folder, or one gets it and the others say so."""

import multiprocessing
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from mtlsearch.errors import StudyError
from mtlsearch.search.request import Request
from mtlsearch.search.study import Study
from mtlsearch.search.study_folder import Pointer, birthplace
from mtlsearch.search.study_loading import open_study
from tests.support.running_program import CLI, SMALL, TWO_ARMS, Finished, report_of, run_warm

PROCESSES = 3
REQUEST = Request("penguins", (), {}, "quick", "0" * 64, "2024-01-31T12:00:00+00:00")
SUFFIXES = ("", "-2", "-3")


def _create(folder: Path, numbered: bool, begin: float) -> str:
    time.sleep(max(0.0, begin - time.time()))
    try:
        return str(Study.create(folder, REQUEST, None, numbered=numbered).folder)
    except StudyError as error:
        return f"error: {error}"


def _create_together(folder: Path, numbered: bool) -> list[str]:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mtlsearch.search.study"])
    with context.Pool(PROCESSES) as pool:
        pool.map(len, [()] * PROCESSES)  # they are up
        begin = time.time() + 0.3
        return pool.starmap(_create, [(folder, numbered, begin)] * PROCESSES, chunksize=1)


def test_processes_that_name_no_folder_get_one_each(tmp_path: Path) -> None:
    wanted = tmp_path / "penguins"
    folders = _create_together(wanted, numbered=True)
    assert sorted(folders) == sorted(f"{wanted}{suffix}" for suffix in SUFFIXES)
    for folder in folders:
        assert Study.open(Path(folder)).name.startswith(f"{Path(folder).name}-")


@pytest.mark.parametrize("exists", [False, True])
def test_of_processes_that_name_the_same_folder_one_gets_it(tmp_path: Path, exists: bool) -> None:
    wanted = tmp_path / "study"
    if exists:
        wanted.mkdir()
    folders = _create_together(wanted, numbered=False)
    assert folders.count(str(wanted)) == 1
    refused = [answer for answer in folders if answer != str(wanted)]
    assert len(refused) == PROCESSES - 1
    assert all("a study is already here" in answer for answer in refused)
    assert Study.open(wanted).request == REQUEST


def test_an_empty_folder_is_taken_once(tmp_path: Path) -> None:
    threads = 8

    def take(folder: Path) -> bool:
        together.wait()
        try:
            with birthplace(folder, numbered=False):
                Pointer(None, "x").write(folder)
        except StudyError:
            return False
        return True

    together = Barrier(threads)
    with ThreadPoolExecutor(threads) as pool:
        for attempt in range(20):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            assert sum(pool.map(take, [folder] * threads)) == 1


def test_searches_started_together_each_finish_in_their_folder(tmp_path: Path) -> None:
    def search(seed: int) -> Finished:
        command = [sys.executable, str(CLI), "search", "penguins", *SMALL, *TWO_ARMS]
        command += ["--seed", str(seed), "--workers", "1"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        return Finished(done.returncode, done.stdout, done.stderr)

    with ThreadPoolExecutor(PROCESSES) as pool:
        finished = list(pool.map(search, range(PROCESSES)))
    assert [run.code for run in finished] == [0] * PROCESSES, [run.err for run in finished]
    folders = sorted((tmp_path / "studies").iterdir())
    assert len(folders) == PROCESSES
    seeds = set()
    for folder in folders:
        study, _, _ = open_study(folder)
        seeds.add(study.request.seed)
        assert report_of(folder)["study"]["finished"]
        assert "finished" in run_warm("status", folder, cwd=tmp_path).out
    assert seeds == {0, 1, 2}
    last = folders[-1]
    assert run_warm("resume", last, cwd=tmp_path).code == 0
    assert run_warm("report", last, cwd=tmp_path).code == 0
    assert run_warm("export", last, "--to", tmp_path / "model", cwd=tmp_path).code == 0
