"""Predicts with this model: `python predict.py INPUT [--source NAME] [--to out.csv]`, or `load()` and `predict(rows)`.

INPUT is a CSV or .npz file. Needs torch, numpy and safetensors only. Cells that are empty are missing values; columns the
model does not use are ignored.
Exit codes: 0 ok, 2 usage, 3 the table cannot be used.
"""

import argparse
import csv
import importlib.util
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
ROWS_AT_ONCE = 8192
Table = Mapping[str, Any]  # the cells of each column, or an array [N, ...]


class TableError(ValueError):
    """The table cannot be predicted; the message is one line."""


class Predictor:
    """The network, and how cells become its inputs and its outputs become predictions."""

    def __init__(self, folder: Path = HERE) -> None:
        fitted = json.loads((folder / "preprocess.json").read_text("utf-8"))
        self.sources: dict[str, list[dict[str, Any]]] = fitted["sources"]
        self.tasks: dict[str, dict[str, Any]] = fitted["tasks"]
        self.preprocess = _sibling(folder, "preprocess")
        self.network: torch.nn.Module = _sibling(folder, "model").Model()
        self.network.load_state_dict(load_file(folder / "weights.safetensors"))
        self.network.eval()
        self.notices: list[str] = []  # what was odd about the table predicted last

    def choose_source(self, columns: Iterable[str]) -> str:
        """Return the only source, or the only one whose columns are all there. Raises TableError."""
        there = set(columns)
        whole = [name for name in self.sources if not self.missing(name, there)]
        fitting = list(self.sources) if len(self.sources) == 1 else whole
        if len(fitting) != 1:
            raise TableError(
                f"which source is this? Name one of: {', '.join(map(_one_line, self.sources))}"
            )
        return fitting[0]

    def missing(self, source: str, columns: Iterable[str]) -> list[str]:
        """Return the names of the source's input columns that are not among these."""
        there = set(columns)
        records = [
            column if "names" in column else {"names": [column["name"]]}
            for column in self.sources[source]
        ]
        needed = [name for record in records for name in (*record["names"], record.get("lengths"))]
        return [name for name in needed if name is not None and name not in there]

    @torch.no_grad()
    def predict(self, table: Table, source: str | None = None) -> dict[str, list[Any]]:
        """Return the output columns for the tasks of a source. Raises TableError if an input column is missing."""
        source = self.choose_source(table) if source is None else source
        if source not in self.sources:
            raise TableError(
                f"unknown source {source!r}; known: {', '.join(map(_one_line, self.sources))}"
            )
        if lacking := self.missing(source, table):
            raise TableError(f"missing columns: {', '.join(map(_one_line, lacking))}")
        try:
            inputs, self.notices = self.preprocess.encode(self.sources[source], table)
        except ValueError as error:
            raise TableError(_one_line(error)) from error
        chunks = [
            inputs[start : start + ROWS_AT_ONCE]
            for start in range(0, max(len(inputs), 1), ROWS_AT_ONCE)
        ]
        parts = [self.network({source: torch.from_numpy(chunk)}) for chunk in chunks]
        result: dict[str, list[Any]] = {}
        for name, task in self.tasks.items():
            if task["source"] == source:
                raw = np.concatenate([part[name].numpy() for part in parts])
                for column, cells in self.preprocess.output_columns(
                    name, task, self.preprocess.decode(task, raw)
                ):
                    result[_unused(column, result)] = cells
        return result


@cache
def load(folder: Path = HERE) -> Predictor:
    """Return the model of a folder, this one by default; read once."""
    return Predictor(folder)


def predict(
    rows: Sequence[Mapping[str, object]], source: str | None = None
) -> list[dict[str, Any]]:
    """Predict rows (column name -> cell; None, "" and NaN are missing): one dictionary of output columns per row."""
    names = dict.fromkeys(name for row in rows for name in row)
    result = (
        load().predict({name: [row.get(name) for row in rows] for name in names}, source)
        if rows
        else {}
    )
    return [dict(zip(result, cells, strict=True)) for cells in zip(*result.values(), strict=True)]


def read_csv(path: Path) -> dict[str, list[str]]:
    """Return the cells of each column of a UTF-8 CSV file with a header. Raises TableError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"cannot be read: {_one_line(error)}") from error
    header = rows[0][1] if rows else []
    if not header or len(set(header)) < len(header):
        raise TableError("needs a header row of distinct column names")
    for number, row in rows:
        if len(row) != len(header):
            raise TableError(f"record {number} has {len(row)} cells, the header has {len(header)}")
    return {name: [row[index] for _, row in rows[1:]] for index, name in enumerate(header)}


def read_npz(path: Path) -> dict[str, Any]:
    """Return the arrays of an .npz file: of one axis a column, of two the columns NAME_0, NAME_1, ... Raises TableError."""
    table: dict[str, Any] = {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            for name, array in ((name, np.atleast_1d(archive[name])) for name in archive.files):
                columns = (
                    {f"{name}_{index}": array[:, index] for index in range(array.shape[1])}
                    if array.ndim == 2
                    else {}
                )
                table |= {key: column.tolist() for key, column in columns.items()} or {
                    name: array if array.ndim > 2 else array.tolist()
                }
    except Exception as error:  # numpy raises many kinds for what is no such file
        raise TableError(f"cannot be read: {_one_line(error)}") from error
    if len({len(cells) for cells in table.values()}) != 1:
        raise TableError("needs arrays of the same number of rows")
    return table


def write_csv(result: Mapping[str, Sequence[object]], path: Path | None) -> None:
    """Write columns as CSV to a file, or to standard output. Raises TableError if the file cannot be written."""
    try:
        with (
            nullcontext(sys.stdout)
            if path is None
            else path.open("w", encoding="utf-8", newline="") as file
        ):
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(result)
            lines.writerows(zip(*result.values(), strict=True))
    except OSError as error:
        raise TableError(f"the predictions cannot be written: {_one_line(error)}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = argparse.ArgumentParser(description="Predict the rows of a CSV or .npz file.")
    parser.add_argument("input", type=Path, help="CSV file with a header row, or .npz file")
    parser.add_argument("--source", help="which of the model's sources the table is")
    parser.add_argument("--to", type=Path, help="CSV file to write (default: standard output)")
    options = parser.parse_args(arguments)
    model = load()
    if options.source is not None and options.source not in model.sources:
        parser.error(
            f"--source: {options.source!r} is unknown; known: {', '.join(map(_one_line, model.sources))}"
        )
    try:
        table = (read_npz if options.input.suffix.lower() == ".npz" else read_csv)(options.input)
        write_csv(model.predict(table, options.source), options.to)
    except TableError as error:
        print(f"{options.input}: {error}", file=sys.stderr)
        return 3
    for notice in model.notices:
        print(f"{options.input}: {notice}", file=sys.stderr)
    return 0


def _sibling(folder: Path, name: str) -> ModuleType:
    """Import a file of the folder under a name of its own, so that several exported models can be loaded side by side."""
    spec = importlib.util.spec_from_file_location(f"{folder.name}_{name}", folder / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{folder / name}.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _unused(column: str, taken: Iterable[str]) -> str:
    while column in taken:
        column += "_"
    return column


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


if __name__ == "__main__":
    sys.exit(main())
