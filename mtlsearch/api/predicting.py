"""What a model predicts for rows in any form in which `Search.fit` takes data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pandas as pd

from mtlsearch.api.announcing import Announcer
from mtlsearch.api.given_data import write_table
from mtlsearch.arrays import Array
from mtlsearch.errors import DataError, UsageError
from mtlsearch.export.rows import readable
from mtlsearch.runtime.predictor import Predictor
from mtlsearch.runtime.tables import TableError, read_file
from mtlsearch.scratch import scratch_folder


def predict_rows(
    model: Predictor,
    X: object,
    source: str | None,
    announcer: Announcer,
) -> pd.DataFrame:
    """Predict rows.

    Args:
        model: The model.
        X: N rows of inputs: anything that `Search.fit` takes data as, but for cards. Other columns
            than those that the model needs are ignored.
        source: Which source the rows are of, for a model of several.
        announcer: Is told what is odd about the rows.

    Returns:
        N rows in the users' units, with the index of `X`: for each task its value or label, and
        behind the labels their probabilities.

    Raises:
        DataError: A column is missing, the rows cannot be read, or their source is unclear.
    """
    columns = _predicted(model, model.predict_columns, X, source, announcer)
    return pd.DataFrame(columns, index=_index_of(X))


def predict_rows_proba(
    model: Predictor,
    X: object,
    source: str | None,
    announcer: Announcer,
) -> pd.DataFrame:
    """Predict probabilities: N rows, with columns (task, class). See `predict_rows`.

    Raises UsageError where no task of the source has classes.
    """
    predictions = predict_tasks(model, X, source, announcer)
    columns = model.columns_of_classes(model.probabilities(predictions))
    if not columns:
        names = ", ".join(model.tasks)
        raise UsageError(f"predict_proba: no task has classes; found {names}; use predict")
    return pd.DataFrame(columns, index=_index_of(X))


def predict_tasks(
    model: Predictor,
    X: object,
    source: str | None,
    announcer: Announcer,
) -> dict[str, Array]:
    """Return for each task of the source its predictions of N rows, float64.

    They are values or the probability of the second of two classes [N], or probabilities of C
    classes [N, C]. See `predict_rows`.
    """
    return _predicted(model, model.predict_tasks, X, source, announcer)


def _predicted(
    model: Predictor,
    predict: Callable[[Mapping[str, Any], str | None, Path], dict[str, Any]],
    X: object,
    source: str | None,
    announcer: Announcer,
) -> dict[str, Any]:
    """Read rows in any form, predict them by a method of the model, and tell what is odd."""
    with scratch_folder() as temporary:
        rows = _Rows.read(X, temporary)
        try:
            predictions = predict(rows.table, source, rows.begins)
        except TableError as error:
            raise DataError(f"X: {error}") from error
    for notice in chain(rows.notices, model.notices):
        announcer.tell(f"X: {notice}")
    return predictions


@dataclass(frozen=True)
class _Rows:
    """Rows as an exported model reads them.

    Attributes:
        table: Their cells, column by column.
        begins: Where paths of pictures begin.
        notices: What is to be known of how they were read.
    """

    table: Mapping[str, Any]
    begins: Path
    notices: Sequence[str]

    @classmethod
    def read(cls, X: object, scratch: Path) -> "_Rows":
        """Read rows in any form; what is in memory is written on the way. Raises DataError."""
        if isinstance(X, str | Path):
            file = Path(X).expanduser()
            begins = file.parent
        else:
            file = write_table(X, None, scratch / "rows")
            begins = Path()
        if not file.is_file():
            raise DataError(f"{file}: no such file")
        try:
            table, notices = read_file(readable(file, scratch))
        except TableError as error:
            raise DataError(f"X: {error}") from error
        return cls(table, begins, notices)


def _index_of(X: object) -> "pd.Index[Any] | None":
    return X.index if isinstance(X, pd.DataFrame) else None
