"""How each form of table column is fitted: one function a form."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

from mtlsearch.arrays import Array
from mtlsearch.columns import ColumnForm
from mtlsearch.runtime.cells import LARGEST_NUMBER
from mtlsearch.runtime.column_encodings import (
    CategoricalColumn,
    DateColumn,
    EmbeddedColumn,
    HashedColumn,
    ImageColumn,
    NumericColumn,
    TextColumn,
    calendar_numbers,
    calendar_phases,
    split_words,
)
from mtlsearch.runtime.dates import read_dates
from mtlsearch.runtime.pictures import CHANNELS
from mtlsearch.runtime.tokenized_text import TokenizedText, pieces, vocabulary_size

MOST_ONE_HOT = 32
"""Categories of a column that have an input each; beyond it a vector is learned for each."""

MINIMUM_COUNT = 2
"""Rows that a category or word must be in to have a vector of its own."""

MOST_WORDS = 20_000
"""The most frequent words of a column of text, which have a vector of their own."""

LONGEST_TEXT = 256
"""Words or pieces of a text that are read, where the user asks for nothing else."""

SHORTEST_PIECES = 4
"""Pieces of a text that there is room for: two special ones, and something between them."""

LARGEST_SIZE = 16
"""Numbers in the vector of a category or word, where the user asks for nothing else."""

PICTURE_SIZE = 32
"""Numbers in the vector of a picture, where the user asks for nothing else."""

OtherEncoding = (
    CategoricalColumn | EmbeddedColumn | HashedColumn | TextColumn | DateColumn | ImageColumn
)


@dataclass(frozen=True)
class FittingRows:
    """The numbers of the rows that are not test rows, and of the training rows among them.

    The former alone decide the schema, the latter alone every fitted number.
    """

    non_test: Array
    train: Array


def fit_numbers(inputs: pd.DataFrame, rows: FittingRows) -> dict[str, NumericColumn]:
    """Return the encodings of columns [N, columns] of numbers, float64 with NaN, by their names."""
    values = _known_numbers(inputs)
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    filled = imputer.fit_transform(values[rows.train])
    scaler = StandardScaler().fit(filled)
    varies = np.ptp(filled, axis=0) > 0
    varies &= np.isfinite(scaler.var_) & (scaler.var_ > 0)
    missing = np.isnan(values)
    indicator = np.asarray(missing[rows.non_test].any(axis=0))
    indicator_seen = np.asarray(missing[rows.train].any(axis=0))
    low = filled.min(axis=0)
    high = filled.max(axis=0)
    columns = {}
    for index, column in enumerate(inputs):
        name = str(column)
        columns[name] = NumericColumn(
            name=name,
            median=float(imputer.statistics_[index]),
            mean=float(scaler.mean_[index]),
            scale=float(scaler.scale_[index]),
            constant=not varies[index],
            indicator=bool(indicator[index]),
            indicator_seen=bool(indicator_seen[index]),
            low=float(low[index]),
            high=float(high[index]),
        )
    return columns


def columns_on_a_scale(inputs: pd.DataFrame, rows: FittingRows) -> set[str]:
    """Return the columns of numbers [N, columns] in which there are more than two."""
    values = _known_numbers(inputs.iloc[rows.non_test])
    names = set()
    for index, column in enumerate(inputs):
        numbers = values[:, index]
        known = numbers[~np.isnan(numbers)]
        if not len(known):
            continue
        is_outermost = (known == known.min()) | (known == known.max())
        if not is_outermost.all():
            names.add(str(column))
    return names


def _known_numbers(inputs: pd.DataFrame) -> Array:
    """Return columns of numbers as float64 [N, columns], NaN where one is missing."""
    values = inputs.to_numpy(np.float64)
    is_finite = np.abs(values) < LARGEST_NUMBER
    return np.where(is_finite, values, np.nan)


def fit_other(name: str, cells: Array, form: ColumnForm, rows: FittingRows) -> OtherEncoding:
    """Return the encoding of a column [N] of text or of pictures, None where one is missing."""
    fit = _FITTERS[form.type]
    return fit(name, cells, form, rows)


def fit_text(name: str, cells: Array, form: ColumnForm, rows: FittingRows) -> TextColumn:
    """Return an encoding of the words of texts [N]."""
    words_of_rows = {}
    for row in rows.non_test:
        if cells[row] is not None:
            words_of_rows[row] = split_words(cells[row])
    counts = Counter(word for words in words_of_rows.values() for word in set(words))
    words = _frequent(counts, form.minimum_count, MOST_WORDS)
    trained: set[str] = set()
    for row in rows.train:
        trained.update(words_of_rows.get(row, ()))
    lengths = [len(words) for words in words_of_rows.values()]
    longest = max(lengths, default=1)
    length = min(max(longest, 2), form.max_length or LONGEST_TEXT)
    return TextColumn(
        name=name,
        words=words,
        seen=[word in trained for word in words],
        length=length,
        size=form.embedding or LARGEST_SIZE,
        rare=len(counts) - len(words),
        cut=sum(words > length for words in lengths),
    )


def fit_tokenizer(name: str, cells: Array, form: ColumnForm, non_test: Array) -> TokenizedText:
    """Return an encoding of the pieces of texts [N], whose form has a tokenizer."""
    assert form.tokenizer is not None
    texts = [cells[row] for row in non_test if cells[row] is not None]
    lengths = [len(ids) for ids in pieces(form.tokenizer, texts)]
    longest = max(lengths, default=1)
    length = min(max(longest, SHORTEST_PIECES), form.max_length or LONGEST_TEXT)
    return TokenizedText(
        name=name,
        tokenizer=form.tokenizer,
        length=length,
        vocabulary=vocabulary_size(form.tokenizer),
        cut=sum(pieces_of_text > length for pieces_of_text in lengths),
    )


def embedding_size(categories: int) -> int:
    """Return how many numbers the vector of each of so many categories has.

    This is the rule of fastai, 1.6 times the number to the power of .56, up to LARGEST_SIZE.
    """
    size = round(1.6 * math.pow(categories, 0.56))
    return min(max(size, 1), LARGEST_SIZE)


def _fit_category(
    name: str, cells: Array, form: ColumnForm, rows: FittingRows
) -> CategoricalColumn | EmbeddedColumn | HashedColumn:
    if form.buckets is not None:
        size = form.embedding or embedding_size(form.buckets)
        return HashedColumn(name, form.buckets, size)
    counts = Counter(cell for cell in cells[rows.non_test] if cell is not None)
    trained = set(cells[rows.train])
    if form.embedding is None and len(counts) <= MOST_ONE_HOT:
        categories = sorted(counts)
        seen = tuple(category in trained for category in categories)
        return CategoricalColumn(name, tuple(categories), seen)
    categories = _frequent(counts, form.minimum_count)
    return EmbeddedColumn(
        name=name,
        categories=categories,
        seen=[category in trained for category in categories],
        size=form.embedding or embedding_size(len(categories)),
        rare=len(counts) - len(categories),
    )


def _fit_date(name: str, cells: Array, form: ColumnForm, rows: FittingRows) -> DateColumn:
    instants = read_dates(cells, form.day_first)
    missing = np.isnat(instants)
    known = instants[rows.non_test]
    known = known[~np.isnat(known)]
    [_, _, time_of_day] = calendar_phases(known, hours=True)
    trained = instants[rows.train]
    trained = trained[~np.isnat(trained)]
    numbers = calendar_numbers(trained)
    return DateColumn(
        name=name,
        day_first=form.day_first,
        hours=bool(time_of_day.any()),
        mean=[float(values.mean()) if len(values) else 0.0 for values in numbers],
        scale=[float(values.std()) if len(values) else 0.0 for values in numbers],
        indicator=bool(missing[rows.non_test].any()),
        indicator_seen=bool(missing[rows.train].any()),
    )


def _fit_image(name: str, cells: Array, form: ColumnForm, rows: FittingRows) -> ImageColumn:
    missing = np.array([picture is None for picture in cells])
    trained = rows.train[~missing[rows.train]]
    mean = np.zeros(CHANNELS)
    scale = np.zeros(CHANNELS)
    if len(trained):
        # Sums of whole numbers are exact, so a constant channel has a spread of exactly 0.
        total = np.zeros(CHANNELS, np.int64)
        squares = np.zeros(CHANNELS, np.int64)
        for row in trained:
            pixels = cells[row].astype(np.int64)
            total += pixels.sum((1, 2))
            squares += np.square(pixels).sum((1, 2))
        count = len(trained) * form.size**2
        mean = total / count
        variance = squares / count - np.square(mean)
        scale = np.sqrt(variance.clip(min=0))
    return ImageColumn(
        name=name,
        pixels=form.size,
        size=form.embedding or PICTURE_SIZE,
        mean=mean.tolist(),
        scale=scale.tolist(),
        indicator=bool(missing[rows.non_test].any()),
        indicator_seen=bool(missing[rows.train].any()),
    )


def _frequent(counts: Counter[str], minimum: int | None, most: int | None = None) -> list[str]:
    """Return the names that are counted often enough, at most so many, in alphabetical order."""
    least = MINIMUM_COUNT if minimum is None else minimum
    by_frequency = sorted(counts, key=lambda name: (-counts[name], name))
    frequent = [name for name in by_frequency[:most] if counts[name] >= least]
    return sorted(frequent)


Fitter = Callable[[str, Array, ColumnForm, FittingRows], OtherEncoding]

_FITTERS: dict[str, Fitter] = {
    "category": _fit_category,
    "text": fit_text,
    "date": _fit_date,
    "image": _fit_image,
}
