"""Predicts with this model: `python predict.py INPUT [--source NAME] [--to out.csv]`.

From Python: `predict(rows)`.

INPUT is a CSV or .npz file. Needs what `requirements.txt` lists only. Cells are read as in the
search (`cells.py`); columns that the model does not use are ignored. Exit codes: 0 ok, 2 usage, 3
the table cannot be used.
"""

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

# Else MKL's last bits depend on where in memory a number lies; it is read before torch's first use.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

import numpy as np
import torch
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
ROWS_AT_ONCE = 8192
NUMBERS_AT_ONCE = 2**24
"""The most numbers of a tensor that the network reads at once: fewer rows of large pictures."""

Table = Mapping[str, Any]
"""The cells of each column, or an array [N, ...] under its name."""

Result = dict[str, list[Any]]
"""The cells of each output column."""

Tasks = dict[str, dict[str, Any]]
"""The record of each task."""

Tensors = tuple[torch.Tensor, ...]
"""What the network reads of N rows of a source, each [N, ...]; [S, N, ...] for S networks."""

NETWORKS = "networks"
"""The key of `preprocess.json` that lists a record for each network, if there are several."""


class TableError(ValueError):
    """The table cannot be predicted; the message is one line."""


class Preparation:
    """How the inputs of one network are encoded and its outputs are decoded."""

    def __init__(self, fitted: Mapping[str, Any], package: str) -> None:
        self.encoding = import_module(f"{package}.encoding")
        self.sources: dict[str, list[Any]] = {}
        for name, records in fitted["sources"].items():
            encodings = map(self.encoding.from_record, records)
            self.sources[name] = list(encodings)
        self.spellings = _spellings(fitted, package)
        decoder = import_module(f"{package}.decoding").OutputDecoder
        self.tasks: Tasks = fitted["tasks"]
        self.decoders = {}
        for name, task in self.tasks.items():
            self.decoders[name] = decoder.from_json(task)

    def encode(self, source: str, columns: Mapping[str, Any]) -> tuple[Any, list[str]]:
        """Return the `EncodedInput` of columns, and notices."""
        encodings = self.sources[source]
        encoded, notices = self.encoding.encode_with_notices(encodings, columns)
        return encoded, notices


