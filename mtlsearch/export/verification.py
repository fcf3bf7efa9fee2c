"""The check of an exported folder: it predicts what the model in memory does, without mtlsearch."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from mtlsearch.arrays import Array
from mtlsearch.errors import ExportError
from mtlsearch.export.deviation import TOLERANCE, deviation
from mtlsearch.export.rows import write_rows
from mtlsearch.export.trained_model import TrainedModel, predict_mean
from mtlsearch.runtime.decoding import OutputDecoder
from mtlsearch.tasks import Task
from mtlsearch.training.training_data import TrainingData
from mtlsearch.wording import printable

DRIVER = """
import runpy, sys
sys.modules["mtlsearch"] = None
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a script in which mtlsearch cannot be imported."""

SET_HERE = ("MKL_CBWR",)
"""Variables of the environment that mtlsearch sets for itself."""

Runner = Callable[[Path, Sequence[str]], None]
"""Runs the predict.py of a folder with arguments. Raises ExportError if it fails."""


def verify(
    draft: Path,
    scratch: Path,
    models: Sequence[TrainedModel],
    run: Runner,
) -> float:
    """Return the largest deviation of a task's predictions by the folder `draft` from the models'.

    Several models predict the mean of their predictions. `scratch` is a folder for files in
    between. Raises ExportError if the deviation is above TOLERANCE or the folder does not run.
    """
    data = models[0].data
    dataset = data.dataset
    decoders = data.fold(models[0].replicate).prepared.decoders
    deviations = []
    for source, tasks in _tasks_by_source(models[0].tasks).items():
        rows = checked_rows(data, source)
        inputs = dataset.sources[source].inputs.iloc[rows.numpy()]
        table = write_rows(inputs, scratch, dataset.sources[source].forms)
        output = scratch / "predicted.csv"
        run(draft, ["--source", source, "--to", str(output), str(table)])
        predictions = _read_predictions(output, tasks, decoders)
        for task, predicted in zip(tasks, predictions, strict=True):
            expected = _expected(models, task, rows)
            unit = decoders[task.name].scale
            deviations.append(deviation(predicted, expected, unit))
    largest = float(np.max(deviations))
    if not largest <= TOLERANCE:  # also for NaN
        raise ExportError(
            f"the exported code deviates from the model by {largest:.1e}, more than {TOLERANCE:.0e}"
        )
    return largest


def _expected(models: Sequence[TrainedModel], task: Task, rows: Tensor) -> Array:
    """What the folder must predict: of ready-made models what the study keeps of its test rows."""
    if task.name not in models[0].references:
        return predict_mean(models, task, rows)
    kept = [model.references[task.name].predictions for model in models]
    return np.asarray(np.mean(kept, axis=0))


def run_alone(draft: Path, arguments: Sequence[str]) -> None:
    """Run a folder's predict.py in an interpreter of its own that cannot import mtlsearch.

    It has the user's environment, without what mtlsearch has set in its own.
    """
    script = str(draft / "predict.py")
    command = [sys.executable, "-I", "-B", "-c", DRIVER, script, *arguments]
    environment = {name: value for name, value in os.environ.items() if name not in SET_HERE}
    process = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment
    )
    if process.returncode:
        messages = process.stderr.strip().splitlines() or ["?"]
        raise ExportError(f"the exported code fails: {printable(messages[-1])}")


def checked_rows(data: TrainingData, source: str) -> Tensor:
    """Return the rows of a source that are compared: its test rows, or all rows if it has none."""
    tasks = _tasks_by_source(data.dataset.tasks)[source]
    return data.test_rows(tasks[0])


def _tasks_by_source(tasks: Sequence[Task]) -> dict[str, list[Task]]:
    by_source: dict[str, list[Task]] = {}
    for task in tasks:
        by_source.setdefault(task.source, []).append(task)
    return by_source


def _read_predictions(
    file: Path,
    tasks: Sequence[Task],
    decoders: Mapping[str, OutputDecoder],
) -> list[Array]:
    """Return the predictions of each task, whose columns come in the order of the tasks."""
    with file.open(encoding="utf-8", newline="") as lines:
        _, *rows = csv.reader(lines)
    columns = list(zip(*rows, strict=True))
    predictions = []
    start = 0
    for task in tasks:
        decoder = decoders[task.name]
        end = start + len(decoder.column_names(task.name))
        predictions.append(decoder.from_columns(columns[start:end]))
        start = end
    return predictions
