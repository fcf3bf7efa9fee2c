"""Trains this model on a table: `python train.py new.csv --from weights.safetensors --to FOLDER`.

The losses of the tasks that train together are weighed as the search found it best, weights of
branches are tied, and each component has its own AdamW: `objective.py` holds the methods,
`training.json` their settings. The table has the input columns and, under the names of the targets,
the labels; a task without labels there is left as it is, with all that its predictions depend on.

`--task NAME:KIND` adds a task, whose labels are in the column NAME. FOLDER becomes a copy of this
one with the new weights. Exit codes: 0 ok, 2 usage, 3 the table cannot be used.
"""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

# Else MKL's last bits depend on where in memory a number lies; it is read before torch's first use.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

HERE = Path(__file__).resolve().parent

PACKAGE = __package__ or f"exported_{uuid4().hex}"
if not __package__:
    # The files beside this one are a package under a name of its own, so that several exported
    # models can be loaded side by side.
    sys.modules[PACKAGE] = ModuleType(PACKAGE)
    sys.modules[PACKAGE].__path__ = [str(HERE)]

if TYPE_CHECKING:
    from . import encoded_input, fine_tuning, new_task, predictor, tables
    from . import labels as target_labels
else:
    encoded_input = import_module(f"{PACKAGE}.encoded_input")
    fine_tuning = import_module(f"{PACKAGE}.fine_tuning")
    new_task = import_module(f"{PACKAGE}.new_task")
    predictor = import_module(f"{PACKAGE}.predictor")
    tables = import_module(f"{PACKAGE}.tables")
    target_labels = import_module(f"{PACKAGE}.labels")

