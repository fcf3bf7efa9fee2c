"""The columns of a table: as a file holds them, what they are taken for, and how they are read."""

from mtlsearch.columns.form import NOTHING_SAID, ColumnForm, ColumnSettings, ColumnType
from mtlsearch.columns.inputs import MAXIMUM_CATEGORIES, InputColumn, input_column
from mtlsearch.columns.raw import RawColumn, RawTable
from mtlsearch.columns.resolving import Column, resolve

__all__ = [
    "MAXIMUM_CATEGORIES",
    "NOTHING_SAID",
    "Column",
    "ColumnForm",
    "ColumnSettings",
    "ColumnType",
    "InputColumn",
    "RawColumn",
    "RawTable",
    "input_column",
    "resolve",
]
