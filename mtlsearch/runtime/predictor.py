"""A trained model as one object: cells of tables in, predictions in the tasks' own units out.

An exported folder holds a copy of this file. Needs torch, and numpy for the cells.
"""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from . import encoding as encodings
from .cells import Spelling
from .decoding import OutputDecoder
from .encoded_input import Array, Columns, EncodedInput, Table
from .tables import TableError, is_frame, like_frame, listed, one_line, rows_of, to_columns
from .training_range import range_notices

ROWS_AT_ONCE = 8192
NUMBERS_AT_ONCE = 2**24
"""The most numbers of a tensor that the network reads at once: fewer rows of large pictures."""

CODE_FILE = "model.py"
WEIGHTS_FILE = "weights.safetensors"
FITTED_FILE = "preprocess.json"

NETWORKS = "networks"
"""The key of `preprocess.json` that lists a record for each network, if there are several."""

Result = dict[str, list[Any]]
"""The cells of each output column."""

Tensors = tuple[Tensor, ...]
"""What the network reads of N rows of a source, each [N, ...]; [S, N, ...] for S networks."""

Given = TypeVar("Given")


class TableWarning(UserWarning):
    """Something in a table is odd; what is predicted of it may be worth little."""


class Preparation:
    """How the inputs of one network are encoded and its outputs are decoded."""

    def __init__(self, fitted: Mapping[str, Any]) -> None:
        self.sources: dict[str, list[encodings.Encoding]] = {}
        for name, records in fitted["sources"].items():
            self.sources[name] = [encodings.from_record(record) for record in records]
        self.spellings = _spellings(fitted)
        self.tasks: dict[str, dict[str, Any]] = fitted["tasks"]
        self.decoders: dict[str, OutputDecoder] = {}
        for name, task in self.tasks.items():
            self.decoders[name] = OutputDecoder.from_json(task)

    def encode(
        self,
        source: str,
        columns: Columns,
    ) -> tuple[EncodedInput, list[str]]:
        """Return the `EncodedInput` of columns, and notices."""
        return encodings.encode_with_notices(self.sources[source], columns)