PLAN_FILE = "training.json"
NOT_COPIED = ("__pycache__", "*.pt2", "*.onnx")
"""Of the network in other formats, which would hold the old weights."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    plan = json.loads((HERE / PLAN_FILE).read_text("utf-8"))
    for name in ("epochs", "patience", "batch_size"):
        if getattr(options, name) is None:
            setattr(
                options,
                name,
                plan[name],
            )
    options.to = options.to or Path(f"{HERE.name}-trained")
    if options.to.exists() and (not options.to.is_dir() or any(options.to.iterdir())):
        parser.error(f"--to: {options.to} exists and is not an empty folder")
    torch.manual_seed(options.seed)
    try:
        train(options, plan)
    except (tables.TableError, new_task.NewTaskError) as error:
        print(
            f"{tables.listed(options.inputs)}: {error}",
            file=sys.stderr,
        )
        return 3
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train this model on the rows of a table.")
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="FILE or SOURCE=FILE",
        help="CSV or .npz file with inputs and labels; of several sources one each",
    )
    parser.add_argument(
        "--from",
        dest="weights",
        type=Path,
        help="the weights to begin with (default: random ones)",
    )
    parser.add_argument(
        "--to",
        type=Path,
        help="a new folder (default: this one's name-trained)",
    )
    parser.add_argument(
        "--task",
        metavar="NAME:KIND",
        help="a new task, in the column NAME",
    )
    parser.add_argument(
        "--joins",
        metavar="TASK",
        help="whose last stage the new head reads",
    )
    parser.add_argument(
        "--epochs",
        type=int,
        help="at most (default: as in the search)",
    )
    parser.add_argument(
        "--patience",
        type=int,
        help="epochs without a better one",
    )
    parser.add_argument(
        "--batch-size",
        type=int,
        help="rows of a step",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=1.0,
        help="times the learning rate found",
    )
    parser.add_argument(
        "--validation",
        type=float,
        default=0.2,
        help="share of rows to stop by",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
    )
    parser.add_argument(
        "--device",
        default="cpu",
    )
    return parser


def train(
    options: argparse.Namespace,
    plan: dict[str, Any],
) -> None:
    """Train as the options say, and write the new folder. Raises TableError, NewTaskError."""
    methods = import_module(f"{PACKAGE}.objective")
    code = (HERE / predictor.CODE_FILE).read_text("utf-8")
    fitted = json.loads((HERE / predictor.FITTED_FILE).read_text("utf-8"))
    # What begins at random, and what is read from a file.
    weights = predictor.network_of(code).state_dict()
    if options.weights is not None:
        weights.update(load_file(options.weights))
    model = predictor.Predictor(
        code,
        weights,
        fitted,
    )
    given = _read_tables(model, options.inputs)
    if options.task is not None:
        task = _new_task(
            options,
            methods,
            given,
        )
        extended = task.add(
            code,
            fitted,
            plan,
        )
        code, fitted, plan = extended.code, extended.fitted, extended.plan
        old = model.state_dict()
        weights = predictor.network_of(code).state_dict()
        weights.update(old)
        for new, source in extended.copies.items():
            for name, tensor in old.items():
                if name.startswith(f"{source}."):
                    weights[f"{new}.{name.removeprefix(f'{source}.')}"] = tensor
        model = predictor.Predictor(
            code,
            weights,
            fitted,
        )
        _say(f"{task.name}: joins {extended.joins}")
    model.to(options.device)
    data = _data(
        model,
        given,
        options,
    )
    _freeze(
        model,
        plan,
        data,
    )
    components = []
    for settings in plan["components"]:
        if any(name in data.targets for name in settings["tasks"]):
            components.append(
                fine_tuning.Component(
                    model,
                    settings,
                    methods,
                    data,
                    options.rate,
                )
            )
    for limit in plan["limits"]:
        _say(limit)
    schedule = fine_tuning.Schedule(
        options.epochs,
        options.patience,
        options.batch_size,
        options.seed,
    )
    fine_tuning.Training(
        model,
        components,
        data,
        schedule,
    ).run()
    _write(
        model,
        code,
        fitted,
        plan,
        options,
    )


def _read_tables(
    model: predictor.Predictor,
    inputs: Sequence[str],
) -> dict[str, tuple[encoded_input.Table, Path]]:
    """Return the table of each source, and the folder where paths of pictures begin."""
    given: dict[str, tuple[encoded_input.Table, Path]] = {}
    for word in inputs:
        source, mark, file = word.partition("=")
        if not mark or source not in model.sources:
            source, file = "", word
        table, notices = tables.read_file(Path(file))
        for notice in notices:
            _say(f"{file}: {notice}")
        given[source or model.choose_source(table)] = (table, Path(file).parent)
    return given


def _new_task(
    options: argparse.Namespace,
    methods: ModuleType,
    given: Mapping[str, tuple[encoded_input.Table, Path]],
) -> new_task.NewTask:
    """Return the task that `--task` asks for. Raises new_task.NewTaskError."""
    name, _, kind_name = options.task.rpartition(":")
    kinds = [known for known, kind in methods.KINDS.items() if not kind.labels_per_class]
    if not name or kind_name not in kinds:
        raise new_task.NewTaskError(
            f"--task: found {options.task}; allowed: NAME:KIND, of {tables.listed(kinds)}"
        )
    holders = [source for source, (table, _) in given.items() if name in table]
    if not holders:
        raise new_task.NewTaskError(f"--task: no column is called {name}")
    source = holders[0]
    table, _ = given[source]
    kind = methods.KINDS[kind_name]
    classes: list[str] = []
    mean, scale = 0.0, 1.0
    if kind.is_classification:
        classes = target_labels.classes_of(table[name])
        if len(classes) < 2:
            raise new_task.NewTaskError(
                f"--task: column {name} has {len(classes)} classes; needs two"
            )
    record = {
        "source": source,
        "target": name,
        "kind": kind_name,
        "transform": kind.transform,
        "layout": kind.layout,
        "classes": classes,
    }
    if kind.transform in SCALES:
        labelled = target_labels.find_labels(
            table,
            {**record, "mean": mean, "scale": scale},
            name,
        )
        assert labelled is not None
        labels = torch.from_numpy(labelled[0])
        mean, scale = SCALES[kind.transform](labels[~labels.isnan()])
    record |= {"mean": mean, "scale": scale}
    return new_task.NewTask(
        name,
        record,
        kind.output_count(classes),
        options.joins,
    )


def _standardised(labels: Tensor) -> tuple[float, float]:
    """Return the mean of labels [N] and their standard deviation, 1 if they are constant."""
    return float(labels.mean()), float(labels.std(correction=0)) or 1.0


def _by_mean(labels: Tensor) -> tuple[float, float]:
    """Return 0 and the mean of labels [N], 1 if all are 0."""
    return 0.0, float(labels.mean()) or 1.0


SCALES = {"affine": _standardised, "exponential": _by_mean}
"""What an output of 0, and a difference of 1, stand for in a new task of numbers."""


def _data(
    model: predictor.Predictor,
    given: Mapping[str, tuple[encoded_input.Table, Path]],
    options: argparse.Namespace,
) -> fine_tuning.Data:
    """Return the inputs and labels of tables, divided into rows to train on and to stop by."""
    inputs = {}
    train = {}
    validation = {}
    targets = {}
    generator = torch.Generator().manual_seed(options.seed)
    rows_axis = min(len(model.preparations) - 1, 1)
    for source, (table, folder) in given.items():
        inputs[source] = model.encode(
            source,
            table,
            folder,
        )
        for notice in model.notices:
            _say(notice)
        rows = inputs[source][0].shape[rows_axis]
        order = torch.randperm(
            rows,
            generator=generator,
        ).to(model.device)
        held_out = max(round(options.validation * rows), 1)
        if held_out >= rows:
            raise tables.TableError(
                f"has {rows} rows; needs more, to train on some and stop by others"
            )
        validation[source], train[source] = order[:held_out], order[held_out:]
    for name, record in model.tasks.items():
        if record["source"] not in given:
            continue
        labelled = target_labels.find_labels(
            given[record["source"]][0],
            record,
            name,
        )
        if labelled is None:
            continue
        labels, notices = labelled
        for notice in notices:
            _say(notice)
        scaled = []
        for preparation in model.preparations:
            decoder = preparation.decoders[name]
            scaled.append(torch.from_numpy((labels - decoder.mean) / decoder.scale).float())
        targets[name] = torch.stack(scaled).to(model.device)
    if not targets:
        wanted = tables.listed(record["target"] for record in model.tasks.values())
        raise tables.TableError(f"has no column of labels; known: {wanted}")
    return fine_tuning.Data(
        inputs,
        targets,
        train,
        validation,
        rows_axis,
    )


def _freeze(
    model: predictor.Predictor,
    plan: Mapping[str, Any],
    data: fine_tuning.Data,
) -> None:
    """Leave what tasks without labels depend on as it is, so that their predictions stay."""
    unlabelled = [name for name in model.tasks if name not in data.targets]
    for part, tasks in plan["serves"].items():
        is_trained = all(name in data.targets for name in tasks)
        model.get_submodule(part).requires_grad_(is_trained)
    if unlabelled:
        _say(f"no labels of {tables.listed(unlabelled)}: what these depend on is not trained")


def _write(
    model: predictor.Predictor,
    code: str,
    fitted: Mapping[str, Any],
    plan: Mapping[str, Any],
    options: argparse.Namespace,
) -> None:
    """Write the new folder."""
    ignored = shutil.ignore_patterns(*NOT_COPIED)
    shutil.copytree(
        HERE,
        options.to,
        ignore=ignored,
        dirs_exist_ok=True,
    )
    (options.to / predictor.CODE_FILE).write_text(code, "utf-8")
    (options.to / predictor.FITTED_FILE).write_text(_json(fitted), "utf-8")
    (options.to / PLAN_FILE).write_text(_json(plan), "utf-8")
    weights = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, options.to / predictor.WEIGHTS_FILE)
    readme = options.to / "README.md"
    began = f"from {options.weights}" if options.weights else "from random weights"
    files = tables.listed(options.inputs)
    note = (
        f"**Trained again by train.py on {files}, {began}. The scores and lists of files below are "
        "those of the model before.**\n\n"
    )
    readme.write_text(note + readme.read_text("utf-8"), "utf-8")
    print(f"written: {options.to} (python {options.to / 'predict.py'} INPUT)")


def _json(value: object) -> str:
    return (
        json.dumps(
            value,
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def _say(notice: str) -> None:
    print(
        notice,
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main())
