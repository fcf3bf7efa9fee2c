"""Texts as codes of words, counted for models that know tables only."""

import numpy as np

from mtlsearch.arrays import Array

MOST_COUNTED = 1000
"""The most frequent words that are counted."""


def frequent_shares(codes: Array, train: Array) -> Array:
    """Return how often each frequent word occurs, as a share of the text, float [N, words].

    `codes` are int [N, positions], of which 0 is none. The MOST_COUNTED words that the training
    rows have most often are counted.
    """
    counts = np.bincount(codes[train].ravel())
    counts_of_words = counts[1:]
    by_frequency = np.argsort(-counts_of_words, kind="stable") + 1
    occurrences = []
    for word in by_frequency[:MOST_COUNTED]:
        occurrences.append((codes == word).sum(1))
    lengths = (codes > 0).sum(1, keepdims=True)
    if not occurrences:
        return np.zeros((len(codes), 0))
    shares = np.stack(occurrences, 1) / np.maximum(lengths, 1)
    return np.asarray(shares)
