"""Texts as they are written: one column, whose words are a sequence to the network."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import input_column
from mtlsearch.errors import DataError
from mtlsearch.inputs.column_fitting import FittingRows, fit_text
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
    left_out,
)
from mtlsearch.inputs.tokens import TokenSchema


@dataclass(frozen=True)
class WordSchema(TokenSchema):
    """A network reads `categories` and `mask` as of tokens; word 1 is any unknown one."""


class Texts(InputKind):
    """A column of text is taken for a sequence of words only where a card says so.

    Beside other columns, a text is a column of a table.
    """

    name = "texts"
    schema: ClassVar[type[InputSchema]] = WordSchema
    default_space = "tokens"

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return the one column of text, or the one that the user says is text."""
        return only_text(source, self.name)

    def fit(self, selected: SelectedColumns, non_test: Array, train: Array) -> FittedInput:
        """Number the words of the rows that are not test rows; note which training rows have."""
        [(name, cells)] = selected.arrays.items()
        form = selected.forms[name]
        column = fit_text(name, cells, form, FittingRows(non_test, train))
        encoding = replace(column, alone=True)
        schema = WordSchema(encoding.length, encoding.vocabulary)
        return FittedInput(schema, (encoding,))


def only_text(source: SourceColumns, input_name: str) -> SelectedColumns:
    """Return the one column of text of a source. Raises DataError."""
    texts = {}
    for name in source.names:
        if name in source.arrays:
            continue
        column = input_column(source.raw.column(name), source.non_test)
        if column.values is not None and column.form.type == "text":
            texts[name] = column
    if len(texts) != 1:
        listed = ", ".join(texts) or "none"
        raise DataError(
            f"{source.where}: input: {input_name} is one column of sentences; found {listed} "
            "(say columns: {NAME: text}, or ignore: [NAME])"
        )
    [(name, column)] = texts.items()
    cells = pd.Series(column.values, dtype=object)
    return SelectedColumns(
        pd.DataFrame({name: cells}),
        left_out=left_out(source, [name], f"the input is {input_name}"),
        forms={name: column.form},
        types={name: column.type},
        notices=tuple(f"column {name}: {notice}" for notice in column.notices),
    )
