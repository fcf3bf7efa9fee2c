"""The inputs of a source as one flat table, for models that know tables only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data import Prepared
from mtlsearch.inputs import InputSchema, TableSchema
from mtlsearch.inputs.words import frequent_words
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.flat_inputs import FlatLayout, TextWords, codes_of_indicators

BLOCK_ROWS = 16_384
"""Rows of a large table that are flattened at once."""


@dataclass(frozen=True)
class FlatColumns:
    """How many columns of a flat table are of which kind, in the order in which they come.

    Attributes:
        numbers: Columns of numbers.
        indicators: Columns that say whether a row is of one category of a few, 0 or 1.
        few: Columns of codes of the same categories, one in place of all their indicators.
        many: Columns of codes of categories that are too many for indicators.
        words: Columns of the share that a word has of a text.
    """

    numbers: int
    indicators: int = 0
    few: int = 0
    many: int = 0
    words: int = 0

    @property
    def number_slice(self) -> slice:
        """Where the numbers are."""
        return slice(0, self.numbers)

    @property
    def value_slice(self) -> slice:
        """Where numbers and indicators are."""
        return slice(0, self.numbers + self.indicators)

    @property
    def code_slice(self) -> slice:
        """Where the codes of all categories are."""
        first = self.value_slice.stop
        return slice(first, first + self.few + self.many)

    @property
    def native_codes(self) -> list[int]:
        """Where the codes are in a table that begins with the numbers and the codes."""
        return list(range(self.numbers, self.numbers + self.few + self.many))

    @property
    def many_slice(self) -> slice:
        """Where the codes of the categories are that have no indicators."""
        last = self.code_slice.stop
        return slice(last - self.many, last)

    @property
    def word_slice(self) -> slice:
        """Where the shares of words are."""
        first = self.code_slice.stop
        return slice(first, first + self.words)


@dataclass(frozen=True)
class FlatTable:
    """The flat inputs [N, F] of the rows of a source, and what their columns are."""

    inputs: Array
    columns: FlatColumns

    @classmethod
    def of(cls, schema: InputSchema, encoded: EncodedInput, train: Array) -> "FlatTable":
        """Flatten what networks read of N rows.

        Args:
            schema: What they read of a row.
            encoded: Their inputs.
            train: The numbers of the training rows: what is counted is counted on these.
        """
        values = schema.flatten(encoded, train)
        many = schema.category_codes(encoded)
        words = schema.word_shares(encoded, train)
        is_indicator = np.zeros(values.shape[1], bool)
        few = np.zeros((len(values), len(schema.indicators)))
        for number, columns in enumerate(schema.indicators):
            is_indicator[columns] = True
            few[:, number] = codes_of_indicators(values[:, columns])
        parts = [values[:, ~is_indicator], values[:, is_indicator], few, many, words]
        widths = [part.shape[1] for part in parts]
        return cls(np.concatenate(parts, axis=1), FlatColumns(*widths))

    def take(self, rows: Array) -> Array:
        """Return some of the rows."""
        return self.inputs[rows]


@dataclass(frozen=True)
class FlatRows:
    """The flat inputs of a large table without its indicators, which are made of their codes.

    Attributes:
        columns: What the columns are, with the indicators.
        widths: How many indicators each column of codes of few categories has.
        kept: All columns but the indicators, float32 unless some are shares of words.
    """

    columns: FlatColumns
    widths: Sequence[int]
    kept: Array

    @classmethod
    def of(cls, prepared: Prepared, source: str, layout: FlatLayout) -> "FlatRows":
        """Flatten what networks read of a source, block by block."""
        inputs = prepared.inputs
        rows = inputs.rows_of(source)
        words = sum(len(text.words) for text in layout.sentences)
        widths = [end - first for first, end in layout.indicators]
        few = len(widths)
        many = len(layout.codes)
        kept: list[Array] = []
        for first in range(0, rows, BLOCK_ROWS):
            block = np.arange(first, min(first + BLOCK_ROWS, rows))
            flat = layout.flatten(inputs.take(source, block))
            numbers = flat.shape[1] - sum(widths) - few - many - words
            others = np.delete(flat, slice(numbers, numbers + sum(widths)), axis=1)
            kept.append(others if words else others.astype(np.float32))
        columns = FlatColumns(numbers, sum(widths), few, many, words)
        return cls(columns, widths, np.concatenate(kept))

    def take(self, rows: Array) -> Array:
        """Return some of the rows, float64 [rows, F]."""
        numbers = self.columns.numbers
        others = self.kept[rows].astype(np.float64)
        indicators = np.zeros((len(rows), self.columns.indicators))
        first = 0
        for number, width in enumerate(self.widths):
            codes = others[:, numbers + number].astype(np.int64)
            [coded] = codes.nonzero()
            indicators[coded, first + codes[coded] - 1] = 1.0
            first += width
        return np.concatenate([others[:, :numbers], indicators, others[:, numbers:]], axis=1)


def flat_table(prepared: Prepared, source: str) -> FlatTable | FlatRows:
    """Return the flat inputs of the rows of a source, of which rows can be taken.

    They are made at once unless they are large.
    """
    schema = prepared.schemas[source]
    train = prepared.fold.train[source]
    inputs = prepared.inputs
    layout = None
    if inputs.is_large(source):
        layout = layout_of(prepared, source)
    if layout is None:
        return FlatTable.of(schema, inputs[source], train)
    return FlatRows.of(prepared, source, layout)


def layout_of(prepared: Prepared, source: str) -> FlatLayout | None:
    """Return what the flat inputs of a table are made of; None where the source is no such table.

    Words are counted on the training rows.
    """
    schema = prepared.schemas[source]
    if not isinstance(schema, TableSchema) or schema.pictures:
        return None
    indicators = [(column.first, column.first + column.width) for column in schema.one_hot]
    ends = np.cumsum(schema.positions).tolist()
    codes = []
    spans = []
    for count, end in zip(schema.positions, ends, strict=True):
        if count == 1:
            codes.append(end - 1)
        else:
            spans.append((end - count, end))
    return FlatLayout(tuple(indicators), tuple(codes), _words_of_texts(prepared, source, spans))


def _words_of_texts(
    prepared: Prepared, source: str, spans: Sequence[tuple[int, int]]
) -> tuple[TextWords, ...]:
    """Return the frequent words of the columns of text whose codes have these spans."""
    if not spans:
        return ()
    train = prepared.fold.train[source]
    codes = prepared.inputs.take(source, train).categories
    assert codes is not None
    every_row = np.arange(len(codes))
    texts = []
    for first, end in spans:
        texts.append(TextWords((first, end), frequent_words(codes[:, first:end], every_row)))
    return tuple(texts)
