"""The inputs of a table as numbers side by side, for models that know tables only.

Needs numpy only: an exported folder with such models holds a copy of this file.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .encoded_input import Array, EncodedInput

Span = tuple[int, int]
"""Where columns begin, and where they end."""


@dataclass(frozen=True)
class TextWords:
    """A column of text: the span of its codes, and the words of which it is said how frequent."""

    span: Span
    words: tuple[int, ...]


@dataclass(frozen=True)
class FlatLayout:
    """What the columns of a flat table are made of.

    In this order they are numbers, indicators, the codes that stand for these, further codes, and
    shares of words.

    Attributes:
        indicators: The spans of the values that are 0 or 1 for the categories of a column.
        codes: Which of the categories are codes of columns.
        sentences: The columns of text.
    """

    indicators: tuple[Span, ...] = ()
    codes: tuple[int, ...] = ()
    sentences: tuple[TextWords, ...] = ()

    def flatten(self, encoded: EncodedInput) -> Array:
        """Return the flat table, float64 [N, columns], of what a network reads of N rows."""
        rows = len(encoded.arrays[0])
        nothing = np.zeros((rows, 0))
        values = nothing if encoded.values is None else encoded.values
        codes = nothing if encoded.categories is None else encoded.categories
        is_indicator = np.zeros(values.shape[1], bool)
        few = []
        for first, end in self.indicators:
            is_indicator[first:end] = True
            few.append(codes_of_indicators(values[:, first:end])[:, None])
        words = []
        for text in self.sentences:
            first, end = text.span
            words.append(shares_of_words(codes[:, first:end], text.words))
        parts = [
            values[:, ~is_indicator],
            values[:, is_indicator],
            *few,
            codes[:, list(self.codes)],
            *words,
        ]
        return np.concatenate(parts, axis=1, dtype=np.float64)

    def to_record(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "FlatLayout":
        """Inverse of `to_record`, also of what JSON makes of it."""
        sentences = []
        for text in record["sentences"]:
            first, end = text["span"]
            sentences.append(TextWords((first, end), tuple(text["words"])))
        indicators = tuple((first, end) for first, end in record["indicators"])
        return cls(indicators, tuple(record["codes"]), tuple(sentences))


def codes_of_indicators(indicators: Array) -> Array:
    """Return the codes [N] that stand for indicators [N, C].

    A code is 0 where no indicator is 1, else the position of that one, counted from 1.
    """
    codes = indicators.argmax(axis=1) + 1
    return np.where(indicators.any(axis=1), codes, 0)


def shares_of_words(codes: Array, words: tuple[int, ...]) -> Array:
    """Return which share of a text each of some words is, float64 [N, words].

    `codes` are int [N, positions], of which 0 is none.
    """
    if not words:
        return np.zeros((len(codes), 0))
    occurrences = [(codes == word).sum(1) for word in words]
    lengths = (codes > 0).sum(1, keepdims=True)
    return np.asarray(np.stack(occurrences, 1) / np.maximum(lengths, 1))
