"""Affinity: what sharing with another task does to a task's score, from all trainings of an arm.

One training says next to nothing: scores differ more by seed and fold than by structure. So each
task's loss is regressed on whom it shares with on which level, on the settings, and, as a random
effect, on the replicate, which may be hard for everyone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from mtlsearch.arrays import Array
from mtlsearch.candidate import Component, Composition
from mtlsearch.evidence.affinity.fitting import NO_MEMORY, Memory
from mtlsearch.evidence.affinity.task_model import Observation, TaskModel
from mtlsearch.evidence.inactive import is_inactive
from mtlsearch.evidence.interval import Interval
from mtlsearch.evidence.skill import SkillScales
from mtlsearch.records import Trial
from mtlsearch.tasks import Task

FEWEST_TRAININGS = 4  # of each task, from which on models are fitted
FEWEST_COMPONENTS = 2  # in which a method must act: the luck of one component is not its method's


@dataclass(frozen=True)
class Affinity:
    """The models of all tasks, in their order."""

    tasks: tuple[Task, ...]
    models: tuple[TaskModel, ...]

    @classmethod
    def fit(
        cls,
        trials: Sequence[Trial],
        scales: SkillScales,
        memory: Memory = NO_MEMORY,
    ) -> "Affinity | None":
        """Fit the models to the complete trainings of one arm; None when there are too few.

        Args:
            trials: The trainings.
            scales: The scales of the skill of all tasks on validation rows.
            memory: Where the precisions are kept that were found before.
        """
        tasks = scales.tasks
        by_task: list[list[Observation]] = [[] for _ in tasks]
        for observation in _observations(trials):
            by_task[observation.task].append(observation)
        fewest = min(map(len, by_task))
        if fewest < FEWEST_TRAININGS:
            return None
        models = []
        # Matrices this small are slower on several threads, and much so on busy cores.
        with threadpool_limits(1):
            for scale, observations in zip(scales.of_task, by_task, strict=True):
                model = TaskModel.fit(scale, observations, len(tasks), memory)
                models.append(model)
        return cls(tasks, tuple(models))

    @property
    def depth(self) -> int:
        """The number of levels, L."""
        return self.models[0].columns.depth

    def draw(self, random: np.random.Generator) -> "Affinity":
        """A sample of the posterior (Thompson 1933)."""
        models = [model.draw(random) for model in self.models]
        return Affinity(self.tasks, tuple(models))

    def scores(self, component: Component) -> dict[str, float]:
        """The estimated score of each of the component's tasks on an average replicate."""
        scores = {}
        for position, number in enumerate(component.tasks):
            model = self.models[number]
            name = model.task.name
            scores[name] = model.score(component, position)
        return scores

    def estimates(self, composition: Composition) -> dict[str, float]:
        """The estimated score of every task of a model, in the order of the tasks."""
        by_task: dict[str, float] = {}
        for component in composition:
            by_task |= self.scores(component)
        return {task.name: by_task[task.name] for task in self.tasks}

    def deviations(self, component: Component) -> dict[str, float]:
        """The standard deviations of these estimates."""
        deviations = {}
        for position, number in enumerate(component.tasks):
            model = self.models[number]
            name = model.task.name
            deviations[name] = model.deviation(component, position)
        return deviations

    def adjusted(self, trial: Trial) -> dict[str, float]:
        """The scores that a complete training would have had on an average replicate."""
        scores = {}
        for model in self.models:
            name = model.task.name
            scores[name] = model.adjusted_score(trial)
        return scores

    def sharing(self) -> Array:
        """The mean gain of task t in points from sharing level l with task u, [L, T, T]."""
        tasks = len(self.tasks)
        gains = np.zeros((self.depth, tasks, tasks))
        for t, model in enumerate(self.models):
            gains[:, t, model.columns.others(t)] = model.sharing_gains()
        return gains

    def effects(self, levels: int) -> dict[tuple[int, int], Interval]:
        """The gain of task t in points from sharing its first levels with task u, by (t, u).

        Args:
            levels: The number of levels that are shared.
        """
        shared = range(levels)
        effects = {}
        for t, model in enumerate(self.models):
            columns = model.columns
            for u in columns.others(t):
                change = columns.sharing_change(t, u, shared)
                effects[t, u] = model.gain_interval(change)
        return effects

    def worth(self, group: str) -> dict[str, Interval]:
        """What each method of a setting group is worth, against the mean of these methods.

        A method counts with the settings it was tried with. Methods that act in too few components
        are left out.

        Returns:
            By the method's name the gain of mean skill in points.
            Its interval is as wide as if the tasks' errors were one: their trainings are the same.
            Empty when fewer than two methods can be told apart.
        """
        rows_of_task = []
        for task in range(len(self.tasks)):
            rows = self._mean_rows(group, task)
            rows_of_task.append(rows)
        methods = _common_methods(rows_of_task)
        if len(methods) < 2:
            return {}
        gains = []
        for model, rows in zip(self.models, rows_of_task, strict=True):
            compared = np.array([rows[method] for method in methods])
            changes = compared - compared.mean(0)
            ends = [model.gain_ends(change) for change in changes]
            gains.append(ends)
        weights = np.array([task.options.weight for task in self.tasks])
        weighted = np.array(gains) * weights[:, None, None]
        mean_gains = (weighted.mean(0) / weights.mean()).tolist()
        worth = {}
        for method, ends in zip(methods, mean_gains, strict=True):
            worth[method] = Interval(*ends)
        return worth

    def _mean_rows(self, group: str, task: int) -> dict[str, Array]:
        """The mean row of the task over the components in which a method acts, by its name, [D].

        Methods that act in too few are left out. Columns that do not come of a method are 0.
        """
        columns = self.models[task].columns
        belongs = columns.of_group(group)
        of_numbers = belongs[: columns.numbers]  # no cell comes of a method
        rows_of: dict[str, list[Array]] = {}
        for component in columns.cells:
            if is_inactive(group, component, self.tasks):
                continue
            position = component.tasks.index(task)
            row = columns.numbers_of(component, position)
            method = component.candidate.setting_name(group)
            rows = rows_of.setdefault(method, [])
            rows.append(np.where(of_numbers, row, 0.0))
        means = {}
        for method, rows in rows_of.items():
            if len(rows) >= FEWEST_COMPONENTS:
                mean = np.zeros(len(belongs))
                mean[: columns.numbers] = np.array(rows).mean(0)
                means[method] = mean
        return means


def _common_methods(rows_of_task: Sequence[Mapping[str, Array]]) -> list[str]:
    """The methods that all tasks have a row of."""
    first, *others = rows_of_task
    common = []
    for method in first:
        if all(method in rows for rows in others):
            common.append(method)
    return common


def _observations(trials: Iterable[Trial]) -> Iterable[Observation]:
    for trial in trials:
        if not trial.result.complete:
            continue
        for component in trial.candidate.composition():
            for position in range(len(component.tasks)):
                yield Observation(component, position, trial)
