"""What the user holds in memory, written as the files that every command reads.

So a study of a DataFrame is that of its Parquet file to the last bit, and another process can go on
with it. Libraries are recognised by what their objects offer: none of them is imported here.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from mtlsearch.api.torch_rows import arrays_of_dataset
from mtlsearch.arrays import Array
from mtlsearch.errors import DataError, UsageError

STEM = "data"  # of the file that in-memory data is written to
SOURCES = "sources"  # the key of a card that no dict of arrays has with a mapping below
ACCEPTED = (
    "a pandas or Polars DataFrame, a dict of numpy arrays, an array [N, F], a torch Dataset, "
    "a Hugging Face Dataset, a card as a mapping, or the path of a table or card"
)


@dataclass(frozen=True)
class GivenData:
    """Data that the user gives, as `load` finds it.

    Attributes:
        name: A path, or the name of an embedded problem.
        written: The folder of the files that in-memory data is written to; None where the user has
            a file.
        words: How messages call it.
    """

    name: str
    written: Path | None = None
    words: str = ""

    @contextmanager
    def called(self) -> Iterator[None]:
        """Let errors call it as the user does, rather than by the name of a temporary file."""
        try:
            yield
        except (DataError, UsageError) as error:
            if self.written is None:
                raise
            raise type(error)(str(error).replace(self.name, self.words)) from error


def as_file(
    given: object,
    targets: object,
    folder: Path,
    tasks: Sequence[str] = (),
) -> GivenData:
    """Return data as a file; what is in memory is written into a folder.

    Args:
        given: See ACCEPTED.
        targets: Target columns that are not in `given`; None if they are.
        folder: An empty folder.
        tasks: The names of the tasks in order, for targets without names.

    Raises:
        DataError: It cannot be written as a table.
        UsageError: It is nothing that is accepted.
    """
    if isinstance(given, str | PathLike):
        if targets is not None:
            raise UsageError(f"y: {given} holds the targets itself; leave y out")
        return GivenData(fspath(given))
    if _is_card(given):
        if targets is not None:
            raise UsageError("y: a card names its targets itself; leave y out")
        file = _write_card(given, folder)
        return GivenData(str(file), folder, "the card")
    words = f"the {type(given).__name__}"
    file = write_table(given, targets, folder / STEM, tasks)
    return GivenData(str(file), folder, words)


def write_table(
    given: object,
    targets: object,
    path: Path,
    tasks: Sequence[str] = (),
) -> Path:
    """Write a table of N rows as Parquet, or arrays as npz; return the file.

    Args:
        given: A table or arrays in memory.
        targets: Further columns; None if there are none.
        path: The file without its suffix.
        tasks: The names of targets that have none.

    Raises:
        DataError: It cannot be written as a table.
        UsageError: It is no table, or has not as many rows as the targets.
    """
    if isinstance(given, np.ndarray) and given.dtype == object and given.ndim == 2:
        given = _frame_of_objects(given)
    if isinstance(given, pd.DataFrame):
        return _write_pandas(_with_targets(given, targets), path.with_suffix(".parquet"))
    if hasattr(given, "write_parquet"):
        return _write_polars(given, targets, path.with_suffix(".parquet"))
    if hasattr(given, "with_format") and hasattr(given, "features"):
        _refuse_targets(given, targets)
        return _write_hugging_face(given, path.with_suffix(".parquet"))
    if _is_torch_dataset(given):
        _refuse_targets(given, targets)
        return _write_arrays(arrays_of_dataset(given, tasks), path.with_suffix(".npz"))
    arrays = _as_arrays(given)
    if targets is not None:
        arrays = {**arrays, **_target_arrays(targets, arrays)}
    return _write_arrays(arrays, path.with_suffix(".npz"))


def with_whole_paths(
    given: object,
    columns: Sequence[str],
) -> object:
    """Return a pandas DataFrame with whole paths of files in some columns; others as they are.

    Paths in memory begin at the working directory, those of a file at its folder.
    """
    if not isinstance(given, pd.DataFrame):
        return given
    whole = {}
    for name in columns:
        if name in given.columns:
            whole[name] = given[name].map(_whole_path)
    return given.assign(**whole)


def _whole_path(cell: object) -> object:
    """Return a path as a whole one; bytes, addresses and missing cells as they are."""
    if isinstance(cell, str) and cell.strip() and "://" not in cell:
        return str(Path(cell).absolute())
    return cell


def names_of(targets: object) -> tuple[str, ...]:
    """Return the names of target columns as they are written."""
    if targets is None:
        return ()
    columns = getattr(targets, "columns", None)
    if columns is not None:
        return tuple(map(str, columns))
    if isinstance(targets, pd.Series) and targets.name is not None:
        return (str(targets.name),)
    if isinstance(targets, Mapping):
        return tuple(map(str, targets))
    array = np.asarray(targets)
    if array.ndim == 2:
        return tuple(f"y_{index}" for index in range(array.shape[1]))
    return ("y",)


def _is_card(given: object) -> bool:
    return isinstance(given, Mapping) and isinstance(given.get(SOURCES), Mapping)


def _is_torch_dataset(given: object) -> bool:
    torch_data = sys.modules.get("torch.utils.data")
    return torch_data is not None and isinstance(given, torch_data.Dataset)


def _refuse_targets(
    given: object,
    targets: object,
) -> None:
    if targets is not None:
        raise UsageError(f"y: a {type(given).__name__} holds its targets itself; leave y out")


def _with_targets(
    inputs: pd.DataFrame,
    targets: object,
) -> pd.DataFrame:
    """Return inputs with target columns behind them, row by row whatever their indexes say."""
    if targets is None:
        return inputs
    names = names_of(targets)
    _check_distinct([*map(str, inputs.columns), *names])
    added = {}
    for name, column in zip(names, _columns_of(targets), strict=True):
        _check_rows(name, len(column), len(inputs))
        added[name] = column.array if isinstance(column, pd.Series) else np.asarray(column)
    return inputs.assign(**added)


def _columns_of(targets: object) -> list[Any]:
    """Return the columns of targets, each [N], in the order of `names_of`."""
    if isinstance(targets, Mapping):
        return list(targets.values())
    if isinstance(targets, pd.Series):
        return [targets]
    if isinstance(targets, pd.DataFrame):
        return [targets.iloc[:, position] for position in range(targets.shape[1])]
    array = np.asarray(targets)
    return list(array.T) if array.ndim == 2 else [array]


def _check_rows(
    name: str,
    found: int,
    rows: int,
) -> None:
    if found != rows:
        raise DataError(f"y: {name} has {found} rows, but X has {rows}")


def _check_distinct(names: Sequence[str]) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DataError(
            f"column names must be distinct, found more than once: {', '.join(repeated)}"
        )


def _write_pandas(
    frame: pd.DataFrame,
    path: Path,
) -> Path:
    frame = frame.copy(deep=False)
    frame.attrs = {}  # which need not be JSON, as Parquet would have it
    frame.columns = frame.columns.map(str)
    _check_distinct(list(frame.columns))
    with _parquet_errors(frame):
        frame.to_parquet(path, engine="pyarrow")
    return path


def _write_polars(
    frame: Any,
    targets: object,
    path: Path,
) -> Path:
    if hasattr(targets, "write_parquet"):
        _check_distinct([*frame.columns, *names_of(targets)])
        frame = frame.hstack(targets)
    elif targets is not None:
        raise UsageError("y: beside a Polars DataFrame it must be one too")
    frame.write_parquet(path)
    return path


def _write_hugging_face(
    dataset: Any,
    path: Path,
) -> Path:
    """Write a `datasets.Dataset`; classes that it keeps as numbers get the names it has for them.

    It says -1 where a class is missing.
    """
    table: pa.Table = dataset.with_format("arrow")[:]
    for position, name in enumerate(table.column_names):
        names = getattr(dataset.features[name], "names", None)
        if names is None:
            continue
        codes = table.column(position).to_pylist()
        words = [None if code is None or code < 0 else names[code] for code in codes]
        table = table.set_column(position, name, pa.array(words, pa.string()))
    with _parquet_errors(dataset):
        pq.write_table(table, path)
    return path


@contextmanager
def _parquet_errors(given: object) -> Iterator[None]:
    try:
        yield
    except pa.ArrowException as error:
        reason = " ".join(str(error).split())
        raise DataError(
            f"the {type(given).__name__} cannot be written as Parquet ({reason})"
        ) from error


def _as_arrays(given: object) -> dict[str, Any]:
    """Return arrays by name, of a mapping or of one array [N, F]. Raises UsageError."""
    if isinstance(given, Mapping) and given:
        return {str(name): _as_array(values) for name, values in given.items()}
    if isinstance(given, np.ndarray) and given.ndim > 1:
        return {"x": given}
    raise UsageError(f"X: found {type(given).__name__}; allowed: {ACCEPTED}")


def _frame_of_objects(array: Array) -> pd.DataFrame:
    """Return an array [N, F] of Python objects as columns of the types that these have."""
    names = [f"x_{index}" for index in range(array.shape[1])]
    return pd.DataFrame(array, columns=names).infer_objects()


def _as_array(values: object) -> Any:
    """Return values as an array; text as numpy keeps it, which needs no pickle."""
    array = np.asarray(values)
    is_text = array.dtype == object and all(isinstance(value, str) for value in array.flat)
    return array.astype(str) if is_text else array


def _target_arrays(
    targets: object,
    arrays: Mapping[str, Any],
) -> dict[str, Any]:
    frame = _with_targets(pd.DataFrame(index=range(len(next(iter(arrays.values()))))), targets)
    _check_distinct([*arrays, *frame.columns])
    return {str(name): _as_array(frame[name]) for name in frame}


def _write_arrays(
    arrays: Mapping[str, Any],
    path: Path,
) -> Path:
    for name, array in arrays.items():
        if array.dtype == object:
            raise DataError(
                f'array "{name}" holds objects; allowed are numbers, booleans, text and dates '
                "of one type each (a DataFrame may hold missing values among them)"
            )
    np.savez(path, **arrays)
    return path


def _write_card(
    card: Any,
    folder: Path,
) -> Path:
    """Write a card, and beside it each source whose path is a table rather than a file."""
    sources = {}
    for number, (name, source) in enumerate(card[SOURCES].items()):
        place = source.get("path") if isinstance(source, Mapping) else None
        if place is None:
            sources[name] = source  # what is wrong with it is said by whoever reads cards
            continue
        if isinstance(place, str | PathLike):
            path = Path(place).expanduser().absolute()
        else:
            path = Path(write_table(place, None, folder / f"source_{number}").name)
        sources[name] = {**source, "path": str(path)}
    file = folder / f"{STEM}.yaml"
    try:
        text = yaml.safe_dump({**card, SOURCES: sources}, sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise DataError(f"the card cannot be written as YAML ({reason})") from error
    file.write_text(text, "utf-8")
    return file
