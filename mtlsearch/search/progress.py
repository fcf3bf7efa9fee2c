"""What a person sees while a study runs: a live table on a terminal or in a notebook, plain lines
elsewhere, on standard error.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mtlsearch.data import Dataset
from mtlsearch.records import TrainingResult
from mtlsearch.search.display import display_on
from mtlsearch.search.forecast import Forecast
from mtlsearch.search.pace import Pace
from mtlsearch.search.part_names import base_arm
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.session import Observer
from mtlsearch.search.study import REFERENCES_ARM, Study
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.tasks import Task
from mtlsearch.wording import duration

LINE_SECONDS = 5.0  # without a terminal, a line this often
TASK_WIDTH = 22  # columns of the terminal for a task, of which the table shows what fits
ARM_WIDTH = 40  # columns of the terminal for an arm, with its counts
MOST_TASKS = 8  # of which the live table shows a score, on however wide a terminal
MOST_ARMS = 14  # of which the live table has a line
MOST_FAILURES = 3  # of an arm that are told one by one
PADDING = (0, 2, 0, 0)  # around the cells of the table: above, right, below, left


class CandidateScores:
    """The validation scores of an arm, candidate by candidate.

    What it shows of a task is the median of the candidates' means. The best single score says more
    about the luckiest fold than about the arm.
    """

    def __init__(self, replicates: int) -> None:
        self._replicates = replicates
        self._scores: dict[str, dict[int, list[float]]] = {}
        self._medians: dict[str, float] = {}

    def add(self, result: TrainingResult) -> None:
        """Take the scores of a training; the replicates of a candidate are numbered in a row."""
        candidate = result.number // self._replicates
        for task, score in result.scores.items():
            self._scores.setdefault(task, {}).setdefault(candidate, []).append(score)
        self._medians.clear()

    def median(self, task: str) -> float | None:
        """The median of the candidates' mean scores; None before the first."""
        if task not in self._scores:
            return None
        if task not in self._medians:
            candidates = list(self._scores[task].values())
            means = [sum(scores) / len(scores) for scores in candidates]
            self._medians[task] = median(means)
        return self._medians[task]


