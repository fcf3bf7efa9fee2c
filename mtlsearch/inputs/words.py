"""Texts as codes of words, counted for models that know tables only."""

import numpy as np

from mtlsearch.arrays import Array
from mtlsearch.runtime.flat_inputs import shares_of_words

MOST_COUNTED = 1000
"""The most frequent words that are counted."""


def frequent_words(codes: Array, train: Array) -> tuple[int, ...]:
    """Return the MOST_COUNTED words that the training rows have most often, first the first.

    `codes` are int [N, positions], of which 0 is none.
    """
    counts = np.bincount(codes[train].ravel())
    counts_of_words = counts[1:]
    by_frequency = np.argsort(-counts_of_words, kind="stable") + 1
    words: list[int] = by_frequency[:MOST_COUNTED].tolist()
    return tuple(words)


def frequent_shares(codes: Array, train: Array) -> Array:
    """Return how often each frequent word occurs, as a share of the text, float [N, words]."""
    return shares_of_words(codes, frequent_words(codes, train))
