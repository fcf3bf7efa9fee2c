"""Runs the command line as its users do, in a process of its own, and finds every process that it
started.
"""

import json
import multiprocessing
import os
import runpy
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import optuna
from optuna.trial import TrialState

ROOT = Path(__file__).resolve().parents[2]
CLI = ROOT / "cli.py"
SCHEMA = json.loads((ROOT / "mtlsearch" / "report" / "report.schema.json").read_text("utf-8"))
SMALL = (
    "--space",
    "quick",
    "--epochs",
    "2",
    "--trainings",
    "4",
    "--seeds",
    "2",
    "--runner",
    "local",
    "--no-references",
)
TWO_ARMS = ("--arms", "searched,single_task")
HEAVY = [
    "mtlsearch.commands",
    "mtlsearch.search.session",
    "mtlsearch.search.study_loading",
    "mtlsearch.search.dry_run",
]
HEAVY += ["mtlsearch.report.build", "mtlsearch.export.from_study"]
TOKEN = "MTLSEARCH_TEST_TOKEN"
TERMINAL = {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}


@dataclass(frozen=True)
class Finished:
    """What a run of the program left: its exit code and its two streams."""

    code: int
    out: str
    err: str


def run(
    *arguments: str | Path,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    seconds: float = 240,
) -> Finished:
    """`python cli.py ARGUMENTS` in an interpreter of its own."""
    command = [sys.executable, str(CLI), *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def run_warm(*arguments: str | Path, cwd: Path, seconds: float = 240) -> Finished:
    """The same in a fork of an interpreter that has imported the libraries, which spares some
    seconds per run.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(HEAVY)
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        child = context.Process(
            target=_launch, args=([str(CLI), *map(str, arguments)], str(cwd), str(out), str(err))
        )
        child.start()
        child.join(seconds)
        late = child.is_alive()
        if late:
            child.kill()
            child.join()
        code = child.exitcode
        child.close()
        assert not late, f"still running after {seconds} s: {arguments}"
        return Finished(code, out.read_text("utf-8"), err.read_text("utf-8"))


def _launch(argv: list[str], cwd: str, out: str, err: str) -> None:
    for stream, path in ((1, out), (2, err)):
        target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(target, stream)
        os.close(target)
    os.chdir(cwd)
    sys.argv = argv
    runpy.run_path(argv[0], run_name="__main__")


class Session:
    """Runs of the program whose processes, daemons included, all carry one mark in their
    environment.
    """

    def __init__(self, folder: Path) -> None:
        self.temporary = Path(
            tempfile.mkdtemp(prefix="mt-", dir="/tmp")
        )  # sockets need a short path
        self._token = uuid.uuid4().hex
        self._folder = folder
        self.env = {**os.environ, TOKEN: self._token, "TMPDIR": str(self.temporary)}

    @contextmanager
    def started(self, *arguments: str | Path) -> Iterator["Running"]:
        """The program, running in a process group of its own; killed at the end if it is still
        there.
        """
        with (
            (self._folder / "out.txt").open("w") as out,
            (self._folder / "err.txt").open("w") as err,
        ):
            command = [sys.executable, str(CLI), *map(str, arguments)]
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self.env,
                stdout=out,
                stderr=err,
                text=True,
                start_new_session=True,
            )
            try:
                yield Running(process, self._folder)
            finally:
                process.kill()
                process.wait()

    def run(self, *arguments: str | Path) -> Finished:
        """A run to the end."""
        return run(*arguments, cwd=self._folder, env=self.env)

    def processes(self) -> list[int]:
        """The living processes that these runs started, wherever they went."""
        mark = f"{TOKEN}={self._token}".encode()
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/environ")
            if mark in _content(path)
        ]

    def all_gone(self, seconds: float = 10) -> bool:
        """Whether they all ended by themselves; the last ones may take a moment to notice."""
        until = time.monotonic() + seconds
        while self.processes() and time.monotonic() < until:
            time.sleep(0.1)
        return not self.processes()

    def kill_all(self) -> None:
        """Kill -9 whatever is left."""
        until = time.monotonic() + 20
        while (left := self.processes()) and time.monotonic() < until:
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.1)
        assert not self.processes()

    def close(self) -> None:
        """Leave neither processes nor files."""
        self.kill_all()
        shutil.rmtree(self.temporary, ignore_errors=True)


@dataclass(frozen=True)
class Running:
    """The program while it runs."""

    process: "subprocess.Popen[str]"
    folder: Path

    def wait_until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Wait for a condition; the program must not end before it holds."""
        until = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"ended too early:\n{self.err}"
            assert time.monotonic() < until, f"never came:\n{self.err}"
            time.sleep(0.05)

    def finish(self, seconds: float) -> Finished:
        """Its end, which must come in time."""
        code = self.process.wait(seconds)
        return Finished(code, (self.folder / "out.txt").read_text("utf-8"), self.err)

    @property
    def err(self) -> str:
        return (self.folder / "err.txt").read_text("utf-8")


def complete(study: Path) -> int:
    """How many trainings of a study are COMPLETE, straight from its file."""
    if not (study / "study.db").is_file():
        return 0
    connection = sqlite3.connect(f"file:{study / 'study.db'}?mode=ro", uri=True, timeout=5)
    try:
        return connection.execute(
            "SELECT COUNT(*) FROM trials WHERE state = 'COMPLETE'"
        ).fetchone()[0]
    except sqlite3.OperationalError:  # not yet a table, or being written
        return 0
    finally:
        connection.close()


def trials(study: Path, arm: str) -> list[optuna.trial.FrozenTrial]:
    """The trials of an arm, as Optuna itself reads them."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{study / 'study.db'}")
    try:
        name = json.loads((study / "study.json").read_text("utf-8"))["name"]
        return optuna.load_study(study_name=f"{name}/{arm}", storage=storage).get_trials()
    finally:
        storage.engine.dispose()


def assert_whole(study: Path, arm: str, total: int) -> None:
    """Every training of the arm is there once, in a terminal state, with its own result."""
    found = trials(study, arm)
    assert [trial.number for trial in found] == list(range(total))
    assert {trial.state for trial in found} <= TERMINAL
    assert [trial.user_attrs["result"]["number"] for trial in found] == list(range(total))
    trained = [
        {key: trial.user_attrs.get(key) for key in ("candidate", "arm", "replicate")}
        for trial in found
    ]
    assert len({json.dumps(each, sort_keys=True) for each in trained}) == total, (
        "one training was done twice"
    )


def report_of(study: Path) -> dict[str, Any]:
    """report.json, checked against its schema."""
    report = json.loads((study / "report" / "report.json").read_text("utf-8"))
    jsonschema.validate(report, SCHEMA)
    return report


def one_error_line(finished: Finished) -> str:
    """The only error line of a run that failed as it should."""
    assert "Traceback" not in finished.err, finished.err
    lines = [line for line in finished.err.splitlines() if line.startswith("error:")]
    assert len(lines) == 1, finished.err
    return lines[0]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone, or another user's
        return b""
