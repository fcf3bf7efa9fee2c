"""A study survives kill -9 of all that worked on it: nothing is lost, done twice or changed."""

import os
import signal
import sys
from pathlib import Path

import pytest

from mtlsearch.scratch import PLACE_LOCK
from tests.support.running_program import (
    Session,
    assert_whole,
    complete,
    report_of,
    run_warm,
    trials,
)

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="finds the program's processes in /proc"
)

ARMS = ("searched", "single_task")
SEARCH = (
    "--trainings",
    "12",
    "--space",
    "quick",
    "--epochs",
    "3",
    "--arms",
    ",".join(ARMS),
    "--seeds",
    "2",
)


def test_kill_9_twice_then_resume(session: Session, tmp_path: Path) -> None:
    study = tmp_path / "study"
    undisturbed = tmp_path / "undisturbed"
    before = _kill_at(session, study, 3, "search", *SEARCH, "--workers", "2", "--study", study)
    assert _kill_at(session, study, before + 6, "resume", study) > before
    assert complete(study) < 24
    done = session.run("resume", study)
    assert done.code == 0, done.err
    assert session.all_gone()
    assert [path.name for path in session.temporary.glob("mtl*/*")] == [PLACE_LOCK]
    _assert_finished(study)
    local = ("--runner", "local", "--study", undisturbed)
    assert run_warm("search", *SEARCH, *local, cwd=tmp_path).code == 0
    for arm in (*ARMS, "confirmation@12"):
        assert _results(study, arm) == _results(undisturbed, arm)
    assert _test_scores(study) == _test_scores(undisturbed)


def _kill_at(session: Session, study: Path, trainings: int, *arguments: str | Path) -> int:
    """Kill the program and all that it started once so many trainings are recorded.

    Return how many are.
    """
    with session.started(*arguments) as program:
        program.wait_until(lambda: complete(study) >= trainings)
        os.killpg(program.process.pid, signal.SIGKILL)
        session.kill_all()
    return complete(study)


def _assert_finished(study: Path) -> None:
    for arm in ARMS:
        assert_whole(study, arm, 12)
    assert_whole(study, "confirmation@12", 4)
    report = report_of(study)
    assert report["study"]["finished"]
    assert [arm["trainings"] for arm in report["arms"]] == [12, 12]
    assert [arm["complete"] + arm["failed"] for arm in report["arms"]] == [12, 12]


def _results(study: Path, arm: str) -> list[object]:
    """What an arm tried and what came out, without the times that it took."""
    results = []
    for trial in trials(study, arm):
        result = trial.user_attrs["result"]
        kept = [result[key] for key in ("scores", "epochs", "failure")]
        candidate = trial.user_attrs.get("candidate")
        results.append((trial.number, trial.params, candidate, kept))
    return results


def _test_scores(study: Path) -> dict[str, object]:
    """The test scores of each confirmed model, seed by seed."""
    return {model["arm"]: model["test"] for model in report_of(study)["confirmed"]}
