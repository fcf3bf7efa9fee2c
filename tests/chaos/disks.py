"""A disk that is full, files that may not grow, and folders that cannot be written."""

import os
import resource
from functools import partial

from tests.chaos.bench import Bench, Outcome
from tests.chaos.places import fill, read_only, small_disk
from tests.chaos.refusals import refused
from tests.chaos.studies import CONFIRMING, FINISHED, PHASES, REPORTING, SEARCHING, phase

FULL = (1, 4)  # exit codes
LARGEST = 100_000  # bytes of a file, where files may not grow: less than the database


def full_disk(bench: Bench) -> list[Outcome]:
    """The disk of the study is full while the database, the predictions, the report are written."""
    disturbed = bench.new()
    moments = []
    with small_disk(disturbed.study):
        for target in (SEARCHING, CONFIRMING, REPORTING):
            program = disturbed.reach(target)
            if phase(disturbed.study) == FINISHED:
                break
            filler = fill(disturbed.study)
            moment = PHASES[phase(disturbed.study)]
            done = program.finish()
            filler.unlink()
            disturbed.look()
            if done.code == 0:
                continue
            refused(done, FULL, "full")
            moments.append(moment)
        is_equal = disturbed.comes_to(bench.whole)
    return [Outcome(moment, disturbed.lost, is_equal) for moment in moments]


def files_that_may_not_grow(bench: Bench) -> list[Outcome]:
    """The process may write no more than some bytes of a file (`ulimit -f`)."""
    disturbed = bench.half_done()
    done = disturbed.go_on(_limit_files).finish()
    refused(done, FULL, "")
    disturbed.look()
    return bench.outcome("search", disturbed)


def home_read_only(bench: Bench) -> list[Outcome]:
    """The home of the user cannot be written."""
    disturbed = bench.half_done()
    home = disturbed.folder / "home"
    home.mkdir()
    with read_only(home):
        done = disturbed.go_on(partial(_live_in, str(home))).finish()
    assert done.code == 0, done.err
    return bench.outcome("search", disturbed)


def study_read_only(bench: Bench) -> list[Outcome]:
    """The folder of a half and of a finished study cannot be written."""
    outcomes = []
    for disturbed, moment in ((bench.half_done(), "search"), (bench.finished(), "end")):
        with read_only(disturbed.study):
            resumed = disturbed.run("resume", disturbed.study, "--trainings", "6")
            refused(resumed, (4,), "cannot be written")
            status = disturbed.run("status", disturbed.study)
            assert status.code == 0, status.err
            disturbed.look()
        outcomes += bench.outcome(moment, disturbed)
    return outcomes


def _limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))


def _live_in(home: str) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        os.environ[name] = home
