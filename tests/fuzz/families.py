"""Families of inputs, most of them bad: how one is drawn, and how the program reads it."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml
from hypothesis import strategies as st

from mtlsearch.data import load
from mtlsearch.search.objectives import directions
from mtlsearch.search.proposal import propose
from mtlsearch.space import load_space
from tests.fuzz.odd_values import YAML_SNIPPETS, values, words

TASKS = ["t1", "t2"]
ROWS = 40
NUMBERS = np.arange(ROWS)
TABLE = pd.DataFrame(
    {
        "a": NUMBERS % 7,
        "b": NUMBERS / 3,
        "c": np.where(NUMBERS % 3, "x", "y"),
        "t1": NUMBERS % 2,
        "t2": NUMBERS * 0.5,
    }
)
CARD = {
    "name": "rows",
    "sources": {"rows": {"path": "rows.csv", "ignore": ["c"], "columns": {"a": "number"}}},
    "tasks": {
        "t1": {"source": "rows", "target": "t1", "kind": "binary", "metric": "roc_auc"},
        "t2": {"source": "rows", "target": "t2", "kind": "regression", "weight": 2.0},
    },
    "split": {"seed": 1, "test": 0.2, "validation": 0.2},
}
SPACE = {
    "tree": {"levels": 2, "max_branches": 2},
    "backbone": {"name": "mlp", "width": 16, "dropout": {"uniform": [0.0, 0.2]}},
    "sharing": {"choice": [{"name": "none"}, {"name": "l2_sharing", "strength": 0.1}]},
    "weighting": {"name": "fixed"},
    "optimizer": {"learning_rate": {"log": [1e-3, 1e-2]}, "weight_decay": 0.01},
    "training": {"epochs": 3, "batch_size": 16, "patience": 2},
}


@dataclass(frozen=True)
class Family:
    """A kind of input.

    Attributes:
        file: The name of the file that holds one.
        contents: What is in it.
        read: Reads it as the program does, before anything is trained.
    """

    file: str
    contents: st.SearchStrategy[bytes]
    read: Callable[[Path], object]


def places(mapping: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all keys of nested mappings."""
    for key, value in mapping.items():
        yield (*before, key)
        if isinstance(value, dict):
            yield from places(value, (*before, key))


def changed(mapping: dict[str, Any], place: tuple[str, ...], value: object) -> dict[str, Any]:
    """The mapping with another value at a place."""
    first, *rest = place
    inner = changed(mapping[first], tuple(rest), value) if rest else value
    return {**mapping, first: inner}


def with_key(mapping: dict[str, Any], place: tuple[str, ...], key: str, value: object) -> Any:
    """The mapping with one more key beside the last of a place."""
    if len(place) == 1:
        return {**mapping, key: value}
    first, *rest = place
    return {**mapping, first: with_key(mapping[first], tuple(rest), key, value)}


@st.composite
def documents(draw: st.DrawFn, whole: dict[str, Any]) -> bytes:
    """YAML that is right but for one place, or for some characters."""
    place = draw(st.sampled_from(list(places(whole))))
    way = draw(st.sampled_from(["value", "snippet", "key", "text", "whole"]))
    if way == "value":
        return as_yaml(changed(whole, place, draw(values())))
    if way == "key":
        return as_yaml(with_key(whole, place, draw(words()), draw(values())))
    if way == "snippet":
        marked = as_yaml(changed(whole, place, "HERE")).decode()
        return marked.replace("HERE", draw(st.sampled_from(YAML_SNIPPETS)), 1).encode()
    if way == "whole":
        return as_yaml(draw(values()))
    return draw(damaged(as_yaml(whole)))


