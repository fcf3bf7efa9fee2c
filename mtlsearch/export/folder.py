"""Exports a trained model as a folder that predicts without mtlsearch, verified before it appears; and runs such a folder."""

import contextlib
import copy
import csv
import html
import importlib.util
import json
import re
import runpy
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file, save
from torch import Tensor
from torch.export import ExportedProgram

import mtlsearch.runtime
from mtlsearch import __version__
from mtlsearch.arrays import Array
from mtlsearch.data import Preparation
from mtlsearch.errors import DataError, ExportError, MtlsearchError, UsageError, unknown
from mtlsearch.export.code import TEMPLATES, identifier, write_code
from mtlsearch.export.rows import readable, write_rows
from mtlsearch.export.text import one_line, wrap
from mtlsearch.tasks.task import Task
from mtlsearch.training.plain.network import Model
from mtlsearch.training.prediction import predict
from mtlsearch.training.training_data import TrainingData

RUNTIME = Path(mtlsearch.runtime.__file__).parent
TOLERANCE = 1e-6  # of the largest prediction, or of 1 if that is smaller
DRIVER = "import runpy, sys; sys.modules['mtlsearch'] = None; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
Writer = Callable[[Path, ExportedProgram, Mapping[str, Tensor]], dict[str, Array]]
MARKDOWN = re.compile(r"[\\`*\[\]|~#]")
TEMPLATES.filters["md"] = lambda text: MARKDOWN.sub(
    r"\\\g<0>", html.escape(one_line(str(text)), quote=False)
)


@dataclass(frozen=True)
class ModelCard:
    """What the README says beyond the model: a title, per task its score as text, further limitations."""

    title: str = "Multi-task model"
    metrics: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def export_model(
    model: Model,
    data: TrainingData,
    replicate: int,
    folder: Path,
    card: ModelCard,
    formats: Sequence[str] = ("code",),
) -> float:
    """Write the folder and return the largest deviation of its predictions from the model's, relative to their scale.

    The folder appears whole or not at all. Raises UsageError for a target that exists or an unknown format, and
    ExportError if the model cannot be written as code or the folder predicts something else.
    """
    folder = folder.expanduser().resolve()
    _check(folder, formats)
    model, data = _on_cpu(model, data)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        draft = Path(temporary) / "draft"
        _write(draft, model, data, replicate)
        deviation = _verify(draft, Path(temporary), model, data, replicate)
        if writers := {name: write for name in formats if (write := FORMATS[name][2])}:
            _write_formats(draft, data, replicate, writers)
        _write_readme(draft, model, data, card, deviation)
        draft.replace(folder)
    return deviation


def predict_folder(
    folder: Path, data: Path, to: Path | None = None, source: str | None = None
) -> None:
    """Predict a table (.csv, .parquet, .npz) with an exported model, to a CSV file or standard output.

    Raises UsageError if the folder is no exported model, DataError if the table cannot be predicted.
    """
    if not (folder / "predict.py").is_file():
        raise UsageError(f"{folder}: is no exported model: it has no predict.py")
    with tempfile.TemporaryDirectory() as temporary:
        table = readable(data, Path(temporary))
        picked = [] if source is None else ["--source", source]
        options = [
            *picked,
            *([] if to is None else ["--to", str(to.absolute())]),
            "--",
            str(table.absolute()),
        ]
        command = [sys.executable, "-B", str((folder / "predict.py").absolute()), *options]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    messages = done.stderr.replace(str(table.absolute()), str(data)).strip()
    if done.returncode:
        kinds: dict[int, type[MtlsearchError]] = {2: UsageError, 3: DataError}
        raise kinds.get(done.returncode, MtlsearchError)(
            (messages.splitlines() or [f"{folder}: predict.py failed"])[-1]
        )
    sys.stderr.write(f"{messages}\n" if messages else "")
    sys.stdout.write(done.stdout)


