"""A study in a real PostgreSQL server instead of SQLite."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from mtlsearch.search.credentials import with_password
from mtlsearch.search.study_folder import Pointer
from tests.support.running_program import (
    SMALL,
    TWO_ARMS,
    Session,
    one_error_line,
    report_of,
    run_warm,
)

PASSWORD = "pl4nted-s3cret"
LONG = ("--space", "quick", "--trainings", "80", "--epochs", "60", "--seeds", "2")
LONG = (*LONG, "--runner", "local", "--no-references", *TWO_ARMS)

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = Path("/usr/lib/postgresql")


@pytest.fixture
def server() -> Iterator[str]:
    """URL of a server of our own.

    PostgreSQL refuses to run as root, so root hands it to the user `postgres`.
    """
    programs = max(PROGRAMS.glob("*/bin"), default=None)
    assert programs is not None, "install Debian's package postgresql to run this test"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(
        subprocess.run(
            ["mktemp", "-d"], check=True, capture_output=True, text=True, user=user
        ).stdout.strip()
    )
    run = {"check": True, "cwd": "/", "user": user, "stdout": subprocess.DEVNULL}
    subprocess.run(
        [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres"], **run
    )
    options = f"-p {port} -k {folder} -h 127.0.0.1"
    subprocess.run(
        [
            programs / "pg_ctl",
            "-D",
            folder / "data",
            "-o",
            options,
            "-l",
            folder / "log",
            "-w",
            "start",
        ],
        **run,
    )
    yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    subprocess.run([programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"], **run)


@pytest.mark.slow
def test_a_study_lives_in_postgresql(server, tmp_path):
    study = tmp_path / "study"
    brief = [
        "--trainings",
        "4",
        "--space",
        "quick",
        "--epochs",
        "2",
        "--seeds",
        "2",
        "--runner",
        "local",
    ]
    search = [
        sys.executable,
        "cli.py",
        "search",
        "--study",
        study,
        "--storage",
        server,
        *brief,
        "--arms",
        "searched,single_task",
    ]
    subprocess.run(search, cwd=ROOT, check=True)
    subprocess.run(
        [sys.executable, "cli.py", "resume", study, "--trainings", "6"], cwd=ROOT, check=True
    )
    assert not (study / "study.db").exists()
    storage = optuna.storages.RDBStorage(server)
    arm = next(name for name in optuna.get_all_study_names(storage) if name.endswith("/searched"))
    states = [trial.state for trial in optuna.load_study(study_name=arm, storage=storage).trials]
    storage.remove_session()
    storage.engine.dispose()
    assert states == [optuna.trial.TrialState.COMPLETE] * 6


@pytest.mark.slow
def test_of_two_drivers_one_is_refused_and_another_follows_a_killed_one(
    server: str, session: Session, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    copy = tmp_path / "copy"
    search = ("search", "penguins", *LONG, "--study", study, "--storage", server)
    with session.started(*search) as first:
        first.wait_until(lambda: _complete(server) >= 3)
        shutil.copytree(study, copy)
        begin = time.monotonic()
        second = run_warm("resume", copy, cwd=tmp_path)
        assert time.monotonic() - begin < 60
        assert first.process.poll() is None
        os.killpg(first.process.pid, signal.SIGKILL)
        session.kill_all()
    assert second.code == 4, second.err
    assert "another process is working on this study" in one_error_line(second)
    assert _complete(server) < 160
    third = run_warm("resume", copy, cwd=tmp_path)
    assert third.code == 0, third.err
    for arm in ("searched", "single_task"):
        trials = _trials(server, arm)
        assert [trial.user_attrs["result"]["number"] for trial in trials] == list(range(80))
        assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.FAIL}
    assert report_of(copy)["study"]["finished"]


@pytest.mark.slow
def test_a_password_is_nowhere_but_in_the_environment(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server trusts everybody, so a password that is lost does not matter here."""
    url = server.replace("postgres@", f"postgres:{PASSWORD}@")
    study = tmp_path / "study"
    search = ("search", "penguins", *SMALL, *TWO_ARMS, "--study", study)
    done = run_warm(*search, "--storage", url, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "MTLSEARCH_STORAGE" in done.err
    exported = run_warm("export", study, "--to", tmp_path / "model", cwd=tmp_path)
    assert exported.code == 0, exported.err
    told = done.out + done.err + exported.out + exported.err
    assert PASSWORD not in told
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"study.json", "log.txt", "report.html", "model.py"} <= {path.name for path in files}
    for path in files:
        assert PASSWORD.encode() not in path.read_bytes(), path
    monkeypatch.setenv("MTLSEARCH_STORAGE", url)
    kept = Pointer.read(study).storage
    assert kept == server
    assert with_password(kept) == url


def _trials(server: str, arm: str) -> list[optuna.trial.FrozenTrial]:
    """The trials of an arm of the only study, as Optuna itself reads them."""
    storage = optuna.storages.RDBStorage(server)
    try:
        for name in optuna.get_all_study_names(storage):
            if name.endswith(f"/{arm}"):
                return optuna.load_study(study_name=name, storage=storage).get_trials()
        return []
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _complete(server: str) -> int:
    """How many trainings of the search are complete."""
    trials = _trials(server, "searched") + _trials(server, "single_task")
    return sum(trial.state == TrialState.COMPLETE for trial in trials)
