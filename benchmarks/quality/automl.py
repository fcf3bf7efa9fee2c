"""AutoGluon, in an environment of its own: `pip install autogluon.tabular[lightgbm,catboost]`.

    python -m benchmarks.quality.automl FOLDER [TABLE ...]

One predictor per task, with its own use of all rows that are not test rows, and a limit of time
per task.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.quality.exchange import TRAIN, VALIDATION, Rows, write_models

NAME = "AutoGluon"
PRESET = "good_quality"
SECONDS = 60  # for a task


def work(folder: Path) -> None:
    """Train a predictor for every task of a table."""
    rows = Rows.read(folder)
    started = time.perf_counter()
    model = {task: _predict(rows, task) for task in rows.kinds}
    seconds = time.perf_counter() - started
    write_models(folder, NAME, [model], seconds)
    print(folder.name, NAME, f"{seconds:.0f} s", flush=True)


def _predict(rows: Rows, task: str) -> np.ndarray:
    from autogluon.tabular import TabularPredictor

    first = rows.folds.columns[0]
    train = rows.labelled(task, first, TRAIN, VALIDATION)
    table = rows.inputs.iloc[train].assign(label=rows.labels[task].iloc[train])
    problem = rows.kinds[task]
    if problem != "regression":
        table["label"] = table["label"].astype(int)
    path = tempfile.mkdtemp()
    predictor = TabularPredictor(
        label="label",
        problem_type=problem,
        path=path,
        verbosity=0,
    )
    predictor.fit(table, presets=PRESET, time_limit=SECONDS)
    test = rows.inputs.iloc[rows.test()]
    if problem == "regression":
        values = predictor.predict(test)
    else:
        values = predictor.predict_proba(test)
    shutil.rmtree(path)
    predicted = np.asarray(values, np.float64)
    return predicted[:, 1] if problem == "binary" else predicted


def main(folder: str, names: Sequence[str]) -> None:
    """Train on all tables of the folder, or on those named."""
    for table in sorted(Path(folder).iterdir()):
        if table.is_dir() and (not names or table.name in names):
            work(table)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
