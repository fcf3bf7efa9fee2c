"""What a person sees while a study runs: a live table on a terminal or in a notebook, plain lines
elsewhere, on standard error.
"""

import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from mtlsearch.data import Dataset
from mtlsearch.records import TrainingResult
from mtlsearch.search.arms import BASELINE
from mtlsearch.search.display import display_on
from mtlsearch.search.schedules import Schedule
from mtlsearch.search.study import REFERENCES_ARM, Study
from mtlsearch.search.work_queue import WorkQueue
from mtlsearch.tasks import Task

LINE_SECONDS = 5.0  # without a terminal, a line this often
MOST_TASKS = 6  # of which the live table shows the best score
MOST_ARMS = 14  # of which the live table has a line
MOST_FAILURES = 3  # of an arm that are told one by one
PADDING = (0, 2, 0, 0)  # around the cells of the table: above, right, below, left


class Progress:
    """Follows the arms of a study. Use as a context manager around `work`."""

    def __init__(self, study: Study, dataset: Dataset) -> None:
        self._study = study
        self._tasks = dataset.tasks
        self._console = Console(stderr=True)
        self._schedules: Sequence[Schedule] = ()
        self._queue: WorkQueue | None = None
        self._failed: dict[str, int] = {}
        self._best: dict[str, dict[str, float]] = {}
        self._began = time.monotonic()  # when the first training of the phase came in
        self._printed = self._began
        self._observed = 0  # trainings of this phase and session
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

    def begin(self, schedules: Sequence[Schedule], queue: WorkQueue) -> None:
        """A phase begins; what is already in the study is counted as done."""
        self._schedules = schedules
        self._queue = queue
        self._observed = 0
        self._began = time.monotonic()
        self._failed = {schedule.arm: 0 for schedule in schedules}
        for schedule in schedules:
            self._count_recorded(schedule.arm)
        if not queue.finished:
            total = sum(schedule.total for schedule in schedules)
            self._say(f"{self._title()}: {total} trainings")

    def observe(self, arm: str, result: TrainingResult) -> None:
        """A training is recorded."""
        if not self._observed:
            self._began = time.monotonic()  # the workers' start is no training
        self._observed += 1
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

    def _count(self, arm: str, result: TrainingResult) -> None:
        if result.failure:
            self._failed[arm] = self._failed.get(arm, 0) + 1
            return
        best = self._best.setdefault(arm, {})
        for task in self._tasks:
            name = task.name
            if name not in result.scores:
                continue  # of a reference, which need not have a model of every task
            score = result.scores[name]
            if name not in best or _is_better(task, score, best[name]):
                best[name] = score

    def _say(self, words: str) -> None:
        if self._display is None:
            self._printed = time.monotonic()
            self._console.print(words, markup=False, highlight=False, soft_wrap=True)

    def _title(self) -> str:
        arms = [schedule.arm for schedule in self._schedules]
        if self._study.confirmation in arms:
            title = f"confirming the best of each arm with {self._seeds()}"
            return f"{title}, references beside" if REFERENCES_ARM in arms else title
        return "searching"

    def _seeds(self) -> str:
        """The seeds of the confirmation; where they became more, why."""
        *earlier, seeds = self._study.seed_plan.looks
        if not earlier:
            return "fresh seeds"
        return f"{seeds - earlier[-1]} more seeds, {seeds} in all"

    def _summary(self) -> str:
        done = 0
        total = 0
        for schedule in self._schedules:
            done += len(schedule.finished())
            total += schedule.total
        running = self._queue.running if self._queue else 0
        failed = sum(self._failed.values())
        counts = f"{done}/{total} trainings done, {running} running, {failed} failed"
        return counts + self._pace(total - done)

    def _pace(self, left: int) -> str:
        """How fast it goes and how long what is left will take, once that can be told."""
        if self._observed < 2:
            return ""
        seconds = max(time.monotonic() - self._began, 1e-9)
        per_minute = (self._observed - 1) / seconds * 60
        time_left = _clock(left / per_minute * 60)
        return f", {per_minute:.0f} per minute, about {time_left} left"

    def _draw(self) -> RenderableType:
        tasks = self._tasks[:MOST_TASKS]
        table = Table(
            title=self._title(),
            title_justify="left",
            box=None,
            padding=PADDING,
        )
        table.add_column("arm", justify="left")
        table.add_column("done", justify="right")
        table.add_column("failed", justify="right")
        for task in tasks:
            table.add_column(f"best {task.name} ({task.metric.name})", justify="right")
        shown = self._shown()
        for schedule in shown:
            arm = schedule.arm
            done = len(schedule.finished())
            failed = self._failed.get(arm, 0)
            scores = [self._cell(arm, task) for task in tasks]
            table.add_row(Text(arm), f"{done}/{schedule.total}", str(failed), *scores)
        lines = [Text(self._summary())]
        hidden = len(self._schedules) - len(shown)
        if hidden:
            lines.insert(0, Text(f"and {hidden} more arms of {len(self._schedules)}"))
        return Group(table, *lines)

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
        """An arm's best single score; green where it is ahead of the baseline's."""
        score = self._best.get(arm, {}).get(task.name)
        if score is None:
            return Text("-")
        baseline = self._best.get(BASELINE, {}).get(task.name)
        text = f"{score:.4g}"
        if baseline is not None and _is_better(task, score, baseline):
            return Text(text, style="green")
        return Text(text)


def _is_better(task: Task, score: float, other: float) -> bool:
    sign = task.metric.sign
    return sign * score > sign * other


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if minutes:
        return f"{minutes} min {rest:02d} s"
    return f"{rest} s"
