"""Ctrl-C and SIGTERM: the search ends soon and cleanly, and says how to go on."""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mtlsearch.scratch import PLACE_LOCK
from tests.support.running_program import (
    Finished,
    Running,
    Session,
    assert_whole,
    complete,
    one_error_line,
    report_of,
    run_warm,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="finds the program's processes in /proc"
)

SEARCH = (
    "search",
    "--trainings",
    "24",
    "--space",
    "quick",
    "--epochs",
    "3",
    "--arms",
    "searched,single_task",
    "--seeds",
    "2",
)
RUNNERS = {"ray": ("--workers", "2"), "local": ("--runner", "local")}
PROMPT_SECONDS = 20


def _ctrl_c(program: Running) -> None:
    """As a terminal does it: to the whole foreground group."""
    os.killpg(program.process.pid, signal.SIGINT)


def _sigint(program: Running) -> None:
    program.process.send_signal(signal.SIGINT)


def _terminate(program: Running) -> None:
    program.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("runner", "stop"), [("ray", _ctrl_c), ("local", _sigint), ("local", _terminate)]
)
def test_one_signal_stops_and_resume_finishes(
    session: Session, tmp_path: Path, runner: str, stop: Callable[[Running], None]
) -> None:
    study = tmp_path / "study"
    done = _stopped_at_three(session, study, runner, stop)
    _assert_interrupted(done, study)
    assert session.all_gone()
    assert not any(path.name.startswith("ray") for path in session.temporary.iterdir())
    assert [path.name for path in session.temporary.glob("mtl*/*")] == [PLACE_LOCK]
    rows = {row["arm"]: row for row in _status(study)["arms"]}
    assert not _status(study)["finished"]
    for row in (rows["searched"], rows["single_task"]):
        assert row["complete"] + row["left"] == 24
    recorded = complete(study)
    assert recorded == sum(row["complete"] for row in rows.values()) >= 3
    resumed = session.run("resume", study)
    assert resumed.code == 0, resumed.err
    for arm in ("searched", "single_task"):
        assert_whole(study, arm, 24)
    assert report_of(study)["study"]["finished"]
    assert _status(study)["finished"]


@pytest.mark.parametrize("stop", [_terminate, _sigint])
@pytest.mark.slow
def test_ray_is_stopped_by_other_signals_too(
    session: Session, tmp_path: Path, stop: Callable[[Running], None]
) -> None:
    study = tmp_path / "study"
    done = _stopped_at_three(session, study, "ray", stop)
    _assert_interrupted(done, study)
    assert session.all_gone()


def test_a_signal_while_ray_starts(session: Session, tmp_path: Path) -> None:
    study = tmp_path / "study"
    with session.started(*SEARCH, *RUNNERS["ray"], "--study", study) as program:
        program.wait_until((study / "log.txt").exists)
        assert complete(study) == 0
        _ctrl_c(program)
        _assert_interrupted(program.finish(PROMPT_SECONDS), study)
    assert _status(study)["arms"][0]["left"] == 24
    session.kill_all()


def test_a_signal_before_there_is_a_study_leaves_nothing(session: Session, tmp_path: Path) -> None:
    study = tmp_path / "study"
    with session.started(*SEARCH, *RUNNERS["ray"], "--study", study) as program:
        program.wait_until(lambda: len(session.processes()) > 1)  # Ray comes up first
        _ctrl_c(program)
        done = program.finish(PROMPT_SECONDS)
    assert done.code == 130
    assert done.err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in done.err
    assert not study.exists()
    assert session.all_gone()


def test_a_second_process_is_refused_while_the_first_works(
    session: Session, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    long = ("--trainings", "200", "--epochs", "20")
    with session.started(*SEARCH, *long, *RUNNERS["local"], "--study", study) as program:
        program.wait_until(lambda: complete(study) >= 1)
        second = run_warm("resume", study, cwd=tmp_path)
        assert program.process.poll() is None
        running = _status(study)
        _terminate(program)
        assert program.finish(PROMPT_SECONDS).code == 130
    assert second.code == 4
    assert "another process" in one_error_line(second)
    assert not running["finished"]


def _stopped_at_three(
    session: Session, study: Path, runner: str, stop: Callable[[Running], None]
) -> Finished:
    with session.started(*SEARCH, *RUNNERS[runner], "--study", study) as program:
        program.wait_until(lambda: complete(study) >= 3)
        stop(program)
        return program.finish(PROMPT_SECONDS)


def _assert_interrupted(done: Finished, study: Path) -> None:
    assert done.code == 130, done.err
    assert "Traceback" not in done.err
    last = done.err.splitlines()[-1]
    assert "resume" in last
    assert str(study) in last
    assert done.out == ""


def _status(study: Path) -> dict[str, object]:
    shown = run_warm("status", study, "--json", cwd=study.parent)
    assert shown.code == 0, shown.err
    return json.loads(shown.out)
