"""Planted problems: synthetic tables whose tasks are related as the caller says.

They test what a search finds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import RawTable
from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import Card, SourceCard, SplitCard, TaskCard
from mtlsearch.data.dataset import Dataset
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks import Metric, Regression, TaskKind
from mtlsearch.tasks.metrics import RMSE

CLASSES = ("0", "1", "2")  # of a task that can have more than two
GAIN = 1.5  # of the linear maps: enough for tanh to bend, too little for it to saturate
ALPHA = (1.0, 2.0, 3.0, 4.0)  # frequencies of the sines of `related_pair`
BETA = (0.0, 0.8, 1.6, 2.4)  # and their phases


@dataclass(frozen=True)
class Teacher:
    """A random network that labels rows; its tasks share stages as `tree` says.

    On each level a node turns what its parent gives into `width` numbers by a random linear map
    and tanh; a task is a random linear map of its leaf, standardised. Tasks of one node thus need
    the same features of the inputs, tasks of separate nodes unrelated ones.

    Attributes:
        tree: Which tasks share which stages.
        features: The number of inputs.
        width: The number of features that a node computes.
        kinds: The kind of each task; numbers where it is left out. Of two classes, the label is
            the sign of the number; of several, the largest of three numbers.
        unrelated: Tasks that are pure noise.
        conflicting: Tasks that are computed on the inputs in reverse order: the tree says that
            they share stages, but the features that these extract are wrong for them.
    """

    tree: SharingTree
    features: int = 16
    width: int = 3
    kinds: Sequence[TaskKind] = ()
    unrelated: Sequence[int] = ()
    conflicting: Sequence[int] = ()

    def table(self, rows: int, noise: float, seed: int) -> pd.DataFrame:
        """Return a table of inputs x0, x1, ... and targets y0, y1, ...

        Args:
            rows: The number of rows.
            noise: The standard deviation of the noise; that of the signal is 1.
            seed: What is random depends on it alone.
        """
        draw = np.random.default_rng(seed)
        depth = len(self.tree.levels)
        maps = [self._level_maps(draw, level) for level in range(depth)]
        heads = [self._head(draw) for _ in range(self.tree.tasks)]
        shape = (rows, self.features)
        x = draw.normal(size=shape)

        columns = _columns("x", x)
        for task, head in enumerate(heads):
            hidden = self._hidden(task, x, maps)
            signal = self._signal(task, hidden, head)
            deviation = 1.0 if task in self.unrelated else noise
            normal = draw.normal(size=signal.shape)
            noisy = signal + deviation * normal
            columns[f"y{task}"] = self._labels(task, noisy)
        return pd.DataFrame(columns)

    def kind(self, task: int) -> TaskKind:
        """Return the kind of a task."""
        if not self.kinds:
            return Regression()
        return self.kinds[task]

    def _level_maps(self, draw: np.random.Generator, level: int) -> list[Array]:
        """Draw the linear map [inputs, width] of each node of a level."""
        inputs = self.features if level == 0 else self.width
        shape = (inputs, self.width)
        maps = []
        for _ in self.tree.levels[level]:
            weights = draw.normal(size=shape)
            scaled = weights * GAIN / np.sqrt(inputs)
            maps.append(scaled)
        return maps

    def _head(self, draw: np.random.Generator) -> Array:
        # As many columns for every kind, so that the kinds of other tasks change nothing.
        shape = (self.width, len(CLASSES))
        return draw.normal(size=shape)

    def _hidden(
        self,
        task: int,
        x: Array,
        maps: Sequence[Sequence[Array]],
    ) -> Array:
        """Return what the task's leaf computes of inputs x[rows, features]: [rows, width]."""
        hidden = x
        if task in self.conflicting:
            hidden = x[:, ::-1]
        for level, nodes in enumerate(maps):
            node = self.tree.node(level, task)
            mapped = hidden @ nodes[node]
            hidden = np.tanh(mapped)
        return hidden

    def _signal(self, task: int, hidden: Array, head: Array) -> Array:
        """Return the task's standardised numbers, one for each output; 0 where it is unrelated."""
        kind = self.kind(task)
        outputs = kind.output_count(CLASSES)
        signal = hidden @ head[:, :outputs]
        if task in self.unrelated:
            return np.zeros_like(signal)
        deviations = signal - signal.mean(0)
        standardised = deviations / signal.std(0)
        return np.asarray(standardised)

    def _labels(self, task: int, noisy: Array) -> Array:
        """Return the labels [rows] that numbers [rows, outputs] come to."""
        outputs = noisy.shape[1]
        if outputs > 1:
            return np.asarray(noisy.argmax(1))
        numbers: Array = noisy[:, 0]
        kind = self.kind(task)
        if not kind.is_classification:
            return numbers
        positive = numbers > 0
        return np.asarray(positive, int)


