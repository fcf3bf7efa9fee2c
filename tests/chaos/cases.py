"""The table of what is tried to break a study."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos import circumstances, damage, disks, interruptions, kills
from tests.chaos.bench import Bench, Outcome


@dataclass(frozen=True)
class Case:
    """A way to disturb a study.

    Attributes:
        name: What is done to it.
        disturb: Does it to a study or more, and says what came of each disturbance.
        wanted: How often it is to be tried.
    """

    name: str
    disturb: Callable[[Bench], list[Outcome]]
    wanted: int = 1


KILL_9 = Case("`kill -9` at random moments", kills.kill_9, 100)
CASES = (
    KILL_9,
    Case("SIGTERM in each phase", interruptions.terminate, 4),
    Case("Ctrl-C in each phase", interruptions.ctrl_c, 4),
    Case("Ctrl-C twice in each phase", interruptions.ctrl_c_twice, 4),
    Case("the disk is full", disks.full_disk, 3),
    Case("files may not grow (`ulimit -f`)", disks.files_that_may_not_grow),
    Case("HOME cannot be written", disks.home_read_only),
    Case("the study's folder cannot be written", disks.study_read_only, 2),
    Case("the database is cut off", damage.truncated, 3),
    Case("pages of the database are overwritten", damage.corrupt, 3),
    Case("the database is gone", damage.no_database),
    Case("the database is locked by another program", damage.locked),
    Case("the report is deleted", damage.no_report),
    Case("the weights are deleted", damage.no_weights),
    Case("the predictions are deleted", damage.no_predictions),
    Case("study.json is deleted", damage.no_pointer),
    Case("the study's folder is moved", circumstances.moved_folder),
    Case("the data are moved (`resume --data`)", circumstances.moved_data),
    Case("the clock jumps by days, on and back", circumstances.jumping_clock),
    Case("mtlsearch is updated between search and resume", circumstances.updated),
)
ELSEWHERE = {
    "all of Ray's processes killed, twice": "tests/commands/test_kill.py",
    "one signal to Ray, also while it starts": "tests/commands/test_interrupt.py",
    "a second program begins on the same study": "tests/commands/test_interrupt.py",
    "killed while the folder is made": "tests/search/test_birth.py",
    "a worker of Ray dies (its queue alone)": "tests/search/test_ray.py",
    "a node of a Ray cluster dies (raylet, workers), one comes": "tests/search/test_cluster.py",
    "a study of several outer folds killed at random moments": "tests/search/test_outer_folds.py",
    "two drivers on one PostgreSQL database, one killed": "tests/search/test_postgres.py",
    "a study whose Ray cluster is gone": "tests/search/test_cluster.py",
    "a study of an earlier format": "tests/search/test_formats.py",
}
