"""Texts as token ids: columns of whole numbers, one a position, of which 0 is no token."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.errors import DataError
from mtlsearch.inputs.contract import (
    FittedInput,
    InputKind,
    InputSchema,
    SelectedColumns,
    SourceColumns,
    column_of_numbers,
    left_out,
)
from mtlsearch.inputs.lengths import check_lengths, find_lengths
from mtlsearch.inputs.words import frequent_shares
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.encoding import TokenColumns, present_positions


@dataclass(frozen=True)
class TokenSchema(InputSchema):
    """A network reads `categories`, int [B, S], and `mask`, bool [B, S].

    Categories are in 0..vocabulary, of which 0 is no token.

    `ids` are the data's own numbers of the tokens 1..vocabulary.
    """

    length: int
    vocabulary: int
    ids: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"texts of {self.length} tokens out of {self.vocabulary}"

    def example(self, rows: int) -> EncodedInput:
        """Return texts without a token."""
        shape = (rows, self.length)
        return EncodedInput(
            categories=np.zeros(shape, np.int64),
            mask=np.zeros(shape, bool),
        )

    def flatten(self, inputs: EncodedInput, train: Array) -> Array:
        """Return no column: there are only words."""
        assert inputs.categories is not None
        return np.zeros((len(inputs.categories), 0))

    def word_shares(self, inputs: EncodedInput, train: Array) -> Array:
        """Return which share of a text each frequent token is."""
        assert inputs.categories is not None
        return frequent_shares(inputs.categories, train)


class Tokens(InputKind):
    """Columns of whole numbers are taken for tokens only where a card says so."""

    name = "tokens"
    schema: ClassVar[type[InputSchema]] = TokenSchema
    has_lengths = True
    default_space = "tokens"

    def select(self, source: SourceColumns) -> SelectedColumns:
        """Return all columns that hold no arrays."""
        lengths = find_lengths(source)
        arrays = source.arrays
        names = [name for name in source.names if name not in arrays]
        positions = [name for name in names if name != lengths]
        _check_ids(source, positions)
        check_lengths(source, lengths, len(positions))
        columns = {}
        for name in names:
            columns[name] = column_of_numbers(source, name)
        return SelectedColumns(
            pd.DataFrame(columns),
            lengths,
            left_out(source, names, f"the inputs are {self.name}"),
        )

    def fit(
        self,
        selected: SelectedColumns,
        non_test: Array,
        train: Array,
    ) -> FittedInput:
        """Number the ids of the rows that are not test rows, and note which training rows have."""
        columns = selected.arrays
        names = selected.names_without_lengths
        values = np.column_stack([columns[name] for name in names])
        rows, positions = values.shape
        present = present_positions(columns, selected.lengths, rows, positions)
        values = np.where(present, values, 0)
        known_ids = _positive(values[non_test])
        trained_ids = _positive(values[train])
        ids = tuple(known_ids.astype(int).tolist())
        encoding = TokenColumns(
            names=names,
            ids=ids,
            seen=np.isin(known_ids, trained_ids).tolist(),
            lengths=selected.lengths,
        )
        schema = TokenSchema(positions, len(ids), ids)
        return FittedInput(schema, (encoding,))


def _positive(values: Array) -> Array:
    """Return the distinct numbers above 0, in ascending order."""
    return np.unique(values[values > 0])


def _check_ids(source: SourceColumns, names: list[str]) -> None:
    """Raise DataError unless all but the test rows hold whole numbers, some above 0."""
    where = f"{source.where}: input: tokens are"
    if not names:
        raise DataError(f"{where} columns of whole numbers; none is left")
    numbers = {}
    for name in names:
        numbers[name] = column_of_numbers(source, name)
        cells = source.table[name]
        is_filled = cells.notna() & (cells.astype(str).str.strip() != "")
        is_whole = numbers[name] % 1 == 0
        if (is_filled & ~is_whole)[source.non_test].any():
            raise DataError(
                f'{where} whole numbers (0: no token); column "{name}" holds something else'
            )
    known = pd.DataFrame(numbers)[source.non_test]
    if not (known.to_numpy(np.float64) > 0).any():
        raise DataError(f"{where} whole numbers above 0 (0: no token); there is none")