def planted(
    teacher: Teacher,
    rows: int = 400,
    test_rows: int = 2000,
    noise: float = 0.5,
    labelled: Mapping[int, float] | None = None,
    seed: int = 0,
) -> Dataset:
    """Return the teacher's problem.

    Args:
        teacher: What labels the rows.
        rows: The number of rows to search on; a quarter of them are validation rows.
        test_rows: The number of test rows.
        noise: The standard deviation of the noise; that of the signal is 1.
        labelled: Of each task the share of the rows to search on that have a label; all where it
            is left out.
        seed: What is random depends on it alone.
    """
    table = teacher.table(rows + test_rows, noise, seed)
    draw = np.random.default_rng([seed, 1])
    tasks = range(teacher.tree.tasks)
    shares = labelled or {}
    for task, share in shares.items():
        name = f"y{task}"
        kept = round(rows * share)
        shuffled = draw.permutation(rows)
        table[name] = table[name].astype(float)
        table.loc[shuffled[kept:], name] = np.nan
    kinds = [teacher.kind(task) for task in tasks]
    return _dataset("planted", table, rows, kinds)


def related_pair(
    correlation: float,
    rows: int = 400,
    test_rows: int = 2000,
    features: int = 100,
    noise: float = 0.1,
    seed: int = 0,
) -> Dataset:
    """Return two tasks of numbers whose weights have the given cosine.

    The problem is that of Ma et al. 2018, "Modeling Task Relationships in Multi-task Learning with
    Multi-gate Mixture-of-Experts", sec. 3.2: y = w.x + sum_i sin(alpha_i w.x + beta_i) + noise. The
    paper gives no alpha and beta; ours are ALPHA and BETA, and its scale c is 1.

    Args:
        correlation: The cosine of the two weight vectors w.
        rows: The number of rows to search on; a quarter of them are validation rows.
        test_rows: The number of test rows.
        features: The number of inputs x.
        noise: The standard deviation of the noise.
        seed: What is random depends on it alone.
    """
    draw = np.random.default_rng(seed)
    directions = draw.normal(size=(features, 2))
    basis, _ = np.linalg.qr(directions)
    sine = np.sqrt(1.0 - correlation**2)
    first = np.array([1.0, 0.0])
    second = np.array([correlation, sine])
    weights = basis @ np.column_stack([first, second])

    shape = (rows + test_rows, features)
    x = draw.normal(size=shape)
    z = x @ weights
    normal = draw.normal(size=z.shape)
    y = z + sum(_sines(z)) + noise * normal

    columns = _columns("x", x)
    columns |= _columns("y", y)
    table = pd.DataFrame(columns)
    kinds = [Regression(), Regression()]
    return _dataset("related_pair", table, rows, kinds)


def _sines(z: Array) -> Iterator[Array]:
    for alpha, beta in zip(ALPHA, BETA, strict=True):
        phase = alpha * z + beta
        yield np.sin(phase)


def _columns(letter: str, values: Array) -> dict[str, Array]:
    """Return the columns of values [rows, D], named by the letter and their number."""
    columns = {}
    for number, column in enumerate(values.T):
        columns[f"{letter}{number}"] = column
    return columns


def _dataset(
    name: str,
    table: pd.DataFrame,
    rows: int,
    kinds: Sequence[TaskKind],
) -> Dataset:
    """Return the dataset of a table, of which the first `rows` are those to search on."""
    numbers = np.arange(len(table))
    table["split"] = np.where(numbers < rows, "train", "test")
    tasks = {}
    for number, kind in enumerate(kinds):
        metric = _metric(kind)
        tasks[f"y{number}"] = TaskCard(kind=kind.name, metric=metric.name)
    source = SourceCard(path=name)
    split = SplitCard(column="split", validation=0.25)
    card = Card(
        name=name,
        sources={name: source},
        tasks=tasks,
        split=split,
    )
    checked = card.checked(name)
    return assemble(checked, {name: RawTable(table)}, name)


def _metric(kind: TaskKind) -> Metric:
    # R2 of pure noise is near zero, where relative gains mean nothing.
    if RMSE in kind.metrics:
        return RMSE
    return kind.default_metric
