"""The inputs of a source as one flat table, for models that know tables only."""

from dataclasses import dataclass

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.inputs import InputSchema
from mtlsearch.runtime.encoded_input import EncodedInput
from mtlsearch.runtime.flat_inputs import codes_of_indicators


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
