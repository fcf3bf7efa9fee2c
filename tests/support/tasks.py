"""Tasks spelled in words, and an example of every kind of task."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlsearch.columns import RawColumn
from mtlsearch.data.card import TaskCard
from mtlsearch.data.inference import infer_label_set, infer_target
from mtlsearch.errors import DataError
from mtlsearch.tasks import METRICS, TASK_KINDS, Task, TaskKind
from mtlsearch.tasks.metrics import Metric


def make_task(name, kind, metric, source="s", classes=()):
    """Return a task whose target column has its name; `kind` and `metric` are words."""
    return Task(name, TASK_KINDS[kind], METRICS[metric], source, name, classes)


def raw_columns(rows, seed=0):
    """Return target columns as users have them; every kind of task accepts one of them."""
    draw = np.random.default_rng(seed)
    return {
        "numbers": pd.Series(3 + 10 * draw.normal(size=rows)),
        "four words": pd.Series(draw.choice(list("abcd"), rows, p=[0.4, 0.3, 0.2, 0.1])),
        "two words": pd.Series(draw.choice(["no", "yes"], rows, p=[0.7, 0.3])),
        "counts": pd.Series(draw.poisson(4.0, size=rows)),
    }


def raw_labels(rows, seed=0):
    """Return columns as users have them where a row has any number of labels, by these."""
    draw = np.random.default_rng(seed)
    labels = {}
    for name, share in (("sport", 0.6), ("news", 0.4), ("art", 0.2)):
        labels[name] = pd.Series(draw.choice(["no", "yes"], rows, p=[1 - share, share]))
    return labels


@dataclass(frozen=True)
class Example:
    """A task of a kind with its labels, [N] or [N, C], for all rows."""

    task: Task
    labels: np.ndarray

    @property
    def kind(self) -> TaskKind:
        """The kind of the task."""
        return self.task.kind

    @property
    def decoder(self):
        """What makes predictions of outputs."""
        return self.task.decoder(self.kind.target_scale(self.labels))

    @property
    def targets(self):
        """The scaled labels."""
        return (self.labels - self.decoder.mean) / self.decoder.scale

    def outputs(self, models=1, noise=1.0, seed=0):
        """Return network outputs [models, N, C] that know something of the labels."""
        draw = np.random.default_rng(seed)
        signal = self._signal()
        return signal + noise * draw.normal(size=(models, *signal.shape))

    def _signal(self):
        if self.kind.transform == "cumulative":
            above = np.arange(self.task.outputs) < self.labels[:, None]
            return 2.0 * above - 1
        if self.kind.labels_per_class:
            return 2 * self.labels - 1
        if self.task.outputs > 1:
            return np.eye(self.task.outputs)[self.labels.astype(int)]
        if self.kind.is_classification:
            return 2 * self.labels[:, None] - 1
        return self.targets[:, None]


def make_example(kind: TaskKind, rows: int = 40, seed: int = 0, metric: Metric | None = None):
    """Return an example of a kind, from the first raw column that it accepts."""
    card = TaskCard(kind=kind.name)
    if kind.labels_per_class:
        columns = {name: RawColumn(name, raw) for name, raw in raw_labels(rows, seed).items()}
        target = infer_label_set(columns, np.ones(rows, bool), card, "example")
        task = Task("t", kind, metric or kind.default_metric, "s", "t", target.classes)
        return Example(task, target.labels)
    for raw in raw_columns(rows, seed).values():
        try:
            target = infer_target(RawColumn("y", raw), np.ones(rows, bool), card, "example")
        except DataError:
            continue
        task = Task("t", kind, metric or kind.default_metric, "s", "t", target.classes)
        return Example(task, target.labels)
    raise AssertionError(f"no example of {kind}")
