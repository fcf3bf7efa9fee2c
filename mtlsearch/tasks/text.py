"""Text that names no classes: paths of files, and sentences."""

import re
from collections.abc import Sequence

import numpy as np

FILE = re.compile(r".*[^\s.]\.[A-Za-z][A-Za-z0-9]{1,4}")
MOSTLY = 0.5  # share of the values that must look like files
SENTENCE_WORDS = 3  # words of a value on average, from which on it may be a sentence
SENTENCE_REPEATS = 10  # rows of a value on average, below which it is


def looks_like_files(names: Sequence[str]) -> bool:
    """Tell whether most of the values end in the suffix of a file.

    >>> looks_like_files(["cat.png", "dogs/7.jpeg", "unknown"])
    True
    >>> looks_like_files(["v1.2", "St. Louis", "0.5"])
    False
    """
    matches = [bool(FILE.fullmatch(name)) for name in names]
    return float(np.mean(matches)) > MOSTLY


def looks_like_sentences(names: Sequence[str], labelled: int) -> bool:
    """Tell whether values have three words or more on average and hardly ever come again.

    Args:
        names: The distinct values.
        labelled: The number of rows that hold them.
    """
    words = [len(name.split()) for name in names]
    rows_per_value = labelled / len(names)
    return float(np.mean(words)) >= SENTENCE_WORDS and rows_per_value < SENTENCE_REPEATS
