"""The formats that an exported network may be written in, besides the code that is always written.

To add one: a function that writes the network and runs what it wrote, and one entry in `FORMATS`.
"""

import contextlib
import importlib.util
import runpy
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from mtlsearch.arrays import Array
from mtlsearch.errors import ExportError, UsageError, unknown
from mtlsearch.export.deviation import TOLERANCE, deviation
from mtlsearch.export.identifiers import identifier
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.export.verification import checked_rows

EXAMPLE_ROWS = 4
"""Rows with which a network is traced."""

MOST_CHECKED = 255
"""Test rows of a source on which the written network is compared at most."""

Inputs = Mapping[str, Tensor | tuple[Tensor, ...]]
"""The prepared inputs of each source, [B, ...]: a tensor, or several as a tuple."""

Writer = Callable[[Path, ExportedProgram, Inputs], dict[str, Array]]
"""Writes a program into a folder and returns what the written one makes of the inputs, by task."""


@dataclass(frozen=True)
class Format:
    """A format of a network.

    Attributes:
        file: The name of its file.
        contents: What the file holds, for people.
        write: Writes the file; None if the export writes it anyway.
        package: The name of a module that must be installed.
    """

    file: str
    contents: str
    write: Writer | None = None
    package: str | None = None


def check_formats(names: Sequence[str]) -> None:
    """Raise UsageError for a format that is unknown or whose packages are missing."""
    for name in names:
        if name not in FORMATS:
            raise UsageError(unknown("format", name, FORMATS))
        package = FORMATS[name].package
        if package and importlib.util.find_spec(package) is None:
            raise UsageError(f"format: {name} needs more packages: pip install mtlsearch[{name}]")


def write_formats(
    draft: Path,
    models: Sequence[TrainedModel],
    names: Sequence[str],
) -> None:
    """Write the network of a folder in further formats; it may hold several as one.

    Each is read again and compared with the network on test rows. Raises ExportError if one
    deviates.
    """
    writers = {name: writer for name in names if (writer := FORMATS[name].write)}
    if not writers:
        return
    network = _load_network(draft)
    rows_axis = min(len(models) - 1, 1)  # after that of the networks, if there are several
    inputs = _inputs(models, EXAMPLE_ROWS)
    compared = _inputs(models, MOST_CHECKED)
    with torch.no_grad(), _silenced():
        expected = network(compared)
        program = _trace(network, inputs, rows_axis)
        for name, write in writers.items():
            outputs = write(draft, program, compared)
            _check(name, outputs, expected)


def _load_network(draft: Path) -> nn.Module:
    network: nn.Module = runpy.run_path(str(draft / "model.py"))["Model"]()
    network.load_state_dict(load_file(draft / "weights.safetensors"))
    return network.eval()


def _inputs(models: Sequence[TrainedModel], most: int) -> Inputs:
    """Return the first test rows of every source, or rows, as the written network takes them."""
    inputs: dict[str, Tensor | tuple[Tensor, ...]] = {}
    for task in models[0].tasks:
        prepared = []
        for model in models:
            fold = model.data.fold(model.replicate)
            rows = checked_rows(model.data, task.source)[:most]
            prepared.append(fold.inputs[task.source].take(rows).tensors)
        tensors = prepared[0]
        if len(models) > 1:
            tensors = tuple(map(torch.stack, zip(*prepared, strict=True)))
        inputs[task.source] = tensors if len(tensors) > 1 else tensors[0]
    return inputs


@contextlib.contextmanager
def _silenced():  # type: ignore[no-untyped-def]
    """Hide the exporters' warnings about themselves; what they print goes to standard error."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        yield


def _trace(
    network: nn.Module,
    inputs: Inputs,
    rows_axis: int,
) -> ExportedProgram:
    """Return the network as a program for any number of rows."""
    any_rows = {rows_axis: Dim.DYNAMIC}
    shapes: dict[str, Any] = {}
    for source, tensors in inputs.items():
        if isinstance(tensors, tuple):
            shapes[source] = tuple(any_rows for _ in tensors)
        else:
            shapes[source] = any_rows
    return torch.export.export(network, (inputs,), dynamic_shapes=(shapes,))


def _check(
    name: str,
    outputs: Mapping[str, Array],
    expected: Mapping[str, Tensor],
) -> None:
    deviations = []
    for task, output in expected.items():
        deviations.append(deviation(outputs[task], output.numpy()))
    largest = float(np.max(deviations))
    if not largest <= TOLERANCE:  # also for NaN
        raise ExportError(f"format {name}: its outputs deviate from the model's by {largest:.1e}")


def _write_torch_export(
    draft: Path,
    program: ExportedProgram,
    inputs: Inputs,
) -> dict[str, Array]:
    path = draft / FORMATS["torch-export"].file
    torch.export.save(program, path)
    loaded = torch.export.load(path).module()
    return {task: output.numpy() for task, output in loaded(inputs).items()}


def _write_onnx(
    draft: Path,
    program: ExportedProgram,
    inputs: Inputs,
) -> dict[str, Array]:
    path = draft / FORMATS["onnx"].file
    feed = _named_arrays(inputs)
    tasks = list(program.module()(inputs))
    torch.onnx.export(
        program,
        f=path,
        dynamo=True,
        input_names=list(feed),
        output_names=tasks,
        external_data=False,
        verbose=False,
    )
    reference = importlib.import_module("onnx.reference")
    session = reference.ReferenceEvaluator(str(path))
    used = {name: feed[name] for name in session.input_names}
    outputs = session.run(None, used)
    return dict(zip(tasks, outputs, strict=True))


def _named_arrays(inputs: Inputs) -> dict[str, Array]:
    """Return the tensors by the names of the ONNX inputs.

    They are `input_SOURCE`, and `input_SOURCE_2` for a second one.
    """
    arrays = {}
    for source, tensors in inputs.items():
        name = f"input_{identifier(source)}"
        if not isinstance(tensors, tuple):
            arrays[name] = tensors.numpy()
            continue
        for number, tensor in enumerate(tensors, start=1):
            arrays[name if number == 1 else f"{name}_{number}"] = tensor.numpy()
    return arrays


FORMATS: dict[str, Format] = {
    "code": Format("model.py", "the network"),
    "torch-export": Format(
        "model.pt2",
        "the network for `torch.export.load`: prepared inputs in, outputs of `model.py` out",
        write=_write_torch_export,
    ),
    "onnx": Format(
        "model.onnx",
        "the network for ONNX runtimes: prepared inputs in, outputs of `model.py` out",
        write=_write_onnx,
        package="onnxscript",
    ),
}
