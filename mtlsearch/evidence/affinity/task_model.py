"""The regression of one task's loss on the sharing, the settings and the replicate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from mtlsearch.arrays import Array
from mtlsearch.candidate import Component
from mtlsearch.evidence.affinity.columns import Columns
from mtlsearch.evidence.affinity.design import Design
from mtlsearch.evidence.affinity.fitting import NO_MEMORY, Memory, fit_design
from mtlsearch.evidence.affinity.regression import Posterior
from mtlsearch.evidence.interval import UPPER_QUANTILE, Interval
from mtlsearch.evidence.skill import SkillScale
from mtlsearch.records import Trial
from mtlsearch.tasks import Task

# Effects do not quite add up: so much wider an interval must be for its sign to be right.
# Measured by `benchmarks/truth`.
MISFIT = 1.5
OUTLIER = 4.0  # robust standard deviations from the median beyond which a loss is brought back
NORMAL_MAD = 1.4826  # standard deviation of normal values, in median absolute deviations
FEWEST_IN_REPLICATE = 3  # trainings on which the median of a replicate may rest


@dataclass(frozen=True)
class Observation:
    """What a training says of one task: its component, and the task's position in that."""

    component: Component
    position: int
    trial: Trial

    @property
    def task(self) -> int:
        """The number of the task."""
        return self.component.tasks[self.position]


@dataclass(frozen=True)
class TaskModel:
    """The regression of a task's loss, the score with such a sign that lower is better.

    The loss is `offset` plus the row of the columns times the weights of the posterior.

    Attributes:
        task: The task.
        columns: How a component becomes a row.
        posterior: The weights of the columns.
        weights: The means of these weights, or a draw of them, [D].
        scale: The difference of losses that is 100 points of skill.
        offset: The loss where all columns are 0.
        shifts: By the number of a replicate, how much larger losses are there.
    """

    task: Task
    columns: Columns
    posterior: Posterior
    weights: Array
    scale: float
    offset: float
    shifts: Mapping[int, float]

    @classmethod
    def fit(
        cls,
        scale: SkillScale,
        observations: Sequence[Observation],
        tasks: int,
        memory: Memory = NO_MEMORY,
    ) -> "TaskModel":
        """Fit the model of a task.

        The replicates are columns of the regression, but not of the model: they are random
        effects, as a replicate may be hard for everyone.

        Args:
            scale: The scale of the task's skill on validation rows.
            observations: What complete trainings say of it.
            tasks: The number of tasks of the dataset.
            memory: Where the precisions are kept that were found before.
        """
        task = scale.task
        observed = [(item.component, item.position) for item in observations]
        columns = Columns.of(observed, tasks)
        scores = [item.trial.result.scores[task.name] for item in observations]
        numbers = [item.trial.replicate.number for item in observations]
        replicates, block = np.unique(numbers, return_inverse=True)
        design = _design(columns, observed, block)
        losses = -task.metric.sign * np.array(scores)
        losses = _bring_back_outliers(losses, block)

        posterior, effects = fit_design(design, losses - losses.mean(), memory)
        shifts = effects - effects @ design.replicate_shares()
        mean_loss = losses.mean()
        offset = mean_loss - design.mean_row() @ posterior.mean
        return cls(
            task=task,
            columns=columns,
            posterior=posterior,
            weights=posterior.mean,
            scale=scale.size,
            offset=float(offset),
            shifts=dict(zip(replicates.tolist(), shifts.tolist(), strict=True)),
        )

    def draw(self, random: np.random.Generator) -> "TaskModel":
        """The model with a sample of its weights in the place of their mean."""
        [weights] = self.posterior.sample(random, 1)
        return replace(self, weights=weights)

    def score(self, component: Component, position: int) -> float:
        """The estimated score of the task at a position of the component, on a mean replicate."""
        row = self.columns.row(component, position)
        loss = self.offset + float(row @ self.weights)
        metric = self.task.metric
        return metric.possible(-metric.sign * loss)

    def adjusted_score(self, trial: Trial) -> float:
        """The score that a complete training would have had on a mean replicate."""
        metric = self.task.metric
        score = trial.result.scores[self.task.name]
        shift = self.shifts[trial.replicate.number]
        return metric.possible(score + metric.sign * shift)

    def deviation(self, component: Component, position: int) -> float:
        """The standard deviation of that estimate."""
        row = self.columns.row(component, position)
        _, deviation = self.posterior.predict(row)
        return float(deviation)

    def gain(self, change: Array) -> float:
        """The gain in points of skill from a change of the row, [D]."""
        points = -100.0 * self.weights @ change
        return float(points / self.scale)

    def sharing_gains(self) -> Array:
        """The gain in points from sharing each level with each other task, [L, T - 1]."""
        columns = self.columns
        points = -100.0 * self.weights
        gains = np.tile(points[columns.blocks.sharing] * (1 / columns.depth), (columns.depth, 1))
        if columns.tells_levels:
            gains += points[columns.blocks.levels].reshape(-1, columns.depth).T
        return np.asarray(gains / self.scale)

    def gain_interval(self, change: Array) -> Interval:
        """The gain in points of skill from a change of the row, [D], with its 95% interval."""
        gain, low, high = self.gain_ends(change)
        return Interval(gain, low, high)

    def gain_ends(self, change: Array) -> tuple[float, float, float]:
        """That gain and the two ends of its interval."""
        loss = change @ self.weights
        _, deviation = self.posterior.predict(change)
        gain = -100.0 * float(loss) / self.scale
        gain_deviation = 100.0 * float(deviation) / self.scale
        dof = self.posterior.dof
        quantile = float(stats.t.ppf(UPPER_QUANTILE, dof))
        half_width = MISFIT * quantile * gain_deviation
        return gain, gain - half_width, gain + half_width


def _design(
    columns: Columns,
    observed: Sequence[tuple[Component, int]],
    replicates: Array,
) -> Design:
    """The rows of the regression, [N]; the replicate of each is numbered from 0."""
    numbers = [columns.numbers_of(component, position) for component, position in observed]
    cells = [columns.cells[component] for component, _ in observed]
    groups = columns.blocks.numbers
    return Design(
        numbers=np.array(numbers),
        number_groups=groups[: columns.numbers],
        cells=np.array(cells),
        replicates=replicates,
        cell_group=columns.blocks.cell_group,
    )


def _bring_back_outliers(losses: Array, block: Array) -> Array:
    """Clip outliers, such as those of trainings that nearly diverged: none may decide alone.

    A loss is an outlier among those of its replicate, or, where its replicate has too few to tell,
    among all.

    Args:
        losses: The losses, [N].
        block: The replicate of each, numbered from 0, [N].
    """
    count = np.bincount(block)
    is_lone = count[block] < FEWEST_IN_REPLICATE
    overall = np.median(losses)
    center = np.full(len(losses), overall)
    for replicate in np.unique(block[~is_lone]):
        members = block == replicate
        center[members] = np.median(losses[members])

    distance = np.abs(losses - center)
    clipped = losses.copy()
    for members in (is_lone, ~is_lone):
        if not members.any():
            continue
        median_distance = float(np.median(distance[members]))
        limit = OUTLIER * NORMAL_MAD * median_distance
        if limit:
            low = center[members] - limit
            high = center[members] + limit
            clipped[members] = np.clip(losses[members], low, high)
    return clipped
