"""What a person sees while a study runs: a live table on a terminal, plain lines elsewhere. Always on stderr."""

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mtlsearch.data import Dataset
from mtlsearch.records import TrainingResult
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.study import Study, trained
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task

LINE_SECONDS = 5.0  # without a terminal, a line this often


class Progress:
    """Follows the arms of a study. Use as a context manager around `work`."""

    def __init__(self, study: Study, dataset: Dataset) -> None:
        self._study, self._tasks = study, dataset.tasks
        self._console = Console(stderr=True)
        self._lines: Sequence[Schedule] = ()
        self._queue: WorkQueue | None = None
        self._failed: dict[str, int] = {}
        self._best: dict[str, dict[str, float]] = {}
        self._began = self._printed = time.monotonic()
        self._here = 0
        self._live = Live(
            console=self._console, refresh_per_second=4, get_renderable=self._draw, transient=True
        )

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def begin(self, lines: Sequence[Schedule], queue: WorkQueue) -> None:
        """A phase begins; what is already in the study is counted as done."""
        self._lines, self._queue, self._here, self._began = lines, queue, 0, time.monotonic()
        self._failed = {line.arm: 0 for line in lines}
        for line in lines:
            if line.arm in self._study.request.arms:
                for training in trained(line.arm, self._study.trials(line.arm)):
                    self._count(line.arm, training.result)
        if not queue.finished:
            self._say(f"{self._title()}: {sum(line.total for line in lines)} trainings")

    def observe(self, arm: str, outcome: TrainingResult) -> None:
        """A training is recorded."""
        self._began = (
            self._began if self._here else time.monotonic()
        )  # the workers' start is no training
        self._here += 1
        self._count(arm, outcome)
        if outcome.failure and self._failed[arm] <= 3:
            self._say(f"{arm}: training {outcome.number} failed: {outcome.failure}")
        if time.monotonic() - self._printed > LINE_SECONDS:
            self._say(self._summary())

    def _count(self, arm: str, outcome: TrainingResult) -> None:
        if outcome.failure:
            self._failed[arm] = self._failed.get(arm, 0) + 1
            return
        best = self._best.setdefault(arm, {})
        for task in self._tasks:
            best[task.name] = _better(task, outcome.scores[task.name], best.get(task.name))

    def _say(self, words: str) -> None:
        if not self._console.is_terminal:
            self._printed = time.monotonic()
            self._console.print(words, markup=False, highlight=False, soft_wrap=True)

    def _title(self) -> str:
        confirming = any(line.arm == self._study.confirmation for line in self._lines)
        return "confirming the best of each arm with fresh seeds" if confirming else "searching"

    def _summary(self) -> str:
        done, total = (
            sum(len(line.finished()) for line in self._lines),
            sum(line.total for line in self._lines),
        )
        running = self._queue.running if self._queue else 0
        failed, rate = (
            sum(self._failed.values()),
            (self._here - 1) / max(time.monotonic() - self._began, 1e-9) * 60,
        )
        pace = (
            f", {rate:.0f} per minute, about {_clock((total - done) / rate * 60)} left"
            if self._here > 1
            else ""
        )
        return f"{done}/{total} trainings done, {running} running, {failed} failed{pace}"

    def _draw(self) -> RenderableType:
        table = Table(title=self._title(), title_justify="left", box=None, padding=(0, 2, 0, 0))
        for heading in (
            "arm",
            "done",
            "failed",
            *(f"best {task.name} ({task.metric})" for task in self._tasks[:6]),
        ):
            table.add_column(heading, justify="left" if heading == "arm" else "right")
        for line in self._lines:
            scores = [self._cell(line.arm, task) for task in self._tasks[:6]]
            done = f"{len(line.finished())}/{line.total}"
            table.add_row(Text(line.arm), done, str(self._failed.get(line.arm, 0)), *scores)
        return Group(table, Text(self._summary()))

    def _cell(self, arm: str, task: Task) -> Text:
        """An arm's best single score; green where it is ahead of single-task's."""
        value, single = (
            self._best.get(arm, {}).get(task.name),
            self._best.get("single_task", {}).get(task.name),
        )
        if value is None:
            return Text("-")
        ahead = (
            arm != "single_task"
            and single is not None
            and single != value
            and _better(task, value, single) == value
        )
        return Text(f"{value:.4g}", style="green" if ahead else "")


def _better(task: Task, new: float, old: float | None) -> float:
    if old is None:
        return new
    return max(new, old) if METRICS[task.metric].higher_is_better else min(new, old)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
