"""Datasets: from a file, card or embedded problem to tasks, splits, folds and network inputs."""

from mtlsearch.data.card import Card, TaskFlag
from mtlsearch.data.column_flags import NO_FLAGS, ColumnFlags
from mtlsearch.data.dataset import (
    INPUT,
    TEST,
    TRAIN,
    VALIDATION,
    ColumnRecord,
    Dataset,
    Fold,
    Prepared,
    Source,
    Splits,
)
from mtlsearch.data.folds import fold, resample
from mtlsearch.data.loading import load
from mtlsearch.data.preparation import Preparation, prepare
from mtlsearch.data.problems import DEFAULT_PROBLEM, PROBLEMS
from mtlsearch.data.readers import READERS, Reader, read_table

__all__ = [
    "DEFAULT_PROBLEM",
    "INPUT",
    "NO_FLAGS",
    "PROBLEMS",
    "READERS",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Card",
    "ColumnFlags",
    "ColumnRecord",
    "Dataset",
    "Fold",
    "Preparation",
    "Prepared",
    "Reader",
    "Source",
    "Splits",
    "TaskFlag",
    "fold",
    "load",
    "prepare",
    "read_table",
    "resample",
]