class Progress(Observer):
    """Follows the arms of a study. Use as a context manager around `work`."""

    def __init__(self, study: Study, dataset: Dataset) -> None:
        self._study = study
        self._tasks = dataset.tasks
        self._console = Console(stderr=True)
        self._schedules: Sequence[Schedule] = ()
        self._queue: WorkQueue | None = None
        self._step = ""  # what is done that trains nothing
        self._failed: dict[str, int] = {}
        self._scores: dict[str, CandidateScores] = {}
        self._pace = Pace()
        self._spent_before = study.wall_seconds  # in earlier sessions
        self._started = time.monotonic()
        self._printed = self._started
        self._display = display_on(self._console, self._draw)

    def __enter__(self) -> "Progress":
        if self._display is not None:
            self._display.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._display is not None:
            self._display.stop()

    def enter(self, step: str) -> None:
        """Something begins that trains nothing."""
        self._step = step
        if self._display is not None:
            self._display.refresh()
        self._say(step)

    def expect(self, forecast: Callable[[], Forecast | None]) -> None:
        """Time the study, and say what will be trained and how long that takes."""
        expected = forecast()
        self._pace.forecast = expected
        if expected is not None:
            words = f"forecast: {expected.describe()}"
            is_cut = self._console.is_terminal  # between words; what reads a file needs whole lines
            self._console.print(words, markup=False, highlight=False, soft_wrap=not is_cut)

    def correct(self, forecast: Forecast) -> None:
        """Something of the forecast is measured by now."""
        self._pace.forecast = forecast

    def begin(self, schedules: Sequence[Schedule], queue: WorkQueue) -> None:
        """A phase begins; what is already in the study is counted as done."""
        self._step = ""
        known = set(self._failed)
        self._schedules = schedules
        self._queue = queue
        for schedule in schedules:
            if schedule.arm not in known:
                self._failed[schedule.arm] = 0
                self._count_recorded(schedule.arm)
        if not queue.finished:
            self._say(self._summary())

    def observe(self, arm: str, result: TrainingResult) -> None:
        """A training is recorded."""
        self._pace.add(arm, result)
        self._count(arm, result)
        if self._display is not None:
            self._display.refresh()
        if result.failure and self._failed[arm] <= MOST_FAILURES:
            self._say(f"{arm}: training {result.number} failed: {result.failure}")
        if time.monotonic() - self._printed > LINE_SECONDS:
            self._say(self._summary())

    def _count_recorded(self, arm: str) -> None:
        if arm not in self._study.request.arms:
            return
        for trial in self._study.trials(arm):
            self._count(arm, trial.result)
            self._pace.remember(arm, trial.result)

    def _count(self, arm: str, result: TrainingResult) -> None:
        if result.failure:
            self._failed[arm] = self._failed.get(arm, 0) + 1
            return
        if arm not in self._scores:
            self._scores[arm] = CandidateScores(self._study.request.replicates)
        self._scores[arm].add(result)

    def _say(self, words: str) -> None:
        """Print a line, where there is no live table."""
        if self._display is None:
            self._printed = time.monotonic()
            self._console.print(words, markup=False, highlight=False, soft_wrap=True)

    def _title(self) -> str:
        """What is going on: a step, or the phase of the training."""
        if self._step:
            return self._step
        if self._is_finished(references=False) and not self._is_finished(references=True):
            return "references"
        if not self._confirms:
            return "searching"
        *earlier, seeds = self._study.seed_plan.looks
        if not earlier:
            return "confirming the best of each arm with fresh seeds"
        return f"confirming with {seeds - earlier[-1]} more seeds, {seeds} in all"

    @property
    def _confirms(self) -> bool:
        """Whether it is the confirmation that is trained."""
        confirmation = self._study.confirmation
        return any(base_arm(schedule.arm) == confirmation for schedule in self._schedules)

    def _is_finished(self, *, references: bool) -> bool:
        """Whether all fits of references are finished, or all of everything else."""
        done, total = self._counts(references=references)
        return done >= total

    def _counts(self, *, references: bool) -> tuple[int, int]:
        """How many fits of references are done, of how many; or of everything else."""
        done = 0
        total = 0
        for schedule in self._schedules:
            if (base_arm(schedule.arm) == REFERENCES_ARM) == references:
                done += len(schedule.finished())
                total += schedule.total
        return done, total

    def _summary(self) -> str:
        """How far it is, and how long it will take."""
        if not self._queue:
            return f"{self._title()}: {self._elapsed()}"
        done, total = self._counts(references=False)
        words = f"{self._title()}: {done}/{total} trainings, {self._queue.running} running"
        failed = sum(self._failed.values())
        if failed:
            words += f", {failed} failed"
        fits, all_fits = self._counts(references=True)
        if all_fits:
            words += f", references {fits} of {all_fits}"
        left = self._seconds_left()
        words += f"; {self._elapsed()}"
        return words if left is None else f"{words}, about {duration(left)} left in all"

    def _seconds_left(self) -> float | None:
        """How long it will take; no longer than the minutes, while the budget can be lowered."""
        request = self._study.request
        left = self._pace.seconds_left(request, self._schedules, self._confirms)
        if left is None or request.minutes is None or self._confirms:
            return left
        spent = self._spent_before + time.monotonic() - self._started
        return min(left, max(0.0, request.minutes * 60 - spent))

    def _elapsed(self) -> str:
        return f"{duration(time.monotonic() - self._started)} elapsed"

    def _draw(self) -> RenderableType:
        if not self._schedules:
            return Text(self._summary())
        tasks = self._tasks[: self._columns()]
        title = Text(f"{self._title()} (scores: the median candidate of each arm, by validation)")
        table = Table(box=None, padding=PADDING)
        table.add_column("arm", justify="left")
        table.add_column("done", justify="right")
        table.add_column("failed", justify="right")
        for task in tasks:
            table.add_column(f"{task.name} ({task.metric.name})", justify="right")
        shown = self._shown()
        for schedule in shown:
            arm = schedule.arm
            done = len(schedule.finished())
            failed = self._failed.get(arm, 0)
            scores = [self._cell(arm, task) for task in tasks]
            table.add_row(Text(arm), f"{done}/{schedule.total}", str(failed), *scores)
        return Group(title, table, *self._hidden(len(tasks), len(shown)), Text(self._summary()))

    def _columns(self) -> int:
        """How many tasks fit into the table."""
        fitting = (self._console.width - ARM_WIDTH) // TASK_WIDTH
        return max(1, min(MOST_TASKS, fitting))

    def _hidden(self, tasks: int, arms: int) -> list[Text]:
        """What the table does not show."""
        words = []
        if arms < len(self._schedules):
            words.append(f"{len(self._schedules) - arms} more arms of {len(self._schedules)}")
        if tasks < len(self._tasks):
            words.append(f"{len(self._tasks) - tasks} more tasks of {len(self._tasks)}")
        return [Text(f"and {' and '.join(words)}")] if words else []

    def _shown(self) -> Sequence[Schedule]:
        """The arms that are shown: of many, the first that are not finished."""
        if len(self._schedules) <= MOST_ARMS:
            return self._schedules
        open_schedules = []
        for schedule in self._schedules:
            if len(schedule.finished()) < schedule.total:
                open_schedules.append(schedule)
        return open_schedules[:MOST_ARMS]

    def _cell(self, arm: str, task: Task) -> Text:
        """The median candidate's score; none of the confirmation, where arms are mixed."""
        if base_arm(arm) not in self._study.request.arms or arm not in self._scores:
            return Text("-")
        score = self._scores[arm].median(task.name)
        return Text("-" if score is None else f"{score:.4g}")
