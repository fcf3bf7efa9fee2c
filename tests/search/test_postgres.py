"""A study in a real PostgreSQL server instead of SQLite."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import optuna
import pytest

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = Path("/usr/lib/postgresql")


@pytest.fixture
def server(tmp_path):
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
