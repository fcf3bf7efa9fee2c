"""What a study costs beside its trainings: by how many there are, and by how many tasks.

    python -m benchmarks.long_studies

Everything is real but the trainer: results of the search are made up in no time (a score that
sharing within planted groups raises, noise, and a history of epochs), so that what is measured is
what the driver does: proposals, records, the database, `status`, the report and its page. The data
are teachers whose tasks come in groups of five; with many tasks 90% of the labels are missing.
Every point is a process of its own. Seconds are those of the processor, on one thread.

Growth has one study of all usual arms; it says what the driver holds and what a candidate takes
after so many trainings in all. Tasks has the arm of the search alone.
"""

import dataclasses
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import publish
from mtlsearch.api.problem import Opened
from mtlsearch.data import Dataset
from mtlsearch.data.planted import Teacher
from mtlsearch.records import TrainingJob, TrainingResult
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
from mtlsearch.space import SearchSpace
from mtlsearch.structure.tree import SharingTree

GROUP = 5  # tasks that help each other
TRAININGS = (500, 1_500, 5_000)
TASKS = (10, 60, 500)
ROWS = 400  # of the long studies
ROWS_OF_ASSAYS = 10_000
MISSING = 0.9  # of the labels of assays
TRAININGS_OF_ASSAYS = 96
EPOCHS = 30
GAIN = 0.004  # by which each helpful task raises a score
NOISE = 0.02
MEBIBYTE = 2**20


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


def made_up(job: TrainingJob, dataset: Dataset) -> TrainingResult:
    """What a training could have come to, without training it."""
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
