"""Affinity: what sharing with another task does to a task's score, estimated from all trainings of an arm at once.

One training says next to nothing: scores differ more by seed and fold than by structure. So each task's loss is regressed on
whom it shares with on which level, on the settings, and, as a random effect, on the replicate, which may be hard for everyone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array
from mtlsearch.candidate import Component
from mtlsearch.evidence.affinity.columns import Columns
from mtlsearch.evidence.affinity.regression import Posterior, fit
from mtlsearch.evidence.gain import unit
from mtlsearch.evidence.inactive import is_idle
from mtlsearch.evidence.interval import CONFIDENCE, Interval
from mtlsearch.records import Trial
from mtlsearch.tasks.metrics import METRICS
from mtlsearch.tasks.task import Task

MISFIT = 1.5  # effects do not quite add up: so much wider must an interval be for its sign to be right (see benchmarks)
FEWEST = 2  # components in which a name must act before it is said to be worth anything: one's luck is not its name's
OUTLIER = 4.0  # robust standard deviations from the median of its replicate, beyond which a loss is brought back


@dataclass(frozen=True)
class TaskModel:
    """The regression of a task's loss, lower is better: `offset` plus the columns times the posterior's weights.

    `shifts[replicate]` is how much larger it is there; `scale` turns differences into relative gains.
    """

    columns: Columns
    posterior: Posterior
    scale: float
    offset: float
    shifts: Mapping[int, float]

    def draw(self, random: np.random.Generator) -> "TaskModel":
        """The model with a sample of its weights in the place of their mean."""
        [weights] = self.posterior.sample(random, 1)
        return replace(self, posterior=replace(self.posterior, mean=weights))

    def effect(self, change: Array) -> tuple[float, float, float]:
        """The gain in percent from a change of the columns, [D], and the ends of its 95% interval."""
        reach = MISFIT * float(stats.t.ppf(0.5 + CONFIDENCE / 2, self.posterior.freedom))
        mean, deviation = (100.0 * float(x) / self.scale for x in self.posterior.predict(change))
        return -mean, -mean - reach * deviation, -mean + reach * deviation


@dataclass(frozen=True)
class Affinity:
    """The models of all tasks, in their order."""

    tasks: tuple[Task, ...]
    models: tuple[TaskModel, ...]

    @classmethod
    def fit(cls, trainings: Sequence[Trial], tasks: Sequence[Task]) -> "Affinity | None":
        """From the complete trainings of one arm. None when there are fewer than four."""
        rows = [
            (part, place, each)
            for each in trainings
            if each.result.complete
            for part, place in _places(each)
        ]
        by_task: dict[int, list[tuple[Component, int, Trial]]] = {
            number: [] for number in range(len(tasks))
        }
        for part, place, each in rows:
            by_task[part.tasks[place]].append((part, place, each))
        if min(map(len, by_task.values())) < 4:
            return None
        with threadpool_limits(
            1
        ):  # matrices this small are slower on several threads, and much so on busy cores
            return cls(
                tuple(tasks),
                tuple(
                    _task_model(task, by_task[number], len(tasks))
                    for number, task in enumerate(tasks)
                ),
            )

    def draw(self, random: np.random.Generator) -> "Affinity":
        """A sample of the posterior (Thompson 1933)."""
        return Affinity(self.tasks, tuple(model.draw(random) for model in self.models))

    def scores(self, component: Component) -> dict[str, float]:
        """The estimated score of each of the component's tasks on an average replicate."""
        found = {}
        for place, number in enumerate(component.tasks):
            task, model = self.tasks[number], self.models[number]
            mean = float(model.columns.row(component, place) @ model.posterior.mean)
            found[task.name] = METRICS[task.metric].possible(
                -METRICS[task.metric].sign * (model.offset + mean)
            )
        return found

    def deviations(self, component: Component) -> dict[str, float]:
        """The standard deviations of these estimates."""
        found = {}
        for place, number in enumerate(component.tasks):
            model = self.models[number]
            found[self.tasks[number].name] = float(
                model.posterior.predict(model.columns.row(component, place))[1]
            )
        return found

    def adjusted(self, training: Trial) -> dict[str, float]:
        """The scores that a complete training would have had on an average replicate."""
        found = {}
        for task, model in zip(self.tasks, self.models, strict=True):
            score = (
                training.result.scores[task.name]
                + METRICS[task.metric].sign * model.shifts[training.replicate]
            )
            found[task.name] = METRICS[task.metric].possible(score)
        return found

    def sharing(self) -> Array:
        """[L, T, T]: the mean gain in percent of task t from sharing level l with task u."""
        tasks, depth = len(self.tasks), self.models[0].columns.depth
        found = np.zeros((depth, tasks, tasks))
        for t, model in enumerate(self.models):
            others = [u for u in range(tasks) if u != t]
            for level in range(depth):
                found[level, t, others] = [
                    -100.0 * model.posterior.mean @ c / model.scale
                    for c in _contrasts(model, [level])
                ]
        return found

    def effects(self, levels: int) -> dict[tuple[int, int], Interval]:
        """(t, u): the gain in percent of task t from sharing its first `levels` levels with u, with its 95% interval."""
        found: dict[tuple[int, int], Interval] = {}
        for t, model in enumerate(self.models):
            others = [u for u in range(len(self.tasks)) if u != t]
            for u, contrast in zip(others, _contrasts(model, range(levels)), strict=True):
                found[t, u] = Interval(*model.effect(contrast))
        return found

    def worth(self, part: str) -> dict[str, Interval]:
        """What each name of a part is worth, with the settings it was tried with, against the mean of these names.

        It is the mean gain over the tasks in percent. Its interval is as wide as if their errors were one: trainings are the
        same for all. Names that act in fewer than FEWEST components are left out.
        """
        by_task = [self._named(part, task) for task in range(len(self.tasks))]
        names = [
            name
            for name in by_task[0]
            if all(len(rows.get(name, ())) >= FEWEST for rows in by_task)
        ]
        if len(names) < 2:
            return {}
        means = [np.array([rows[name].mean(0) for name in names]) for rows in by_task]
        effects = [
            [model.effect(x) for x in own - own.mean(0)]
            for model, own in zip(self.models, means, strict=True)
        ]
        return {
            name: Interval(*ends)
            for name, ends in zip(names, np.mean(effects, 0).tolist(), strict=True)
        }

    def _named(self, part: str, task: int) -> dict[str, Array]:
        """By name, what is about the part in the task's columns of the components where it acts: [components, D]."""
        columns, found = self.models[task].columns, dict[str, list[Array]]()
        about = columns.about(part)
        for component in columns.cells:
            if not is_idle(part, component, self.tasks):
                row = columns.row(component, component.tasks.index(task))
                found.setdefault(component.candidate.named(part), []).append(
                    np.where(about, row, 0.0)
                )
        return {name: np.array(rows) for name, rows in found.items()}


