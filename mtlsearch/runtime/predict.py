"""Predicts with this model: `python predict.py INPUT [--source NAME] [--to out.csv]`.

From Python: `predict(table)`, of a DataFrame or a list of rows; `load()` is the model itself, a
`torch.nn.Module`.

INPUT is a CSV or .npz file. Needs what `requirements.txt` lists only. Cells are read as in the
search (`cells.py`); columns that the model does not use are ignored. Exit codes: 0 ok, 2 usage, 3
the table cannot be used.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

# Else MKL's last bits depend on where in memory a number lies; it is read before torch's first use.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

HERE = Path(__file__).resolve().parent

PACKAGE = __package__ or f"exported_{uuid4().hex}"
if not __package__:
    # The files beside this one are a package under a name of its own, so that several exported
    # models can be loaded side by side.
    sys.modules[PACKAGE] = ModuleType(PACKAGE)
    sys.modules[PACKAGE].__path__ = [str(HERE)]

if TYPE_CHECKING:
    from . import predictor, tables
else:
    predictor = import_module(f"{PACKAGE}.predictor")
    tables = import_module(f"{PACKAGE}.tables")

Given = TypeVar("Given")


@cache
def load(folder: Path = HERE) -> predictor.Predictor:
    """Return the model of a folder, this one by default; read once."""
    return predictor.Predictor.of_folder(folder)


def predict(
    table: Given,
    source: str | None = None,
    folder: Path = Path(),
) -> Given:
    """Predict a DataFrame, or a list of rows, each a mapping of column names to cells.

    What comes back has the same form. None, "" and NaN are missing. Paths of pictures begin at
    `folder`, by default the working directory. What is odd about a table is said in warnings.
    """
    return load().predict(table, source, folder)


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
        parser.error(
            f"--source: {options.source!r} is unknown; known: {tables.listed(model.sources)}"
        )
    try:
        table, notices = tables.read_file(options.input)
        folder = options.folder or options.input.parent
        result = model.predict_columns(table, options.source, folder)
        tables.write_csv(result, options.to)
    except tables.TableError as error:
        print(f"{options.input}: {error}", file=sys.stderr)
        return 3
    for notice in [*notices, *model.notices]:
        print(f"{options.input}: {notice}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
