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
from mtlsearch.data.scarcity import ScarceClass, scarce_test_classes
from mtlsearch.data.scored_rows import check_test_rows, check_validation_rows
from mtlsearch.data.traps import find_traps

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
    "ScarceClass",
    "Source",
    "Splits",
    "TaskFlag",
    "check_test_rows",
    "check_validation_rows",
    "find_traps",
    "fold",
    "load",
    "prepare",
    "read_table",
    "resample",
    "scarce_test_classes",
]