def _contrasts(model: TaskModel, levels: Sequence[int]) -> Array:
    """For each other task the change of the columns when these levels are shared with it: [T - 1, D]."""
    columns, others = model.columns, model.columns.tasks - 1
    found = np.zeros((others, len(columns.groups)))
    for other in range(others):
        found[other, other] = len(levels) / columns.depth
        if columns.levels:
            found[other, [others + other * columns.depth + level for level in levels]] = 1.0
    return found


def _places(training: Trial) -> list[tuple[Component, int]]:
    return [
        (part, place)
        for part in training.candidate.composition()
        for place in range(len(part.tasks))
    ]


def _task_model(task: Task, rows: Sequence[tuple[Component, int, Trial]], tasks: int) -> TaskModel:
    columns = Columns.of([(part, place) for part, place, _ in rows], tasks)
    scores = np.array([each.result.scores[task.name] for _, _, each in rows])
    replicates, block = np.unique([each.replicate for _, _, each in rows], return_inverse=True)
    y = _within_reach(-METRICS[task.metric].sign * scores, block)
    own = np.array([columns.row(part, place) for part, place, _ in rows])
    x = np.hstack([own, np.eye(len(replicates))[block]])
    groups = np.concatenate(
        [columns.groups, np.full(len(replicates), columns.groups.max(initial=-1) + 1)]
    )
    whole = fit(x - x.mean(0), y - y.mean(), groups)
    width = len(columns.groups)
    posterior = replace(whole, mean=whole.mean[:width], covariance=whole.covariance[:width, :width])
    shifts = whole.mean[width:] - whole.mean[width:] @ x[:, width:].mean(0)
    scale = unit(task, float(y.mean()))
    offset = float(y.mean() - own.mean(0) @ posterior.mean)
    return TaskModel(
        columns,
        posterior,
        scale,
        offset,
        dict(zip(replicates.tolist(), shifts.tolist(), strict=True)),
    )


def _within_reach(y: Array, block: Array) -> Array:
    """With outliers, such as trainings that nearly diverged, brought back to where they do not decide alone.

    A value is far out of its replicate, or of all values where its replicate has too few to tell.
    """
    few = np.bincount(block)[block] < 3
    middle = np.array(
        [np.median(y if lone else y[block == own]) for own, lone in zip(block, few, strict=True)]
    )
    found = y.copy()
    for part in (few, ~few):
        if (
            reach := OUTLIER * 1.4826 * float(np.median(np.abs(y - middle)[part]))
            if part.any()
            else 0.0
        ):
            found[part] = np.clip(y[part], (middle - reach)[part], (middle + reach)[part])
    return found
