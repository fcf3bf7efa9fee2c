"""What a study costs beside its trainings: by how many there are, and by how many tasks.

    python -m benchmarks.long_studies

Everything is real but the trainer: results of the search are made up in no time (a score that
sharing within planted groups raises, noise, and a history of epochs), so that what is measured is
what the driver does: proposals, records, the database, `status`, the report and its page. The data
are teachers whose tasks come in groups of five; with many tasks 90% of the labels are missing.
Every point is a process of its own. Seconds are those of the processor, on one thread.

The long study has all usual arms and five tasks; studies of more tasks have the arm of the search
alone. A row says what the driver holds after so many trainings in all, and what it took to propose
and enter one since the row before. The last row is of looking at the study, which then has two
confirmed seeds of each arm: `status`, a report, and a report again.
"""

import dataclasses
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import publish
from mtlsearch.api.problem import Opened
from mtlsearch.data import Dataset
from mtlsearch.data.planted import Teacher
from mtlsearch.records import Job, TrainingJob, TrainingResult
from mtlsearch.report.build import build_report
from mtlsearch.report.write import write_report
from mtlsearch.search.arms import USUAL
from mtlsearch.search.request import Pacing, Request
from mtlsearch.search.schedules import ArmSchedule
from mtlsearch.search.session import Observer, work
from mtlsearch.search.status import StudyStatus
from mtlsearch.search.study import Study
from mtlsearch.search.study_loading import load_problem, open_study
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.seeding import derive_seed
from mtlsearch.structure.tree import SharingTree

GROUP = 5  # tasks that help each other
TRAININGS = (500, 1_500, 5_000)
TASKS = (10, 60, 500)
ROWS = 400  # of the long studies
ROWS_OF_ASSAYS = 10_000
MISSING = 0.9  # of the labels of assays
TRAININGS_OF_ASSAYS = (24, 48)
MOST_LOOKED_AT = 60  # tasks: a confirmation of more is trained for too long
EPOCHS = 30
GAIN = 0.004  # by which each helpful task raises a score
NOISE = 0.02
MEBIBYTE = 2**20
SEARCHED = USUAL[0]
COLUMNS = [
    "tasks",
    "trainings",
    "driver MiB",
    "CPU s/training to propose and enter",
    "CPU s status",
    "CPU s report",
    "CPU s report again",
    "page MB",
]


def write_problem(folder: Path, tasks: int, rows: int, missing: float) -> list[str]:
    """Write a table of planted tasks into a folder.

    Args:
        folder: Where `data.csv` is written.
        tasks: The number of tasks, GROUP of each kind.
        rows: The number of rows.
        missing: The share of labels that are missing.

    Returns:
        The tasks as the command line spells them.
    """
    tree = SharingTree((_groups(tasks),) * 2)
    table = Teacher(tree).table(rows, noise=0.5, seed=0)
    names = [f"y{task}" for task in range(tasks)]
    draw = np.random.default_rng(0)
    labels = table[names].to_numpy(copy=True)
    labels[draw.random(labels.shape) < missing] = np.nan
    table[names] = labels
    table.to_csv(folder / "data.csv", index=False, float_format="%.5g")
    return [f"{name}:regression:r2" for name in names]


def _groups(tasks: int) -> tuple[tuple[int, ...], ...]:
    groups = []
    for first in range(0, tasks, GROUP):
        groups.append(tuple(range(first, min(first + GROUP, tasks))))
    return tuple(groups)


def make_study(
    folder: Path,
    flags: Sequence[str],
    trainings: int,
    arms: Sequence[str],
) -> Opened:
    """Make a study of the table in a folder that spends so many trainings on each arm."""
    data = str(folder / "data.csv")
    dataset, space = load_problem(data, flags, None, 2)
    pacing = Pacing.of(trainings, 2, 1, len(arms))
    request = Request(
        data=data,
        task_flags=tuple(flags),
        space=space.to_mapping(),
        space_name="default",
        digest=dataset.digest,
        created="2026-01-01T00:00:00+00:00",
        trainings=trainings,
        seeds=2,
        workers=1,
        arms=tuple(arms),
        runner="local",
        engine="serial",
        cohort=pacing.cohort,
        proposal_delay=pacing.proposal_delay,
        references=False,
    )
    stored = Study.create(folder / "study", request, None)
    return Opened(stored, dataset, space)


