"""The data room: from a file, card or embedded problem to tasks, splits, folds, network inputs and scores."""

from mtlsearch.data.card import Card, TaskFlag
from mtlsearch.data.dataset import TEST, TRAIN, VALIDATION, Array, Dataset, Fold, Kind, Prepared, Source, Splits, Task
from mtlsearch.data.folds import fold, resample
from mtlsearch.data.loading import load
from mtlsearch.data.metrics import DEFAULT_METRIC, METRICS, Metric, score
from mtlsearch.data.preparation import Preparation, prepare, restore
from mtlsearch.data.problems import DEFAULT_PROBLEM, PROBLEMS
from mtlsearch.data.readers import READERS, Reader, read_table

__all__ = [
    "DEFAULT_METRIC",
    "DEFAULT_PROBLEM",
    "METRICS",
    "PROBLEMS",
    "READERS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Array",
    "Card",
    "Dataset",
    "Fold",
    "Kind",
    "Metric",
    "Preparation",
    "Prepared",
    "Reader",
    "Source",
    "Splits",
    "Task",
    "TaskFlag",
    "fold",
    "load",
    "prepare",
    "read_table",
    "resample",
    "restore",
    "score",
]
