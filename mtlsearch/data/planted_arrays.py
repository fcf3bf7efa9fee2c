"""Small synthetic problems of images, sequences and tokens, each with a task of every kind."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array
from mtlsearch.data.assembly import assemble
from mtlsearch.data.card import Card, SourceCard, TaskCard
from mtlsearch.data.dataset import Dataset
from mtlsearch.inputs.schema import InputKind

Columns = dict[str, Array | list[Array]]
STEPS, VOCABULARY = 12, 30


def planted_arrays(kind: InputKind, rows: int = 160, seed: int = 0) -> Dataset:
    """Return a problem of one source of this kind: a regression `amount`, a binary `high` and a multiclass `group`.

    All three are functions of two numbers of each row, which show in its input. Raises KeyError for a table.
    """
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(rows, 2))
    columns = PLANTED[kind](rng, hidden)
    columns["amount"] = 5 + 2 * hidden[:, 0] + 0.1 * rng.normal(size=rows)
    columns["high"] = np.where(hidden[:, 1] > 0, "yes", "no")
    columns["group"] = np.array(["a", "b", "c"])[np.digitize(hidden.sum(1), [-0.6, 0.6])]
    tasks = {name: TaskCard(source=kind, target=name) for name in ("amount", "high", "group")}
    card = Card(
        name=f"planted {kind}", sources={kind: SourceCard(path="", input=kind)}, tasks=tasks
    )
    return assemble(card, {kind: pd.DataFrame(columns)}, kind)


def _images(rng: np.random.Generator, hidden: Array) -> Columns:
    """Two patterns of two channels and 9 x 8 pixels, as bytes."""
    patterns = rng.normal(size=(2, 2, 9, 8))
    pixels = (
        128 + 20 * np.tensordot(hidden, patterns, 1) + 10 * rng.normal(size=(len(hidden), 2, 9, 8))
    )
    return {"image": list(pixels.clip(0, 255).astype(np.uint8))}


def _sequences(rng: np.random.Generator, hidden: Array) -> Columns:
    """A sine and a cosine in two channels of at most STEPS steps."""
    waves = np.stack([np.sin(np.arange(STEPS)), np.cos(np.arange(STEPS))], 1)
    steps = hidden[:, None, :] * waves + 0.2 * rng.normal(size=(len(hidden), STEPS, 2))
    return {"signal": list(steps), "lengths": rng.integers(4, STEPS + 1, len(hidden))}


def _tokens(rng: np.random.Generator, hidden: Array) -> Columns:
    """At most STEPS ids, each as likely as the row's two numbers make it; the last are rare."""
    liking = 1.5 * hidden @ rng.normal(size=(2, VOCABULARY)) - np.linspace(0, 6, VOCABULARY)
    drawn = (liking[:, None] + rng.gumbel(size=(len(hidden), STEPS, VOCABULARY))).argmax(2)
    columns: Columns = {f"text_{place}": drawn[:, place] + 1 for place in range(STEPS)}
    return columns | {"lengths": rng.integers(4, STEPS + 1, len(hidden))}


PLANTED: dict[InputKind, Callable[[np.random.Generator, Array], Columns]] = {
    "images": _images,
    "sequences": _sequences,
    "tokens": _tokens,
}
