"""From table cells to network inputs and from network outputs to predictions. Needs numpy only.

The fitted numbers are in `preprocess.json`: per source the input columns, per task its kind, classes, center and scale.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Record = Mapping[str, Any]  # one column of a source, or one task
Columns = Mapping[str, Sequence[object]]  # a table: the cells of each column, all of one length

LARGEST = 1e30  # in an array, numbers from here on are missing
BOOLEANS = {"true": 1.0, "false": 0.0}
MISSING = {
    *("", "NA", "N/A", "n/a", "<NA>", "#N/A", "#NA", "#N/A N/A", "NULL", "null", "None"),
    *("NaN", "nan", "-NaN", "-nan", "1.#IND", "-1.#IND", "1.#QNAN", "-1.#QNAN"),
}


def encode(columns: Sequence[Record], table: Columns) -> tuple[Array, list[str]]:
    """Return the inputs, float32 [N, F], of a table of N rows, and a notice for each column with unreadable numbers.

    Where the inputs are arrays, they are float32 [N, ...] or, of tokens, int64 [N, S]. Raises ValueError for a wrong shape.
    """
    if columns[0]["type"] in ARRAYS:
        return ARRAYS[columns[0]["type"]](columns[0], table), []
    parts, notices = [], []
    for column in columns:
        cells = table[column["name"]]
        if column["type"] == "categorical":
            parts.append(_one_hot(column, cells))
            continue
        numbers = [_number(cell) for cell in cells]
        parts.append(
            _standardise(
                column,
                np.array([np.nan if value is None else value for value in numbers], np.float64),
            )
        )
        bad = [row for row, value in enumerate(numbers) if value is None]
        if bad:
            first = f"the first is {str(cells[bad[0]])[:40]!r} in row {bad[0] + 1}"
            notices.append(
                f"column {column['name']!r}: {len(bad)} cells are no numbers ({first}); treated as missing"
            )
    return np.concatenate(parts, axis=1).astype(np.float32), notices


def _number(cell: object) -> float | None:
    """Return the cell's number, NaN if it is missing, None if it is something else."""
    if cell is None:
        return np.nan
    text = str(cell).strip()
    if text in MISSING:
        return np.nan
    if text.lower() in BOOLEANS:
        return BOOLEANS[text.lower()]
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _standardise(column: Record, values: Array) -> Array:
    """(x or the median if missing - mean) / scale, then an indicator of missing values if the column has one."""
    missing = ~np.isfinite(values)
    filled = np.where(missing, column["median"], values)
    number = (
        np.zeros(len(values)) if column["constant"] else (filled - column["mean"]) / column["scale"]
    )
    if not column["indicator"]:
        return number[:, None]
    return np.column_stack([number, missing * float(column["indicator_seen"])])


def _one_hot(column: Record, cells: Sequence[object]) -> Array:
    """One input per category; missing and unknown ones, and those no training row had, give zeros."""
    position = {
        category: index
        for index, category in enumerate(column["categories"])
        if column["seen"][index]
    }
    encoded = np.zeros((len(cells), len(column["categories"])))
    for row, cell in enumerate(cells):
        index = None if cell is None else position.get(str(cell))
        if index is not None:
            encoded[row, index] = 1.0
    return encoded


def _images(record: Record, table: Columns) -> Array:
    """(x - mean) / scale per channel, float32 [N, C, H, W]."""
    found = _array(table[record["names"][0]], record)
    return _per_channel(
        found.reshape(-1, *record["shape"]),
        *(np.array(record[key])[:, None, None] for key in ("mean", "scale")),
    )


def _sequences(record: Record, table: Columns) -> Array:
    """(x - mean) / scale per channel up to the end, 0 beyond it, and a channel that marks it: float32 [N, S, C + 1]."""
    found = _array(table[record["names"][0]], record)
    there = _there(record, table, len(found), record["shape"][0])[..., None]
    numbers = _per_channel(found, np.array(record["mean"]), np.array(record["scale"]))
    return np.concatenate([numbers * there, there.astype(np.float32)], 2)


def _tokens(record: Record, table: Columns) -> Array:
    """Places among the known ids, from 1, or 0 for no token: int64 [N, S]."""
    values = np.column_stack([_cells(table[name]) for name in record["names"]])
    places = np.searchsorted(record["ids"], values).clip(max=len(record["ids"]) - 1)
    there = (np.array(record["ids"])[places] == values) & np.array(record["seen"])[places]
    return np.where(there & _there(record, table, *values.shape), places + 1, 0).astype(np.int64)


def _array(cells: Any, record: Record) -> Array:
    found, shape = np.asarray(cells), list(record["shape"])
    fitting = [shape, shape[1:]] if record["type"] == "images" and shape[0] == 1 else [shape]
    if len(found) and list(found.shape[1:]) not in fitting:
        raise ValueError(
            f"array {record['names'][0]!r} has shape {found.shape}; needed is (N, {', '.join(map(str, shape))})"
        )
    return found if len(found) else np.zeros([0, *shape])


def _there(record: Record, table: Columns, rows: int, places: int) -> Array:
    """Bool [N, places]: those before the end of each row."""
    if record["lengths"] is None:
        return np.ones((rows, places), bool)
    return np.asarray(np.arange(places) < _cells(table[record["lengths"]])[:, None])


def _cells(cells: Sequence[object]) -> Array:
    """The numbers of a column, float64 [N], NaN for anything else."""
    return np.array(
        [np.nan if value is None else value for value in map(_number, cells)], np.float64
    )


def _per_channel(values: Array, mean: Array, scale: Array) -> Array:
    """(x - mean) / scale as float32; 0 where a number is missing or the scale is 0."""
    numbers = values.astype(np.float64)
    fine = (np.abs(numbers) < LARGEST) & (scale > 0)
    return np.divide(numbers - mean, scale, out=np.zeros_like(numbers), where=fine).astype(
        np.float32
    )


ARRAYS: dict[str, Callable[[Record, Columns], Array]] = {
    "images": _images,
    "sequences": _sequences,
    "tokens": _tokens,
}


def decode(task: Record, raw: Array) -> Array:
    """Return the prediction of raw outputs [N, C], float64: values [N], P(second class) [N] or probabilities [N, C]."""
    return _DECODE[task["kind"]](task, np.asarray(raw, np.float64))


def _values(task: Record, raw: Array) -> Array:
    return np.asarray(raw[:, 0] * task["scale"] + task["center"])


def _probability(task: Record, raw: Array) -> Array:
    return np.asarray(np.exp(-np.logaddexp(0.0, -raw[:, 0])))


def _probabilities(task: Record, raw: Array) -> Array:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


_DECODE: dict[str, Callable[[Record, Array], Array]] = {
    "regression": _values,
    "binary": _probability,
    "multiclass": _probabilities,
}


def output_columns(name: str, task: Record, prediction: Array) -> list[tuple[str, list[Any]]]:
    """Return the named columns that spell a prediction: the value, or the label and its probabilities."""
    if task["kind"] == "regression":
        return [(name, prediction.tolist())]
    if task["kind"] == "binary":
        labels = [task["classes"][int(chance >= 0.5)] for chance in prediction]
        return [(name, labels), (f"{name}_probability", prediction.tolist())]
    labels = [task["classes"][code] for code in prediction.argmax(axis=1)]
    return [
        (name, labels),
        *(
            (f"{name}={label}", prediction[:, code].tolist())
            for code, label in enumerate(task["classes"])
        ),
    ]
