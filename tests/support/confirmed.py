"""Test scores of confirmed models, seed by seed, for tests of comparisons and of the verdict."""

from collections.abc import Mapping, Sequence

import numpy as np

from mtlsearch.evidence.scoring import TestScores

BASELINE = [
    {"a": 0.80, "b": 2.0},
    {"a": 0.82, "b": 2.1},
    {"a": 0.78, "b": 1.9},
    {"a": 0.81, "b": 2.0},
]
WIGGLE = [0.000, 0.001, 0.002, 0.001]


def shifted(a: float, b: float) -> list[dict[str, float]]:
    """The scores of the baseline, larger by so much and by a little chance."""
    rows = []
    for row, chance in zip(BASELINE, WIGGLE, strict=True):
        rows.append({"a": row["a"] + a + chance, "b": row["b"] + b + chance})
    return rows


def scored(
    rows: Sequence[Mapping[str, float]], samples: Sequence[Mapping[str, float]] = ()
) -> list[TestScores]:
    """The scores of one model per row; all have the same scores on bootstrap samples."""
    resampled = {}
    if samples:
        for task in samples[0]:
            resampled[task] = np.array([sample[task] for sample in samples])
    return [TestScores(row, resampled) for row in rows]
