"""Planted problems: synthetic tables whose tasks are related as the caller says, to test what a search finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import Card, validated
from mtlsearch.data.dataset import Dataset
from mtlsearch.structure.tree import SharingTree
from mtlsearch.tasks.metrics import DEFAULT_METRIC
from mtlsearch.tasks.task import Kind

CLASSES = 3  # of a multiclass task
ALPHA, BETA = (1.0, 2.0, 3.0, 4.0), (0.0, 0.8, 1.6, 2.4)  # of the sines of `related_pair`


@dataclass(frozen=True)
class Teacher:
    """A random network that labels rows: its tasks share stages as `tree` says.

    On each level a node turns what its parent gives into `width` numbers by a random linear map and tanh; a task is a random
    linear map of its leaf, standardised. Tasks of one node thus need the same features of the inputs, tasks of separate nodes
    unrelated ones. `kinds[t]` defaults to regression: a binary task is the sign, a multiclass task the largest of three.

    `unrelated` tasks are pure noise. A task in `conflicting` is computed on the inputs in reverse order: the tree says that
    it shares stages, but the features these extract are wrong for it.
    """

    tree: SharingTree
    features: int = 16
    width: int = 3
    kinds: Sequence[Kind] = ()
    unrelated: Sequence[int] = ()
    conflicting: Sequence[int] = ()

    def table(self, rows: int, noise: float, seed: int) -> pd.DataFrame:
        """`rows` rows with inputs x0.. and targets y0..; `noise` is the noise's standard deviation, the signal's is 1."""
        draw = np.random.default_rng(seed)
        maps = [
            [self._map(draw, level) for _ in nodes] for level, nodes in enumerate(self.tree.levels)
        ]
        heads = [draw.normal(size=(self.width, CLASSES)) for _ in range(self.tree.tasks)]
        x = draw.normal(size=(rows, self.features))
        columns = {f"x{i}": x[:, i] for i in range(self.features)}
        for task, head in enumerate(heads):
            h = x[:, ::-1] if task in self.conflicting else x
            for level, own in enumerate(maps):
                h = np.tanh(h @ own[self.tree.node(level, task)])
            signal = h @ (head if self.kind(task) == "multiclass" else head[:, :1])
            signal = (signal - signal.mean(0)) / signal.std(0)
            columns[f"y{task}"] = self._labels(
                task, signal * (task not in self.unrelated), noise, draw
            )
        return pd.DataFrame(columns)

    def _map(self, draw: np.random.Generator, level: int) -> Array:
        size = self.features if level == 0 else self.width
        return np.asarray(draw.normal(size=(size, self.width)) * 1.5 / np.sqrt(size))

    def kind(self, task: int) -> Kind:
        """The kind of a task."""
        return self.kinds[task] if self.kinds else "regression"

    def _labels(self, task: int, signal: Array, noise: float, draw: np.random.Generator) -> Array:
        noisy = signal + draw.normal(size=signal.shape) * (1.0 if task in self.unrelated else noise)
        if self.kind(task) == "multiclass":
            return np.asarray(noisy.argmax(1))
        return noisy[:, 0] if self.kind(task) == "regression" else (noisy[:, 0] > 0).astype(int)


def planted(
    teacher: Teacher,
    rows: int = 400,
    test_rows: int = 2000,
    noise: float = 0.5,
    labelled: Mapping[int, float] | None = None,
    seed: int = 0,
) -> Dataset:
    """The teacher's problem: `rows` rows to search on, a quarter of them validation rows, and `test_rows` test rows.

    `labelled[t]` is the share of the search's rows that have a label of task t (default: all).
    """
    table = teacher.table(rows + test_rows, noise, seed)
    draw = np.random.default_rng([seed, 1])
    for task, share in (labelled or {}).items():
        missing = draw.permutation(rows)[round(rows * share) :]
        table[f"y{task}"] = table[f"y{task}"].astype(float)
        table.loc[missing, f"y{task}"] = np.nan
    return _dataset(
        "planted", table, rows, [teacher.kind(task) for task in range(teacher.tree.tasks)]
    )


def related_pair(
    correlation: float,
    rows: int = 400,
    test_rows: int = 2000,
    features: int = 100,
    noise: float = 0.1,
    seed: int = 0,
) -> Dataset:
    """Two regressions whose weights have the given cosine (Ma et al. 2018, "Modeling Task Relationships in Multi-task
    Learning with Multi-gate Mixture-of-Experts", sec. 3.2): y = w.x + sum_i sin(alpha_i w.x + beta_i) + noise.

    The paper gives no alpha and beta; ours are ALPHA and BETA, and its scale c is 1. `noise` is a standard deviation.
    """
    draw = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(draw.normal(size=(features, 2)))
    weights = basis @ np.array([[1.0, correlation], [0.0, np.sqrt(1.0 - correlation**2)]])
    x = draw.normal(size=(rows + test_rows, features))
    z = x @ weights
    y = (
        z
        + sum(np.sin(alpha * z + beta) for alpha, beta in zip(ALPHA, BETA, strict=True))
        + noise * draw.normal(size=z.shape)
    )
    columns = {f"x{i}": x[:, i] for i in range(features)} | {f"y{t}": y[:, t] for t in range(2)}
    return _dataset("related_pair", pd.DataFrame(columns), rows, ["regression"] * 2)


def _dataset(name: str, table: pd.DataFrame, rows: int, kinds: Sequence[Kind]) -> Dataset:
    table["split"] = np.where(np.arange(len(table)) < rows, "train", "test")
    metric = {
        **DEFAULT_METRIC,
        "regression": "rmse",
    }  # r2 of pure noise is near zero, where relative gains mean nothing
    mapping = {
        "name": name,
        "sources": {name: {"path": name}},
        "tasks": {
            f"y{task}": {"kind": kind, "metric": metric[kind]} for task, kind in enumerate(kinds)
        },
        "split": {"column": "split", "validation": 0.25},
    }
    return assemble(validated(Card, mapping, name).checked(name), {name: table}, name)
