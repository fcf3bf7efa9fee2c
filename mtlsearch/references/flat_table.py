"""The inputs of a source as one flat table, for models that know tables only."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.data import Prepared
from mtlsearch.data.encoded_sources import EncodedSources
from mtlsearch.inputs import InputSchema, TableSchema
from mtlsearch.inputs.words import frequent_words
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.flat_inputs import FlatLayout, TextWords, codes_of_indicators


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
    """The flat inputs of a large table: rows are made when they are asked for, and not kept.

    Attributes:
        columns: What the columns are.
        layout: What they are made of.
        inputs: What networks read of the sources.
        source: The name of the source.
    """

    columns: FlatColumns
    layout: FlatLayout
    inputs: EncodedSources
    source: str

    def take(self, rows: Array) -> Array:
        """Return some of the rows, [rows, F]."""
        return self.layout.flatten(self.inputs.take(self.source, rows))


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
    first = FlatTable.of(schema, inputs.take(source, train[:1]), np.arange(1))
    columns = replace(first.columns, words=sum(len(text.words) for text in layout.sentences))
    return FlatRows(columns, layout, inputs, source)


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