class Predictor:
    """The network, the encodings of its inputs and the decoders of its outputs.

    If it is an ensemble of S networks, each has its own, in `preparations`; the other attributes
    are those of the first.

    `notices` says what was odd about the table that was predicted last.
    """

    def __init__(self, folder: Path = HERE) -> None:
        fitted = json.loads((folder / "preprocess.json").read_text("utf-8"))
        package = _as_package(folder)
        records = fitted.get(NETWORKS, [fitted])
        self.preparations = [Preparation(record, package) for record in records]
        first = self.preparations[0]
        self.encoding = first.encoding
        self.sources = first.sources
        self.spellings = first.spellings
        self.tasks = first.tasks
        self.decoders = first.decoders
        model = import_module(f"{package}.model").Model()
        self.network = _with_weights(model, folder)
        self.references = _references(folder, package)
        self.notices: list[str] = []

    def choose_source(self, columns: Iterable[str]) -> str:
        """Return the only source, or the only one whose columns are all there.

        Raises TableError if there is none, or several.
        """
        if len(self.sources) == 1:
            return next(iter(self.sources))
        present = set(columns)
        fitting = []
        for name in self.sources:
            if not self.missing(name, present):
                fitting.append(name)
        if len(fitting) != 1:
            raise TableError(f"which source is this? Name one of: {_listed(self.sources)}")
        return fitting[0]

    def missing(self, source: str, columns: Iterable[str]) -> list[str]:
        """Return the names of the source's input columns that are not among these."""
        present = set(columns)
        needed = self.encoding.columns_of(self.sources[source])
        return [name for name in needed if name not in present]

    def encode(self, source: str, table: Table, folder: Path = Path()) -> Tensors:
        """Return the tensors [N, ...] that the network reads of a table. Raises TableError.

        For S networks they are [S, N, ...].
        """
        return _tensors(self.read(source, table, folder))

    def read(self, source: str, table: Table, folder: Path = Path()) -> list[Any]:
        """Return the `EncodedInput` of a table for each network. Raises TableError."""
        if source not in self.sources:
            raise TableError(f"unknown source {source!r}; known: {_listed(self.sources)}")
        if missing := self.missing(source, table):
            raise TableError(f"missing columns: {_listed(missing)}")
        spellings = self.spellings.get(source)
        read = self.encoding.read_columns
        encoded = []
        notices = []
        try:
            columns, self.notices = read(self.sources[source], table, spellings, folder)
            for preparation in self.preparations:
                encoded_for_one, notices_of_one = preparation.encode(source, columns)
                encoded.append(encoded_for_one)
                notices.append(notices_of_one)
        except (self.encoding.ShapeError, ImportError) as error:  # a package may be missing
            raise TableError(_one_line(error)) from error
        self.notices += _merged(notices)
        return encoded

    @torch.no_grad()
    def predict(
        self,
        table: Table,
        source: str | None = None,
        folder: Path = Path(),
    ) -> Result:
        """Return the output columns for the tasks of a source.

        Paths of pictures begin at `folder`. Raises TableError if an input column is missing or has
        another shape.
        """
        if source is None:
            source = self.choose_source(table)
        encoded = self.read(source, table, folder)
        outputs = self._run(source, _tensors(encoded))
        result: Result = {}
        for name, task in self.tasks.items():
            if task["source"] != source:
                continue
            if name in self.references:
                predictions = _mean_prediction(self.references[name], encoded)
            else:
                predictions = self._decode(name, outputs[name])
            columns = self.decoders[name].to_columns(name, predictions)
            for column, cells in columns.items():
                unused = _unused(column, result)
                result[unused] = cells
                if unused != column:
                    self.notices.append(
                        f"task {name}: its column {column!r} is called {unused!r}, "
                        "since another task has a column of that name"
                    )
        return result

    def _run(self, source: str, tensors: Tensors) -> dict[str, Any]:
        """Return the network's outputs for each task, computed for some rows at once.

        They are [N, C], or [N, k, C] of an ensemble of k members; of S networks with an axis S in
        front.
        """
        parts: dict[str, list[Any]] = {}
        rows_axis = min(len(self.preparations) - 1, 1)
        rows = tensors[0].shape[rows_axis]
        rows_at_once = _rows_at_once(tensors, rows_axis)
        for start in range(0, max(rows, 1), rows_at_once):
            count = min(rows_at_once, rows - start)
            chunks = tuple(tensor.narrow(rows_axis, start, count) for tensor in tensors)
            inputs = chunks[0] if len(chunks) == 1 else chunks
            outputs = self.network({source: inputs})
            for name, output in outputs.items():
                parts.setdefault(name, []).append(output.numpy())
        return {name: np.concatenate(arrays, rows_axis) for name, arrays in parts.items()}

    def _decode(self, task: str, outputs: Any) -> Any:
        """Return the predictions of N rows: the mean of those of the networks if several."""
        if len(self.preparations) == 1:
            return self.decoders[task].rows_to_predictions(outputs)
        predictions = []
        for preparation, outputs_of_one in zip(self.preparations, outputs, strict=True):
            decoder = preparation.decoders[task]
            predictions.append(decoder.rows_to_predictions(outputs_of_one))
        return np.mean(predictions, axis=0)


@cache
def load(folder: Path = HERE) -> Predictor:
    """Return the model of a folder, this one by default; read once."""
    return Predictor(folder)


def predict(
    rows: Sequence[Mapping[str, object]],
    source: str | None = None,
    folder: Path = Path(),
) -> list[dict[str, Any]]:
    """Predict rows, each a mapping of column names to cells; None, "" and NaN are missing.

    Paths of pictures begin at `folder`, by default the working directory. Returns one dictionary of
    output columns per row.
    """
    if not rows:
        return []
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    table = {}
    for name in names:
        table[name] = [row.get(name) for row in rows]
    result = load().predict(table, source, folder)
    predictions = []
    for cells in zip(*result.values(), strict=True):
        named = zip(result, cells, strict=True)
        predictions.append(dict(named))
    return predictions


def read_csv(path: Path) -> tuple[Table, list[str]]:
    """Return the cells of each column of a CSV file with a header, and notices.

    Raises TableError.
    """
    csv_file = import_module(f"{_as_package(HERE)}.csv_file")
    try:
        table, notices = csv_file.read_csv(path)
    except csv_file.CsvError as error:
        raise TableError(_one_line(error)) from error
    except OSError as error:
        raise TableError(f"cannot be read: {_one_line(error)}") from error
    return table, notices


