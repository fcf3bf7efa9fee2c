"""Small synthetic problems, one for each kind of input, with tasks of numbers and of classes."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.columns import RawTable
from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import Card, SourceCard, TaskCard
from mtlsearch.data.dataset import Dataset

Columns = dict[str, Array | list[Array]]
Planter = Callable[[np.random.Generator, Array], Columns]  # of two hidden numbers [N, 2]

IMAGE = (2, 9, 8)  # channels, height, width
STEPS = 12  # at most, of a sequence or a text
SHORTEST = 4
VOCABULARY = 30
NAMES = 40  # more than are one-hot
WORDS = (
    ("fine", "good", "great"),
    ("bad", "poor", "sad"),
    ("long", "large", "wide"),
    ("short", "small", "thin"),
)
WORDS_OF_ANY = ["a", "film", "it", "plot", "scene", "this"]
CLASSES = np.array(["a", "b", "c"])
BOUNDARIES = (-0.6, 0.6)  # between the classes


def planted_arrays(
    kind: str,
    rows: int = 160,
    seed: int = 0,
) -> Dataset:
    """Return a problem of one source of this kind with the tasks `amount`, `high` and `group`.

    These are a number, one of two and one of three classes. All are functions of two numbers of
    each row, which show in its input.
    """
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, 2))
    columns = PLANTED[kind](rng, hidden)
    noise = rng.normal(size=rows)
    first, second = hidden.T
    codes = np.digitize(first + second, BOUNDARIES)
    columns["amount"] = 5 + 2 * first + 0.1 * noise
    is_high = second > 0
    columns["high"] = np.where(is_high, "yes", "no")
    columns["group"] = CLASSES[codes]

    tasks = {}
    for name in ("amount", "high", "group"):
        tasks[name] = TaskCard(source=kind, target=name)
    source = SourceCard(path="", input=kind)
    card = Card(
        name=f"planted {kind}",
        sources={kind: source},
        tasks=tasks,
    )
    table = pd.DataFrame(columns)
    return assemble(card, {kind: RawTable(table)}, kind)


def _images(rng: np.random.Generator, hidden: Array) -> Columns:
    """Make images of bytes that add up two patterns."""
    rows = len(hidden)
    patterns = rng.normal(size=(2, *IMAGE))
    signal = np.tensordot(hidden, patterns, 1)
    noise = rng.normal(size=(rows, *IMAGE))
    pixels = 128 + 20 * signal + 10 * noise
    clipped = pixels.clip(0, 255)
    images = clipped.astype(np.uint8)
    return {"image": list(images)}


def _sequences(rng: np.random.Generator, hidden: Array) -> Columns:
    """Make sequences of a sine and a cosine in two channels."""
    rows = len(hidden)
    steps = np.arange(STEPS)
    sine = np.sin(steps)
    cosine = np.cos(steps)
    waves = np.column_stack([sine, cosine])
    shape = (rows, STEPS, 2)
    noise = rng.normal(size=shape)
    signal = hidden[:, None] * waves
    values = signal + 0.2 * noise
    return {
        "signal": list(values),
        "lengths": _lengths(rng, rows),
    }


def _tokens(rng: np.random.Generator, hidden: Array) -> Columns:
    """Make texts of ids, each as likely as the row's two numbers make it; the last are rare."""
    rows = len(hidden)
    directions = rng.normal(size=(2, VOCABULARY))
    preferences = 1.5 * hidden @ directions
    rarity = np.linspace(0, 6, VOCABULARY)
    logits = preferences - rarity
    shape = (rows, STEPS, VOCABULARY)
    noise = rng.gumbel(size=shape)
    noisy = logits[:, None] + noise
    ids = noisy.argmax(2) + 1

    columns: Columns = {}
    for step in range(STEPS):
        columns[f"text_{step}"] = ids[:, step]
    columns["lengths"] = _lengths(rng, rows)
    return columns


def _table(rng: np.random.Generator, hidden: Array) -> Columns:
    """Make names and dates of the first number, words of the second, and another number."""
    rows = len(hidden)
    first, second = hidden.T
    rank = first.argsort().argsort()
    names = rank * NAMES // rows
    days = np.timedelta64(1, "D") * rank
    dates = np.datetime64("2024-01-01") + days
    return {
        "name": np.array([f"name {number}" for number in names], object),
        "day": dates.astype(str).astype(object),
        "text": _sentences(rng, second, WORDS[:2]),
        "number": second + rng.normal(size=rows),
    }


def _texts(rng: np.random.Generator, hidden: Array) -> Columns:
    """Make sentences of words that both numbers choose."""
    about_first, about_second = (
        _sentences(rng, values, words)
        for values, words in zip(hidden.T, (WORDS[2:], WORDS[:2]), strict=True)
    )
    return {"text": about_first + " and " + about_second}


def _sentences(rng: np.random.Generator, values: Array, words: Sequence[Sequence[str]]) -> Array:
    """Make sentences of words that stand for values above 0, of such for others, and of any."""
    above, below = words
    sentences = []
    for value in values:
        likely = above if value > 0 else below
        chosen = rng.choice(likely, 2).tolist() + rng.choice(WORDS_OF_ANY, 3).tolist()
        sentences.append(" ".join(rng.permutation(chosen)))
    return np.array(sentences, object)


def _lengths(rng: np.random.Generator, rows: int) -> Array:
    return rng.integers(SHORTEST, STEPS + 1, rows)


PLANTED: dict[str, Planter] = {
    "table": _table,
    "images": _images,
    "sequences": _sequences,
    "tokens": _tokens,
    "texts": _texts,
}