class Predictor(nn.Module):
    """A trained model, with what it makes of cells before and of its outputs after.

    Its weights are those of `network`, the class in `model.py`, under the same names: `state_dict`
    is what `weights.safetensors` holds, and `to`, `parameters` and `train` work as on any module.
    If it is an ensemble of S networks, each has an encoding of its own, in `preparations`; the
    other attributes are those of the first.

    Attributes:
        preparations: How the inputs of each network are encoded and its outputs decoded.
        sources: The encodings of the columns of each source.
        tasks: By the name of a task its record: source, target, kind, classes and scale.
        decoders: What turns outputs into predictions, by task.
        references: Ready-made models, one for each network, by the task that they predict instead.
        notices: What was odd about the table that was predicted last.
    """

    def __init__(
        self,
        code: str,
        weights: Mapping[str, Tensor],
        fitted: Mapping[str, Any],
        references: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        """Put a model together.

        Args:
            code: The text of `model.py`.
            weights: What it loads, by their names.
            fitted: What `preprocess.json` holds.
            references: See `references`.
        """
        super().__init__()
        records = fitted.get(NETWORKS, [fitted])
        self.preparations = [Preparation(record) for record in records]
        first = self.preparations[0]
        self.sources = first.sources
        self.spellings = first.spellings
        self.tasks = first.tasks
        self.decoders = first.decoders
        self.references = dict(references or {})
        self.notices: list[str] = []
        self._code = code
        self._fitted = fitted
        network = network_of(code)
        network.load_state_dict(weights)
        # The parts of the network are this module's, under the same names; the network itself is
        # hidden in a tuple, or all of them would be there twice.
        for name, part in network.named_children():
            self.add_module(name, part)
        self._network = (network,)
        self.eval()

    @classmethod
    def of_folder(cls, folder: Path) -> "Predictor":
        """Return the model that an exported folder holds."""
        code = (folder / CODE_FILE).read_text("utf-8")
        fitted = json.loads((folder / FITTED_FILE).read_text("utf-8"))
        weights = load_file(folder / WEIGHTS_FILE)
        return cls(
            code,
            weights,
            fitted,
            _references(folder),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes an equal model, in another process too: `model.py` is text."""
        weights = self.state_dict()
        arguments = (self._code, weights, self._fitted, self.references)
        return _put_together, (type(self), arguments, self.device, self.training)

    @property
    def network(self) -> nn.Module:
        """The network alone: prepared inputs in, the raw outputs of each task out."""
        return self._network[0]

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def forward(self, inputs: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return the raw outputs of each task for the prepared inputs of each source."""
        outputs: dict[str, Tensor] = self.network(inputs)
        return outputs

    def train(self, mode: bool = True) -> Self:
        """Make dropout and the like as in training, or with `mode` False as in prediction."""
        self.network.train(mode)
        return super().train(mode)

    def predict(
        self,
        table: Given,
        source: str | None = None,
        folder: Path = Path(),
    ) -> Given:
        """Return the output columns for the rows of a table, in the form in which they are given.

        What is odd about the table is said in warnings of the kind `TableWarning`, and kept in
        `notices`.

        Args:
            table: A DataFrame of pandas or Polars, columns by their names, or a list of rows, each
                a mapping of column names to cells; None, "" and NaN are missing. Other columns
                than those of the inputs are left alone.
            source: Which source the table is; None: the only one that its columns fit.
            folder: Where paths of pictures begin.

        Raises:
            TableError: An input column is missing or has another shape, or the source is unclear.
        """
        if isinstance(table, list) and not table:
            return table
        result = self.predict_columns(
            to_columns(table),
            source,
            folder,
        )
        self._warn()
        if is_frame(table):
            return like_frame(result, table)
        answer = rows_of(result) if isinstance(table, list) else result
        return cast("Given", answer)

    def predict_proba(
        self,
        table: Any,
        source: str | None = None,
        folder: Path = Path(),
    ) -> Any:
        """Return by task of classes the probability of each, float64 [N, C].

        For a DataFrame of pandas it is one, with pairs (task, class) as columns, as `Search` gives
        it, so that `[task]` is a table of its classes; for anything else a dict of arrays, with the
        classes in the order of `tasks[name]["classes"]`. Of a set of labels it is the probability
        of each label, which do not add up to 1. For the arguments see `predict`.
        """
        predictions = self.predict_tasks(
            to_columns(table),
            source,
            folder,
        )
        self._warn()
        probabilities = self.probabilities(predictions)
        if not (is_frame(table) and hasattr(table, "index")):
            return probabilities
        return like_frame(self.columns_of_classes(probabilities), table)

    def columns_of_classes(
        self,
        probabilities: Mapping[str, Array],
    ) -> dict[tuple[str, str], Array]:
        """Return what `probabilities` gave class by class: by (task, class) a column [N]."""
        columns = {}
        for task, values in probabilities.items():
            for name, of_class in zip(
                self.decoders[task].classes,
                values.T,
                strict=True,
            ):
                columns[task, name] = of_class
        return columns

    def probabilities(self, predictions: Mapping[str, Array]) -> dict[str, Array]:
        """Return what `predict_proba` does, of what `predict_tasks` gave."""
        probabilities = {}
        for name, values in predictions.items():
            if not self.tasks[name]["classes"]:
                continue
            if values.ndim == 1:
                values = np.column_stack([1.0 - values, values])
            probabilities[name] = values
        return probabilities

    def predict_columns(
        self,
        table: Table,
        source: str | None = None,
        folder: Path = Path(),
    ) -> Result:
        """Return what `predict` does for columns, without warnings: see `notices`."""
        result: Result = {}
        for name, predictions in self.predict_tasks(
            table,
            source,
            folder,
        ).items():
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
            raise TableError(f"which source is this? Name one of: {listed(self.sources)}")
        return fitting[0]

    def missing(
        self,
        source: str,
        columns: Iterable[str],
    ) -> list[str]:
        """Return the names of the source's input columns that are not among these."""
        present = set(columns)
        needed = encodings.columns_of(self.sources[source])
        return [name for name in needed if name not in present]

    def encode(
        self,
        source: str,
        table: Any,
        folder: Path = Path(),
    ) -> Tensors:
        """Return the tensors [N, ...] that the network reads of a table, where its weights are.

        For S networks they are [S, N, ...]. Raises TableError.
        """
        tensors = _tensors(
            self.read(
                source,
                to_columns(table),
                folder,
            )
        )
        return tuple(tensor.to(self.device) for tensor in tensors)

    def read(
        self,
        source: str,
        table: Table,
        folder: Path = Path(),
    ) -> list[EncodedInput]:
        """Return the `EncodedInput` of columns for each network. Raises TableError."""
        if source not in self.sources:
            raise TableError(f"unknown source {source!r}; known: {listed(self.sources)}")
        if missing := self.missing(source, table):
            raise TableError(f"missing columns: {listed(missing)}")
        spellings = self.spellings.get(source)
        encoded = []
        notices = []
        try:
            columns, self.notices = encodings.read_columns(
                self.sources[source],
                table,
                spellings,
                folder,
            )
            for preparation in self.preparations:
                encoded_for_one, notices_of_one = preparation.encode(source, columns)
                encoded.append(encoded_for_one)
                notices.append(notices_of_one)
        except (encodings.ShapeError, ImportError) as error:  # a package may be missing
            raise TableError(one_line(error)) from error
        networks = [preparation.sources[source] for preparation in self.preparations]
        self.notices += range_notices(networks, columns)
        self.notices += _merged(notices)
        return encoded

    @torch.no_grad()
    def predict_tasks(
        self,
        table: Table,
        source: str | None,
        folder: Path,
    ) -> dict[str, Array]:
        """Return for each task of a source its predictions, float64 [N], or [N, C] of C classes.

        Of two classes it is the probability of the second. For the arguments see `predict`; there
        are no warnings, see `notices`.
        """
        if source is None:
            source = self.choose_source(table)
        encoded = self.read(
            source,
            table,
            folder,
        )
        outputs = self._run(source, _tensors(encoded))
        predictions = {}
        for name, task in self.tasks.items():
            if task["source"] != source:
                continue
            if name in self.references:
                predictions[name] = _mean_prediction(self.references[name], encoded)
            else:
                predictions[name] = self._decode(name, outputs[name])
        return predictions

    def _run(
        self,
        source: str,
        tensors: Tensors,
    ) -> dict[str, Array]:
        """Return the network's outputs for each task, computed for some rows at once.

        They are [N, C], or [N, k, C] of an ensemble of k members; of S networks with an axis S in
        front.
        """
        parts: dict[str, list[Array]] = {}
        device = self.device
        rows_axis = min(len(self.preparations) - 1, 1)
        rows = tensors[0].shape[rows_axis]
        rows_at_once = _rows_at_once(tensors, rows_axis)
        for start in range(
            0,
            max(rows, 1),
            rows_at_once,
        ):
            count = min(rows_at_once, rows - start)
            chunks = []
            for tensor in tensors:
                chunk = tensor.narrow(
                    rows_axis,
                    start,
                    count,
                )
                chunks.append(chunk.to(device))
            inputs = chunks[0] if len(chunks) == 1 else tuple(chunks)
            outputs = self.network({source: inputs})
            for name, output in outputs.items():
                parts.setdefault(name, []).append(output.cpu().numpy())
        return {name: np.concatenate(arrays, rows_axis) for name, arrays in parts.items()}

    def _decode(
        self,
        task: str,
        outputs: Array,
    ) -> Array:
        """Return the predictions of N rows: the mean of those of the networks if several."""
        if len(self.preparations) == 1:
            return self.decoders[task].rows_to_predictions(outputs)
        predictions = []
        for preparation, outputs_of_one in zip(
            self.preparations,
            outputs,
            strict=True,
        ):
            decoder = preparation.decoders[task]
            predictions.append(decoder.rows_to_predictions(outputs_of_one))
        return np.asarray(
            np.mean(
                predictions,
                axis=0,
            )
        )

    def _warn(self) -> None:
        for notice in self.notices:
            warnings.warn(
                notice,
                TableWarning,
                stacklevel=3,
            )


def _put_together(
    kind: type[Predictor],
    arguments: tuple[Any, ...],
    device: torch.device,
    training: bool,
) -> Predictor:
    return kind(*arguments).to(device).train(training)


def network_of(code: str) -> nn.Module:
    """Return the network that the text of a `model.py` defines, with random weights."""
    names: dict[str, Any] = {"__name__": "model"}
    exec(
        compile(
            code,
            CODE_FILE,
            "exec",
        ),
        names,
    )
    network: nn.Module = names["Model"]()
    return network


def _spellings(fitted: Mapping[str, Any]) -> dict[str, dict[str, Spelling]]:
    """Return how columns that are not plain are spelled, by source and name."""
    spellings = {}
    for source, records in fitted.get("spellings", {}).items():
        spellings[source] = {name: Spelling(**record) for name, record in records.items()}
    return spellings


def _references(folder: Path) -> Mapping[str, Sequence[Any]]:
    """Return by task the ready-made models, one for each network, that predict it instead."""
    if not (folder / "references.json").is_file():
        return {}
    from .reference_models import load_references

    return load_references(folder)


def _tensors(encoded: Sequence[EncodedInput]) -> Tensors:
    """Return what the network reads; of several encodings [N, ...] a stack [S, N, ...]."""
    tensors = []
    for arrays in zip(
        *(encoding.arrays for encoding in encoded),
        strict=True,
    ):
        parts = [torch.from_numpy(array) for array in arrays]
        tensors.append(parts[0] if len(parts) == 1 else torch.stack(parts))
    return tuple(tensors)


def _mean_prediction(
    models: Sequence[Any],
    encoded: Sequence[EncodedInput],
) -> Array:
    """Return the mean prediction of ready-made models, each of its own encoding of N rows."""
    predictions = []
    for model, encoded_for_one in zip(
        models,
        encoded,
        strict=True,
    ):
        predictions.append(model.predict(encoded_for_one))
    return np.asarray(
        np.mean(
            predictions,
            axis=0,
        )
    )


def _rows_at_once(
    tensors: Tensors,
    rows_axis: int,
) -> int:
    largest = 0
    for tensor in tensors:
        rows = max(tensor.shape[rows_axis], 1)
        largest = max(largest, tensor.numel() // rows)
    rows_at_once = NUMBERS_AT_ONCE // max(largest, 1)
    return min(max(rows_at_once, 1), ROWS_AT_ONCE)


def _merged(notices: Sequence[Sequence[str]]) -> list[str]:
    """Return the notices of all networks, each once; of some of them with their numbers."""
    networks: dict[str, list[int]] = {}
    for number, notices_of_one in enumerate(
        notices,
        start=1,
    ):
        for notice in notices_of_one:
            networks.setdefault(notice, []).append(number)
    merged = []
    for notice, numbers in networks.items():
        is_common = len(numbers) == len(notices)
        prefix = "" if is_common else f"to network {listed(numbers)} of {len(notices)}: "
        merged.append(f"{prefix}{notice}")
    return merged


def _unused(
    column: str,
    taken: Iterable[str],
) -> str:
    while column in taken:
        column += "_"
    return column