def read_npz(path: Path) -> tuple[Table, list[str]]:
    """Return the arrays of an .npz file, and no notices. Raises TableError.

    An array of two axes is split into the columns NAME_0, NAME_1, ...
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy raises many kinds for what is no such file
        raise TableError(f"cannot be read: {_one_line(error)}") from error
    table: dict[str, Any] = {}
    for name, array in arrays.items():
        if array.ndim == 2 and array.shape[1]:
            for index, column in enumerate(array.T):
                table[f"{name}_{index}"] = column
        else:
            table[name] = np.atleast_1d(array)
    counts = {len(cells) for cells in table.values()}
    if len(counts) != 1:
        raise TableError("needs arrays of the same number of rows")
    return table, []


def write_csv(result: Result, path: Path | None) -> None:
    """Write columns as CSV to a file, or to standard output.

    Raises TableError if the file cannot be written.
    """
    try:
        if path is None:
            opened: Any = nullcontext(sys.stdout)
        else:
            opened = path.open("w", encoding="utf-8", newline="")
        with opened as file:
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
    parser.add_argument(
        "--folder",
        type=Path,
        help="where paths of pictures begin (default: the folder of the input file)",
    )
    parser.add_argument("--to", type=Path, help="CSV file to write (default: standard output)")
    options = parser.parse_args(arguments)
    model = load()
    if options.source is not None and options.source not in model.sources:
        parser.error(f"--source: {options.source!r} is unknown; known: {_listed(model.sources)}")
    is_npz = options.input.suffix.lower() == ".npz"
    read = read_npz if is_npz else read_csv
    try:
        table, notices = read(options.input)
        folder = options.folder or options.input.parent
        result = model.predict(table, options.source, folder)
        write_csv(result, options.to)
    except TableError as error:
        print(f"{options.input}: {error}", file=sys.stderr)
        return 3
    for notice in [*notices, *model.notices]:
        print(f"{options.input}: {notice}", file=sys.stderr)
    return 0


def _spellings(fitted: Mapping[str, Any], package: str) -> dict[str, dict[str, Any]]:
    """Return how columns that are not plain are spelled, by source and name."""
    spelling = import_module(f"{package}.cells").Spelling
    spellings = {}
    for source, records in fitted.get("spellings", {}).items():
        spellings[source] = {name: spelling(**record) for name, record in records.items()}
    return spellings


def _references(folder: Path, package: str) -> dict[str, Any]:
    """Return by task the ready-made models, one for each network, that predict it instead."""
    if not (folder / "reference_models.py").is_file():
        return {}
    models: dict[str, Any] = import_module(f"{package}.reference_models").load_references(folder)
    return models


def _tensors(encoded: Sequence[Any]) -> Tensors:
    """Return what the network reads; of several encodings [N, ...] a stack [S, N, ...]."""
    tensors = []
    for arrays in zip(*(encoding.arrays for encoding in encoded), strict=True):
        parts = [torch.from_numpy(array) for array in arrays]
        tensors.append(parts[0] if len(parts) == 1 else torch.stack(parts))
    return tuple(tensors)


def _mean_prediction(models: Sequence[Any], encoded: Sequence[Any]) -> Any:
    """Return the mean prediction of ready-made models, each of its own encoding of N rows."""
    predictions = []
    for model, encoded_for_one in zip(models, encoded, strict=True):
        predictions.append(model.predict(encoded_for_one))
    return np.mean(predictions, axis=0)


def _with_weights(network: torch.nn.Module, folder: Path) -> torch.nn.Module:
    weights = load_file(folder / "weights.safetensors")
    network.load_state_dict(weights)
    return network.eval()


def _rows_at_once(tensors: Tensors, rows_axis: int) -> int:
    largest = 0
    for tensor in tensors:
        rows = max(tensor.shape[rows_axis], 1)
        largest = max(largest, tensor.numel() // rows)
    rows_at_once = NUMBERS_AT_ONCE // max(largest, 1)
    return min(max(rows_at_once, 1), ROWS_AT_ONCE)


def _merged(notices: Sequence[Sequence[str]]) -> list[str]:
    """Return the notices of all networks, each once; of some of them with their numbers."""
    networks: dict[str, list[int]] = {}
    for number, notices_of_one in enumerate(notices, start=1):
        for notice in notices_of_one:
            networks.setdefault(notice, []).append(number)
    merged = []
    for notice, numbers in networks.items():
        is_common = len(numbers) == len(notices)
        prefix = "" if is_common else f"to network {_listed(numbers)} of {len(notices)}: "
        merged.append(f"{prefix}{notice}")
    return merged


def _as_package(folder: Path) -> str:
    """Make a folder a package under a new name, and return the name.

    So several exported models can be loaded side by side, and each file imports its siblings.
    """
    name = f"exported_{uuid4().hex}"
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    return name


def _unused(column: str, taken: Iterable[str]) -> str:
    while column in taken:
        column += "_"
    return column


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(_one_line, names))


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


if __name__ == "__main__":
    sys.exit(main())
