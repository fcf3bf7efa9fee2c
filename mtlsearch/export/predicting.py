"""Predictions by an exported folder, in an interpreter of its own."""

import subprocess
import sys
from pathlib import Path

from mtlsearch.errors import DataError, MtlsearchError, UsageError
from mtlsearch.export.rows import readable
from mtlsearch.scratch import scratch_folder

EXIT_CODES: dict[int, type[MtlsearchError]] = {
    2: UsageError,
    3: DataError,
}
"""The exit codes of an exported predict.py and the errors that they mean."""


SCRIPT = "predict.py"


def is_exported(folder: Path) -> bool:
    """Whether a folder holds an exported model."""
    return (folder / SCRIPT).is_file()


def predict_folder(
    folder: Path,
    data: Path,
    to: Path | None = None,
    source: str | None = None,
) -> None:
    """Predict a table (.csv, .parquet, .npz) with an exported model.

    Args:
        folder: The exported model.
        data: The table.
        to: The CSV file to write; None: standard output.
        source: The source that the table is, for a model of several.

    Raises:
        UsageError: The folder is no exported model, or a source is missing.
        DataError: The table cannot be predicted.
    """
    script = folder / SCRIPT
    if not is_exported(folder):
        raise UsageError(f"{folder}: is no exported model: it has no {SCRIPT}")
    with scratch_folder() as temporary:
        table = readable(data, temporary).absolute()
        arguments = _arguments(table, to, source)
        if table != data.absolute():  # paths in its cells begin where the table is
            arguments = ["--folder", str(data.absolute().parent), *arguments]
        command = [sys.executable, "-B", str(script.absolute()), *arguments]
        process = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")

    messages = process.stderr.replace(str(table), str(data)).strip()
    if process.returncode:
        error = EXIT_CODES.get(process.returncode, MtlsearchError)
        lines = messages.splitlines() or [f"{folder}: predict.py failed"]
        raise error(lines[-1])
    if messages:
        sys.stderr.write(f"{messages}\n")
    sys.stdout.write(process.stdout)


def _arguments(
    table: Path,
    to: Path | None,
    source: str | None,
) -> list[str]:
    arguments = []
    if source is not None:
        arguments += ["--source", source]
    if to is not None:
        arguments += ["--to", str(to.absolute())]
    return [*arguments, "--", str(table)]
