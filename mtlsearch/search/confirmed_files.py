"""The files of confirmed models, beside the study: predictions on test rows, and weights."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.errors import StudyError
from mtlsearch.records import TrainingResult

FOLDER = "confirmed"
FILES = PREDICTIONS, WEIGHTS = "predictions", "weights"  # what of a result is kept in files

TASKS = "tasks"  # what the names of the tasks are called in the file

# what numpy raises for a file that is missing, empty, cut off or of another kind
DAMAGED = (OSError, EOFError, ValueError, KeyError, BadZipFile)

Files = Mapping[str, str]  # what a file holds -> its path relative to the study's folder


def write_files(study: Path, name: str, result: TrainingResult) -> Files:
    """Write the predictions of a result, and its weights if any, into the folder of a study.

    A file is complete once it has its name: whoever is interrupted leaves no half of one. Returns
    the paths relative to the study's folder; of a failed training there is nothing to write.
    """
    if not result.complete:
        return {}
    folder = study / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    predictions = f"{name}.npz"
    weights = f"{name}.safetensors"
    files = {PREDICTIONS: f"{FOLDER}/{predictions}"}
    _write(folder / predictions, lambda file: _save(file, result.predictions))
    if result.weights:
        files[WEIGHTS] = f"{FOLDER}/{weights}"
        _write(folder / weights, lambda file: file.write(result.weights))
    return files


def read_predictions(study: Path, files: Files) -> dict[str, Array]:
    """The predictions per task name. Raises StudyError when their file cannot be read."""
    path = study / files[PREDICTIONS]
    try:
        with np.load(path) as arrays:
            predictions = {}
            for number, name in enumerate(arrays[TASKS].tolist()):
                predictions[name] = arrays[_key(number)]
            return predictions
    except DAMAGED as error:
        raise StudyError(f"{path}: the predictions of a confirmed model cannot be read") from error


def read_weights(study: Path, files: Files) -> bytes:
    """The weights in the format of safetensors.

    Raises StudyError when their file cannot be read.
    """
    path = study / files[WEIGHTS]
    try:
        return path.read_bytes()
    except OSError as error:
        raise StudyError(f"{path}: the weights of a confirmed model cannot be read") from error


def _save(file: IO[bytes], predictions: Mapping[str, Array]) -> None:
    """Write arrays, which are numbered.

    A task's name may be one that `savez_compressed` takes for itself.
    """
    names = list(predictions)
    arrays = {TASKS: np.array(names, dtype=np.str_)}
    for number, values in enumerate(predictions.values()):
        arrays[_key(number)] = values
    np.savez_compressed(file, allow_pickle=False, **arrays)


def _key(number: int) -> str:
    """What the predictions for the task of this number are called in the file."""
    return f"prediction_{number}"


def _write(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file under a temporary name and rename it."""
    draft = path.with_name(f".{path.name}")
    with draft.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