def _check(folder: Path, formats: Sequence[str]) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise UsageError(f"{folder}: exists and is not an empty folder; name a new one")
    for name in formats:
        if name not in FORMATS:
            raise UsageError(unknown("format", name, FORMATS))
    if "onnx" in formats and importlib.util.find_spec("onnxscript") is None:
        raise UsageError("format: onnx needs more packages: pip install mtlsearch[onnx]")


def _on_cpu(model: Model, data: TrainingData) -> tuple[Model, TrainingData]:
    """The export predicts on a CPU, and float32 differs a little between devices: so the reference runs there as well."""
    cpu = torch.device("cpu")
    return copy.deepcopy(model).to(cpu).eval(), data if data.device == cpu else TrainingData(
        data.dataset, data.seed, cpu
    )


def _write(draft: Path, model: Model, data: TrainingData, replicate: int) -> None:
    """Write everything that predicts."""
    draft.mkdir()
    text, weights = write_code(model, data.dataset.tasks)
    (draft / "model.py").write_text(text, "utf-8")
    (draft / "weights.safetensors").write_bytes(
        save({name: value.detach().contiguous() for name, value in weights.items()})
    )
    fitted = Preparation.fit(data.dataset, data.fold(replicate).prepared.fold).to_json()
    used = {task.source for task in data.dataset.tasks}
    kept = {
        "sources": {s: columns for s, columns in fitted["sources"].items() if s in used},
        "tasks": fitted["targets"],
    }
    (draft / "preprocess.json").write_text(
        json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    for name in ("preprocess.py", "predict.py"):
        shutil.copyfile(RUNTIME / name, draft / name)
    versions = {
        "torch": torch.__version__,
        "numpy": np.__version__,
        "safetensors": safetensors.__version__,
    }
    lines = [f"{name}>={version.split('+')[0]}\n" for name, version in versions.items()]
    (draft / "requirements.txt").write_text("".join(lines), "utf-8")


def _verify(draft: Path, scratch: Path, model: Model, data: TrainingData, replicate: int) -> float:
    """Return the largest max |folder - model| / max(1, max |model|) of a task over its test rows. Raises ExportError."""
    deviations = []
    for source in dict.fromkeys(task.source for task in data.dataset.tasks):
        tasks = [task for task in data.dataset.tasks if task.source == source]
        rows = _test_rows(data, tasks[0])
        table, predicted = (
            write_rows(data.dataset.sources[source].inputs.iloc[rows.numpy()], scratch),
            scratch / "predicted.csv",
        )
        _run_alone(draft, ["--source", source, "--to", str(predicted), str(table)])
        with predicted.open(encoding="utf-8", newline="") as file:
            cells = list(csv.reader(file))[1:]
        for task, found in zip(tasks, _read(tasks, cells), strict=True):
            wanted = predict(model, data, replicate, task, rows)
            deviations.append(_deviation(found, wanted))
    worst = float(np.max(deviations))
    if not worst <= TOLERANCE:
        raise ExportError(
            f"the exported code deviates from the model by {worst:.1e}, more than {TOLERANCE:.0e}"
        )
    return worst


def _test_rows(data: TrainingData, task: Task) -> Tensor:
    rows = data.test_rows(task)
    return rows if len(rows) else torch.arange(len(data.dataset.sources[task.source].inputs))


def _read(tasks: Sequence[Task], cells: Sequence[Sequence[str]]) -> list[Array]:
    """Return each task's prediction from the output columns, which come in the order of the tasks."""
    found, start = [], 0
    for task in tasks:
        first = start + (task.kind != "regression")  # a label stands before probabilities
        numbers = np.array(
            [[float(cell) for cell in row[first : first + task.outputs]] for row in cells]
        )
        found.append(numbers if task.kind == "multiclass" else numbers[:, 0])
        start = first + task.outputs
    return found


def _run_alone(draft: Path, arguments: Sequence[str]) -> None:
    """Run the folder's predict.py in an interpreter of its own in which mtlsearch cannot be imported."""
    command = [sys.executable, "-I", "-B", "-c", DRIVER, str(draft / "predict.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        raise ExportError(
            f"the exported code fails: {one_line((done.stderr.strip().splitlines() or ['?'])[-1])}"
        )


def _deviation(found: Array, wanted: Array) -> float:
    return float(np.max(np.abs(found - wanted)) / max(1.0, float(np.max(np.abs(wanted)))))


def _write_readme(
    draft: Path, model: Model, data: TrainingData, card: ModelCard, deviation: float
) -> None:
    dataset, fitted = data.dataset, json.loads((draft / "preprocess.json").read_text("utf-8"))
    sources = {task.source: task for task in dataset.tasks}
    text = TEMPLATES.get_template("README.md.jinja").render(
        **{
            "title": card.title,
            "metrics": card.metrics,
            "notes": card.notes,
            "version": __version__,
            "deviation": deviation,
        },
        **{
            "tasks": fitted["tasks"],
            "sources": fitted["sources"],
            "dataset": dataset.name,
            "digest": dataset.digest,
        },
        tree=wrap(model.composition.spell([task.name for task in dataset.tasks])),
        settings=[line for part in model.composition for line in wrap(json.dumps(part.to_json()))],
        rows=sum(len(_test_rows(data, task)) for task in sources.values()),
        files=[about[:2] for about in FORMATS.values() if (draft / about[0]).is_file()],
    )
    (draft / "README.md").write_text(text, "utf-8")


def _write_formats(
    draft: Path, data: TrainingData, replicate: int, writers: Mapping[str, Writer]
) -> None:
    """Write the network in further formats and compare each with the code on other rows than it was traced with."""
    network = runpy.run_path(str(draft / "model.py"))["Model"]().eval()
    network.load_state_dict(load_file(draft / "weights.safetensors"))
    inputs = {
        source: data.fold(replicate).inputs[source][:4]
        for source in dict.fromkeys(t.source for t in data.dataset.tasks)
    }
    few = {source: x[:2] for source, x in inputs.items()}
    with torch.no_grad(), warnings.catch_warnings(), contextlib.redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")  # the exporters' about themselves
        shapes = {source: {0: torch.export.Dim.DYNAMIC} for source in inputs}
        program = torch.export.export(network, (inputs,), dynamic_shapes=(shapes,))
        for name, write in writers.items():
            found = write(draft, program, few)
            deviation = float(
                np.max(
                    [
                        _deviation(found[task], output.numpy())
                        for task, output in network(few).items()
                    ]
                )
            )
            if not deviation <= TOLERANCE:
                raise ExportError(
                    f"format {name}: its outputs deviate from the model's by {deviation:.1e}"
                )


def _write_program(
    draft: Path, program: ExportedProgram, few: Mapping[str, Tensor]
) -> dict[str, Array]:
    torch.export.save(program, draft / "model.pt2")
    outputs = torch.export.load(draft / "model.pt2").module()(few)
    return {task: output.numpy() for task, output in outputs.items()}


def _write_onnx(
    draft: Path, program: ExportedProgram, few: Mapping[str, Tensor]
) -> dict[str, Array]:
    inputs, tasks = [f"input_{identifier(source)}" for source in few], list(program.module()(few))
    path = draft / "model.onnx"
    torch.onnx.export(
        program,
        f=path,
        dynamo=True,
        input_names=inputs,
        output_names=tasks,
        external_data=False,
        verbose=False,
    )
    session = importlib.import_module("onnx.reference").ReferenceEvaluator(str(path))
    feed = {name: x.numpy() for name, x in zip(inputs, few.values(), strict=True)}
    return dict(zip(tasks, session.run(None, feed), strict=True))


FORMATS: dict[
    str, tuple[str, str, Writer | None]
] = {  # its file, what that holds, what writes it beside the code
    "code": ("model.py", "the network", None),
    "torch-export": (
        "model.pt2",
        "the network for `torch.export.load`: prepared inputs in, raw outputs out",
        _write_program,
    ),
    "onnx": (
        "model.onnx",
        "the network for ONNX runtimes: prepared inputs in, raw outputs out",
        _write_onnx,
    ),
}
