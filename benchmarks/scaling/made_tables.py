"""Large tables, made: mixed columns or numbers alone, and three tasks that hang on them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mtlsearch.arrays import Array

CARDINALITIES = (
    *(2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8, 8, 9, 10, 10, 12, 12, 14, 15, 16, 18, 20, 24, 28, 32),
    *(48, 64, 200, 500, 2_000),
)
"""How many categories the columns of a mixed table have."""

NUMBERS = 9
"""Columns of numbers in a mixed table."""

COLUMNS = 20
"""Columns of a table of numbers."""

TASKS = ("sold:binary", "price:regression", "days:regression")


def mixed(rows: int) -> pd.DataFrame:
    """Return a table of 31 columns of categories and 9 of numbers, and three targets."""
    rng = np.random.default_rng(0)
    columns: dict[str, Array] = {}
    effects = np.zeros((rows, len(TASKS)))
    for number, categories in enumerate(CARDINALITIES):
        weights = rng.dirichlet(np.full(categories, 3.0))
        codes = rng.choice(categories, size=rows, p=weights)
        names = np.array([f"c{number}v{code}" for code in range(categories)], dtype=object)
        columns[f"c{number}"] = names[codes]
        effects += rng.standard_normal((categories, len(TASKS)))[codes]
    numbers = rng.standard_normal((rows, NUMBERS)).astype(np.float32)
    for number, column in enumerate(numbers.T):
        columns[f"n{number}"] = column
    effects += numbers @ rng.standard_normal((NUMBERS, len(TASKS)))
    return pd.DataFrame(columns | _targets(effects, rng))


def numeric(rows: int) -> pd.DataFrame:
    """Return a table of 20 columns of numbers, and three targets."""
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((rows, COLUMNS), dtype=np.float32)
    columns: dict[str, Array] = {}
    for number, column in enumerate(numbers.T):
        columns[f"n{number}"] = column
    effects = numbers @ rng.standard_normal((COLUMNS, len(TASKS)))
    return pd.DataFrame(columns | _targets(effects, rng))


def _targets(effects: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Return the targets of three tasks [N] that effects [N, 3] have, with noise."""
    scaled = effects / effects.std(axis=0)
    noisy = scaled + rng.standard_normal(effects.shape)
    return {
        "sold": (noisy[:, 0] > 0).astype(np.int8),
        "price": noisy[:, 1].astype(np.float32),
        "days": noisy[:, 2].astype(np.float32),
    }


TABLES: dict[str, Callable[[int], pd.DataFrame]] = {"mixed": mixed, "numeric": numeric}


def write(name: str, rows: int, folder: Path) -> Path:
    """Write a table as Parquet, unless it is there, and return its path."""
    path = folder / f"{name}-{rows}.parquet"
    if not path.exists():
        TABLES[name](rows).to_parquet(path, index=False)
    return path
