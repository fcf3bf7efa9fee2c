"""RealMLP (Holzmüller et al. 2024) and TabM (Gorishniy et al. 2025), as `pytabkit` has them.

    python -m benchmarks.quality.tabular FOLDER [TABLE ...]

Each with its tuned defaults, one model per task and seed, on the training and validation rows of
that seed. Both want numbers without gaps: the median of the training rows is put in.
"""

import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks.machine import CORES
from benchmarks.quality.exchange import PREDICTIONS, TRAIN, VALIDATION, Rows, write_models

NAMES = ("RealMLP", "TabM")
GPU_PROCESSES = 8
SEEDS = 2  # of which each is as long as a search of ours


def work(case: tuple[Path, str]) -> None:
    """Train one kind of model for all tasks and seeds of a table."""
    folder, name = case
    torch.set_num_threads(1)
    rows = Rows.read(folder)
    started = time.perf_counter()
    models = []
    for seed in rows.folds.columns[:SEEDS]:
        model = {}
        for task in rows.kinds:
            model[task] = _predict(name, rows, task, seed)
        models.append(model)
    seconds = time.perf_counter() - started
    write_models(folder, name, models, seconds)
    print(folder.name, name, f"{seconds:.0f} s", flush=True)


def _predict(
    name: str,
    rows: Rows,
    task: str,
    seed: str,
) -> np.ndarray:
    """Train one model and return its predictions for the test rows, [N] or [N, C]."""
    train = rows.labelled(task, seed, TRAIN)
    validation = rows.labelled(task, seed, VALIDATION)
    inputs = _without_gaps(rows.inputs, train)
    is_classification = rows.kinds[task] != "regression"
    labels = rows.labels[task].to_numpy()
    if is_classification:
        labels = np.nan_to_num(labels).astype(int)
    model = _make(name, is_classification, int(seed))
    model.fit(
        inputs.iloc[train],
        labels[train],
        X_val=inputs.iloc[validation],
        y_val=labels[validation],
    )
    test = inputs.iloc[rows.test()]
    if not is_classification:
        return np.asarray(model.predict(test), np.float64)
    probabilities = np.asarray(model.predict_proba(test), np.float64)
    return probabilities[:, 1] if rows.kinds[task] == "binary" else probabilities


def _make(
    name: str,
    is_classification: bool,
    seed: int,
) -> Any:
    import pytabkit

    suffix = "Classifier" if is_classification else "Regressor"
    kind = {"RealMLP": "RealMLP_TD", "TabM": "TabM_D"}[name]
    make = getattr(pytabkit, f"{kind}_{suffix}")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return make(
        device=device,
        random_state=seed,
        n_threads=1,
        verbosity=0,
    )


def _without_gaps(inputs: pd.DataFrame, train: np.ndarray) -> pd.DataFrame:
    """The inputs with a word for a missing category, and the median for a missing number."""
    filled = inputs.copy()
    for column in inputs:
        values = inputs[column]
        if pd.api.types.is_numeric_dtype(values):
            median = values.iloc[train].median()
            filled[column] = values.fillna(0.0 if np.isnan(median) else median)
        else:
            filled[column] = values.astype(object).fillna("missing").astype("category")
    return filled


def main(folder: str, names: Sequence[str]) -> None:
    """Train both on all tables of the folder, or on those named, that have no predictions yet."""
    cases = []
    for name in NAMES:
        for table in sorted(Path(folder).iterdir()):
            predictions = table / PREDICTIONS / f"{name}.npz"
            is_asked = table.is_dir() and (not names or table.name in names)
            if is_asked and not predictions.exists():
                cases.append((table, name))
    processes = GPU_PROCESSES if torch.cuda.is_available() else CORES
    with get_context("spawn").Pool(processes) as pool:
        pool.map(work, cases, chunksize=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