def made_up(job: Job, dataset: Dataset) -> TrainingResult:
    """What a training could have come to, without training it."""
    assert isinstance(job, TrainingJob)
    random = np.random.default_rng(derive_seed(0, job.number, job.replicate.index))
    scores = {}
    history = []
    for component in job.composition:
        history.append(np.round(random.random(EPOCHS), 16).tolist())
        for task in component.tasks:
            helpers = sum(other // GROUP == task // GROUP for other in component.tasks) - 1
            others = len(component.tasks) - 1 - helpers
            gain = GAIN * (helpers - others / 2)
            score = 0.5 + gain + NOISE * random.normal()
            scores[dataset.tasks[task].name] = float(score)
    return TrainingResult(
        number=job.number,
        scores=scores,
        parameters=10_000,
        macs_per_example=10_000,
        epochs=[EPOCHS] * len(history),
        history=history,
        train_seconds=1.0,
    )


@dataclasses.dataclass
class Search:
    """The search of a study with results that are made up, and what it costs."""

    opened: Opened
    done: int = 0
    proposing: float = 0.0

    def __post_init__(self) -> None:
        """Begin all arms."""
        stored, dataset, space = self.opened.stored, self.opened.dataset, self.opened.space
        schedules = [ArmSchedule(stored, arm, dataset, space) for arm in stored.request.arms]
        self._queue = WorkQueue(schedules, lambda arm, result: None)

    def spend(self, cohorts: int | None = None) -> bool:
        """Train so many cohorts, or all of them; returns whether any is left."""
        while cohorts is None or cohorts > 0:
            started = time.process_time()
            cohort = self._queue.next()
            self.proposing += time.process_time() - started
            if cohort is None:
                return False
            for job in cohort.jobs:
                self._queue.done(cohort.arm, made_up(job, self.opened.dataset))
                self.done += 1
            if cohorts is not None:
                cohorts -= 1
        return True


def resident() -> float:
    """The MiB that this process holds."""
    statistics = Path("/proc/self/statm").read_text(encoding="ascii")
    return int(statistics.split()[1]) * resource.getpagesize() / MEBIBYTE


def look(opened: Opened, folder: Path) -> list[Any]:
    """What it costs to look at a study: seconds of `status`, of a report and of another one, MB."""
    started = time.process_time()
    StudyStatus.of(Study.open(opened.stored.folder))
    status = time.process_time() - started
    reports = []
    for _ in range(2):
        started = time.process_time()
        page = write_report(build_report(*open_study(opened.stored.folder)), folder / "report")
        reports.append(time.process_time() - started)
    return [status, *reports, page.stat().st_size / 1e6]


def grow(trainings: Sequence[int], tasks: int) -> Iterator[list[Any]]:
    """Search, and measure after each of these numbers of trainings; at the end, look at it."""
    is_long = tasks == GROUP
    arms = USUAL if is_long else (SEARCHED,)
    with tempfile.TemporaryDirectory(prefix="mtl-") as name:
        folder = Path(name)
        rows, missing = (ROWS, 0.0) if is_long else (ROWS_OF_ASSAYS, MISSING)
        flags = write_problem(folder, tasks, rows, missing)
        opened = make_study(folder, flags, -(-trainings[-1] // len(arms)), arms)
        search = Search(opened)
        done = 0
        proposing = 0.0
        for until in trainings:
            left = True
            while left and (search.done < until or until == trainings[-1]):
                left = search.spend(1)
            seconds = (search.proposing - proposing) / (search.done - done)
            done = search.done
            proposing = search.proposing
            yield [tasks, done, resident(), seconds]
        if tasks <= MOST_LOOKED_AT:
            work(opened.stored, opened.dataset, opened.space, Observer())
            yield [tasks, done, resident(), "", *look(opened, folder)]


def _in_a_fresh_process(tasks: int, trainings: Sequence[int]) -> list[list[Any]]:
    """Return the rows that this script prints in a process of its own."""
    numbers = map(str, (tasks, *trainings))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.long_studies", *numbers],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def main(arguments: Sequence[str]) -> None:
    """Measure everything, or print the rows of one study in JSON."""
    torch.set_num_threads(1)
    if arguments:
        tasks, *trainings = map(int, arguments)
        for row in grow(trainings, tasks):
            print(json.dumps(row), flush=True)
        return
    rows = _in_a_fresh_process(GROUP, TRAININGS)
    for tasks in TASKS:
        rows += _in_a_fresh_process(tasks, TRAININGS_OF_ASSAYS)
    padded = [[*row, *[""] * (len(COLUMNS) - len(row))] for row in rows]
    publish("long-studies", COLUMNS, padded)


if __name__ == "__main__":
    main(sys.argv[1:])