def as_yaml(value: object) -> bytes:
    """A document. Bytes that are no UTF-8 are left to `damaged`."""
    return yaml.safe_dump(value).encode("utf-8", "surrogatepass")


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file cut short, or with some bytes taken out, put in or said twice."""
    start = draw(st.integers(0, len(whole)))
    end = draw(st.integers(start, min(len(whole), start + 40)))
    inserted = draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"", whole[start:end] * 2])))
    if draw(st.booleans()):
        return whole[:start] + inserted
    return whole[:start] + inserted + whole[end:]


@st.composite
def separated_text(draw: st.DrawFn) -> bytes:
    """CSV with odd cells, columns or bytes."""
    table = TABLE.astype(object)
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, ROWS - 1))
        column = draw(st.integers(0, len(table.columns) - 1))
        cell = draw(st.one_of(words(), st.floats().map(str), st.just("1" * 400)))
        if draw(st.booleans()):
            table.iloc[:, column] = cell
        else:
            table.iloc[row, column] = cell
    names = list(table.columns)
    if draw(st.booleans()):
        names[draw(st.integers(0, 4))] = draw(words())
    text = table.set_axis(names, axis=1).to_csv(index=False).encode("utf-8", "surrogatepass")
    return draw(damaged(text)) if draw(st.booleans()) else text


ODD_ARRAYS = (
    np.zeros(ROWS, complex),
    np.zeros((ROWS, 0)),
    np.zeros((0, 3)),
    np.zeros(()),
    np.zeros((ROWS, 2, 2, 2, 2)),
    np.full(ROWS, np.nan),
    np.full(ROWS, np.inf),
    np.full(ROWS, 2**63, np.uint64),
    np.full(ROWS, b"bytes"),
    np.full(ROWS, "text"),
    np.zeros(ROWS, "datetime64[D]"),
    np.zeros(ROWS, "timedelta64[s]"),
    np.zeros(ROWS, [("x", "i4"), ("y", "f8")]),
    np.zeros(ROWS, np.float16),
    np.zeros(ROWS - 1),
)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """An npz of plain arrays, one of them odd, whole or damaged."""
    arrays = {name: TABLE[name].to_numpy() for name in ("a", "b", "t1", "t2")}
    for _ in range(draw(st.integers(1, 2))):
        name = draw(st.sampled_from([*arrays, "more"]))
        arrays[name] = draw(st.sampled_from(ODD_ARRAYS))
    file = io.BytesIO()
    np.savez(file, **arrays)
    whole = file.getvalue()
    return draw(damaged(whole)) if draw(st.booleans()) else whole


ODD_COLUMNS = (
    pa.array([b"bytes"] * ROWS),
    pa.array([[1, 2]] * ROWS),
    pa.array([{"x": 1}] * ROWS),
    pa.array([None] * ROWS),
    pa.array([float("inf")] * ROWS),
    pa.array([2**64 - 1] * ROWS, pa.uint64()),
    pa.array(["1" * 500] * ROWS),
    pa.array([10**30] * ROWS, pa.decimal128(38)),
    pa.array([0] * ROWS, pa.duration("s")),
    pa.array([0] * ROWS, pa.time32("s")),
    pa.array([0] * ROWS, pa.timestamp("us", tz="UTC")),
    pa.array(["a", "b"] * (ROWS // 2)).dictionary_encode(),
    pa.array([True] * ROWS),
)


@st.composite
def parquet_files(draw: st.DrawFn) -> bytes:
    """Parquet with an odd column, whole or damaged."""
    table = pa.Table.from_pandas(TABLE)
    for _ in range(draw(st.integers(1, 2))):
        column = draw(st.sampled_from(ODD_COLUMNS))
        name = draw(st.one_of(st.sampled_from(list(TABLE)), words()))
        if name in table.column_names:
            table = table.set_column(table.column_names.index(name), name, column)
        else:
            table = table.append_column(name, column)
    file = io.BytesIO()
    pa.parquet.write_table(table, file)
    whole = file.getvalue()
    return draw(damaged(whole)) if draw(st.booleans()) else whole


def read_card(path: Path) -> None:
    """Load the dataset of a card, whose table lies beside it."""
    TABLE.to_csv(path.with_name("rows.csv"), index=False)
    load(str(path))


def read_table(path: Path) -> None:
    """Load a table with its two tasks."""
    load(str(path), TASKS)


PENGUINS = load("penguins")


def read_space(path: Path) -> None:
    """Read a space, and draw a candidate from it."""
    space = load_space(str(path), len(PENGUINS.tasks))
    propose(space, "random", 0, [], directions(PENGUINS, space.cost))


FAMILIES = {
    "cards": Family("card.yaml", documents(CARD), read_card),
    "spaces": Family("space.yaml", documents(SPACE), read_space),
    "csv": Family("rows.csv", separated_text(), read_table),
    "npz": Family("rows.npz", archives(), read_table),
    "parquet": Family("rows.parquet", parquet_files(), read_table),
}
